import { type Env, readServiceConfig } from '../../shared/service/config.ts'
import { ConfigError } from '../../shared/service/errors.ts'
import { decimal, wholeNumber } from '../../shared/service/settings.ts'
import { activityQueueOf } from '../../shared/topology.ts'
import { activityNames } from './activities/table.ts'
import { allowedHosts } from './http-allow.ts'
import { mockActivities } from './mock-activities.ts'
import { servedNames, wantedActivities } from './served-activities.ts'

/** RabbitMQ takes a delivery back that is not acked within 30 minutes; a task, or a backend's work, stays far below. */
const WORK_MS_MAX = 600_000
const workMs = wholeNumber({ min: 0, max: WORK_MS_MAX })

/** Reads the environment; each range of times must be one. */
export function processorConfig(env: Env = process.env) {
  const config = readServiceConfig(
    {
      name: 'processor',
      port: 8084,
      queues: ['process_consume', 'flow_worker_consume', 'flow_backend_consume', ...activityQueues(env)],
      own: {
        EBS_TASK_MS_MIN: workMs.default(0),
        EBS_TASK_MS_MAX: workMs.default(20),
        EBS_TASK_FAILURE_RATE: decimal({ min: 0, max: 1 }).default(0),
        EBS_FLOW_BACKEND_MS_MIN: workMs.default(0),
        EBS_FLOW_BACKEND_MS_MAX: workMs.default(20),
        EBS_ACTIVITIES: wantedActivities.default(activityNames),
        EBS_MOCK_ACTIVITIES: mockActivities.default({}),
        EBS_HTTP_ALLOW: allowedHosts.default([]),
        EBS_SHOP_FAILURE_RATE: decimal({ min: 0, max: 1 }).default(0),
      },
    },
    env,
  )
  const mistakes = (['EBS_TASK_MS', 'EBS_FLOW_BACKEND_MS'] as const).flatMap((range) => {
    const { [`${range}_MIN` as const]: minMs, [`${range}_MAX` as const]: maxMs } = config.own
    const accepted = `at least ${range}_MIN, which is ${minMs}`
    return minMs > maxMs ? [{ variable: `${range}_MAX`, given: String(maxMs), accepted }] : []
  })
  if (mistakes.length > 0) throw new ConfigError(mistakes)
  return config
}

/** Those that are served have retry settings of their own. What is wrong with the variables is found when all are read. */
function activityQueues({ EBS_ACTIVITIES, EBS_MOCK_ACTIVITIES }: Env): readonly string[] {
  const wanted = wantedActivities.safeParse(EBS_ACTIVITIES)
  const mocks = mockActivities.safeParse(EBS_MOCK_ACTIVITIES)
  const names = servedNames(wanted.data ?? activityNames, mocks.data ?? {})
  return names.map((name) => activityQueueOf(name))
}
