import type { Http } from '../../shared/service/http.ts'
import { serveConversations } from './conversation-routes.ts'
import type { Operations } from './operations.ts'
import { serveStatus } from './status-routes.ts'
import { serveTimers } from './timer-routes.ts'

/** The whole operations API: conversations of every kind, timers, and how the hub itself stands. */
export function serveHub(http: Http, operations: Operations): void {
  for (const kind of operations.kinds) serveConversations(http, kind, operations)
  serveTimers(http, operations)
  serveStatus(http, operations)
}
