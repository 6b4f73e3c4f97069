import type { Http } from '../../shared/service/http.ts'
import { serveConversations } from './conversation-routes.ts'
import { serveDead } from './dead-routes.ts'
import { serveDefinitions } from './journeys/definition-routes.ts'
import { serveJourneys } from './journeys/journey-routes.ts'
import { serveLedger } from './ledger-routes.ts'
import { JOURNEY, type Operations, usersKinds } from './operations.ts'
import { serveRemediation } from './remediation/remediation-routes.ts'
import { serveReplays } from './replay-routes.ts'
import { serveSidelines } from './sideline-routes.ts'
import { serveStatus } from './status-routes.ts'
import { serveTimers } from './timer-routes.ts'
import { serveWhy } from './why/why-routes.ts'

/**
 * The whole operations API: conversations of every kind, timers, sideline rules, dead letters, what brings them back, and how the hub itself
 * stands.
 */
export function serveHub(http: Http, operations: Operations): void {
  for (const kind of usersKinds(operations)) serveConversations(http, kind, operations)
  if (operations.kinds.some(({ name }) => name === JOURNEY)) serveJourneys(http, operations)
  serveDefinitions(http, operations)
  serveRemediation(http, operations)
  serveSidelines(http, operations)
  serveDead(http, operations)
  serveReplays(http, operations)
  serveTimers(http, operations)
  serveWhy(http, operations)
  serveStatus(http, operations)
  serveLedger(http, operations)
}
