import { join } from 'node:path'
import type { Logger } from 'pino'
import type { Clock } from '../../shared/clock.ts'
import type { Metrics } from '../../shared/service/metrics.ts'
import { FailoverHubStore } from '../../shared/store/failover-hub-store.ts'
import type { HubStore } from '../../shared/store/hub-store.ts'
import { UnusableDatabaseError } from '../../shared/store/migrations.ts'
import { SqliteHubStore } from '../../shared/store/sqlite-hub-store.ts'
import type { Watched } from '../../shared/store/store.ts'
import type { HubConfig } from './config.ts'

const FILE = 'hub.db'

type Surroundings = {
  readonly log: Pick<Logger, 'info' | 'warn'>
  readonly clock: Clock
  readonly metrics: Pick<Metrics, 'gaugeBy'>
}

/**
 * A file that was one of two and is not all there is: what the other one knows would begin a second time. Names what to set.
 */
async function openAlone(path: string): Promise<HubStore & Watched> {
  const store = await SqliteHubStore.open({ path })
  const { epoch, leads, isDrained, out } = store.moving.lead()
  if (epoch === 0 || (leads && (isDrained || out === 'secondary'))) return store
  await store.close()
  const why = leads ? 'the other one may still hold what is not in it' : 'the other one leads'
  throw new UnusableDatabaseError(
    `${path} is one of two stores, and ${why}: set EBS_HUB_STORE_SECONDARY (and EBS_HUB_STORE_PRIMARY) to what they were. ` +
      'To go on with one store, start with both and without EBS_HUB_STORE_OUT, wait until the primary leads and everything has moved to it, ' +
      'then name the folder of the primary. If the secondary is lost for good, start once with EBS_HUB_STORE_OUT=secondary.',
  )
}

/** Opens where the hub keeps everything: one file in the data directory; or, when a second place is configured, two of which one leads. */
export async function openHubStore(
  { dataDir, stores }: Pick<HubConfig, 'dataDir' | 'stores'>,
  { log, clock, metrics }: Surroundings,
): Promise<HubStore & Watched> {
  if (!stores) return openAlone(join(dataDir, FILE))
  const store = await FailoverHubStore.open({
    primary: join(stores.primary, FILE),
    secondary: join(stores.secondary, FILE),
    out: stores.out,
    open: (path) => SqliteHubStore.open({ path }),
    log,
    clock,
  })
  metrics.gaugeBy(
    {
      name: 'ebs_hub_store_leads',
      help: '1 for the store that takes changes; 0 for both: none can be used.',
      by: ['store'],
    },
    async () =>
      ['primary', 'secondary'].map((name) => ({ labels: { store: name }, value: Number(store.leader === name) })),
  )
  return store
}
