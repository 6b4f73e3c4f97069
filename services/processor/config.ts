import { type Env, readServiceConfig } from '../../shared/service/config.ts'
import { ConfigError } from '../../shared/service/errors.ts'
import { decimal, wholeNumber } from '../../shared/service/settings.ts'

/** RabbitMQ takes a delivery back that is not acked within 30 minutes; a task stays far below. */
const TASK_MS_MAX = 600_000

/** Reads the environment; the work's range must be one. */
export function processorConfig(env?: Env) {
  const config = readServiceConfig(
    {
      name: 'processor',
      port: 8084,
      queues: ['process_consume'],
      own: {
        EBS_TASK_MS_MIN: wholeNumber({ min: 0, max: TASK_MS_MAX }).default(0),
        EBS_TASK_MS_MAX: wholeNumber({ min: 0, max: TASK_MS_MAX }).default(20),
        EBS_TASK_FAILURE_RATE: decimal({ min: 0, max: 1 }).default(0),
      },
    },
    env,
  )
  const { EBS_TASK_MS_MIN: minMs, EBS_TASK_MS_MAX: maxMs } = config.own
  if (minMs > maxMs)
    throw new ConfigError([
      { variable: 'EBS_TASK_MS_MAX', given: String(maxMs), accepted: `at least EBS_TASK_MS_MIN, which is ${minMs}` },
    ])
  return config
}
