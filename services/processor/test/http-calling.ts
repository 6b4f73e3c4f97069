import type { Json } from '../../../shared/events.ts'
import type { ActivityContext } from '../../../shared/flow/activity.ts'
import { httpCall } from '../activities/http-call.ts'
import { allowedHosts } from '../http-allow.ts'
import { run } from './activity-run.ts'
import { systems } from './systems-fixture.ts'

/** Runs the activity `http` where these hosts are allowed. */
export const calling = (allow: string, input: Json, change: Partial<ActivityContext> = {}) =>
  run(httpCall(systems({ allowed: allowedHosts.parse(allow) })), input, change)
