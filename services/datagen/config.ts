import { type Env, readServiceConfig } from '../../shared/service/config.ts'
import { wholeNumber } from '../../shared/service/settings.ts'

export const datagenConfig = (env?: Env) =>
  readServiceConfig(
    {
      name: 'datagen',
      port: 8000,
      queues: ['datagen_consume'],
      // At about 1 kB a row: some 100 MB on disk before callers are told to come back later.
      own: { EBS_OUTBOX_ROWS_MAX: wholeNumber({ min: 1, max: 100_000_000 }).default(100_000) },
    },
    env,
  )
