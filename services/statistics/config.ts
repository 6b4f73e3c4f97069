import { type Env, readServiceConfig } from '../../shared/service/config.ts'
import { wholeNumber } from '../../shared/service/settings.ts'

export const statisticsConfig = (env?: Env) =>
  readServiceConfig(
    {
      name: 'statistics',
      port: 8082,
      queues: ['statistics'],
      // Totals are kept for ever; this is about the rows of single objects and tasks.
      own: {
        EBS_STATISTICS_KEEP_DAYS: wholeNumber({ min: 1, max: 3_650 }).default(7),
        // Numbers of the management API are five seconds old, and a retry may take some: below, the ledger would see losses that are none.
        EBS_LEDGER_SETTLE_MS: wholeNumber({ min: 100, max: 86_400_000 }).default(30_000),
        EBS_LEDGER_EVERY_MS: wholeNumber({ min: 100, max: 3_600_000 }).default(5_000),
      },
    },
    env,
  )
