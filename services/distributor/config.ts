import { type Env, readServiceConfig } from '../../shared/service/config.ts'
import { wholeNumber } from '../../shared/service/settings.ts'

/** An object of more tasks than this would be a message flood from one request. */
const TASKS_MAX = 1_000

export const distributorConfig = (env?: Env) =>
  readServiceConfig(
    {
      name: 'distributor',
      port: 8083,
      queues: ['distributor_consume'],
      own: { EBS_TASKS_PER_OBJECT: wholeNumber({ min: 1, max: TASKS_MAX }).default(3) },
    },
    env,
  )
