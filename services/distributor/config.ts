import { retryOf } from '../../shared/bus/retry.ts'
import { TTL_S_MAX } from '../../shared/events.ts'
import { type Env, readServiceConfig } from '../../shared/service/config.ts'
import { wholeNumber } from '../../shared/service/settings.ts'
import { findShortDeadline } from './deadline.ts'

/** An object of more tasks than this would be a message flood from one request. */
const TASKS_MAX = 1_000
/** A task on its last retry must not be cut off: 25 linear retries of 1 s steps take 325 s. */
const DEADLINE_MS = 600_000
/** Shorter, and a queue that is a little behind fails every object. */
const DEADLINE_MS_MIN = 1_000
const DEADLINE_MS_MAX = TTL_S_MAX * 1_000

/** Reads the environment; warns of a deadline that the retries of a task may pass. */
export function distributorConfig(env?: Env) {
  const config = readServiceConfig(
    {
      name: 'distributor',
      port: 8083,
      // The second is the processors'; how long they retry says how long an object may take.
      queues: ['distributor_consume', 'process_consume'],
      own: {
        EBS_TASKS_PER_OBJECT: wholeNumber({ min: 1, max: TASKS_MAX }).default(3),
        EBS_OBJECT_DEADLINE_MS: wholeNumber({ min: DEADLINE_MS_MIN, max: DEADLINE_MS_MAX }).default(DEADLINE_MS),
      },
    },
    env,
  )
  const warning = findShortDeadline(config.own.EBS_OBJECT_DEADLINE_MS, retryOf(config.retry, 'process_consume'))
  return warning === undefined ? config : { ...config, warnings: [...config.warnings, warning] }
}
