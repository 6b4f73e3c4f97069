import type { Json } from '../../../shared/events.ts'
import type { Activity, ActivityContext } from '../../../shared/flow/activity.ts'
import { createLog } from '../../../shared/service/log.ts'

/** Runs an activity as a request with this input would; `activity` itself is tested on a bus. */
export const run = (one: Activity, input: Json, change: Partial<ActivityContext> = {}) =>
  one.run(input, {
    callId: 's1.main:step',
    idempotencyKey: 's1.main:step',
    attempt: 1,
    sagaId: 's1.main',
    tenant: 'default',
    signal: new AbortController().signal,
    log: createLog({ service: 'test', level: 'silent' }),
    ...change,
  })
