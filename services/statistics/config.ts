import { type Env, readServiceConfig } from '../../shared/service/config.ts'
import { wholeNumber } from '../../shared/service/settings.ts'

export const statisticsConfig = (env?: Env) =>
  readServiceConfig(
    {
      name: 'statistics',
      port: 8082,
      queues: ['statistics'],
      // Totals are kept for ever; this is about the rows of single objects and tasks.
      own: { EBS_STATISTICS_KEEP_DAYS: wholeNumber({ min: 1, max: 3_650 }).default(7) },
    },
    env,
  )
