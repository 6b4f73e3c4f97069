import { join } from 'node:path'
import { publish } from '../../shared/bus/bus.ts'
import { fromOutboxRow } from '../../shared/bus/outbox-message.ts'
import { busOf } from '../../shared/bus/service-bus.ts'
import type { ServiceDefinition } from '../../shared/service/service.ts'
import { startRelay } from '../../shared/store/outbox-relay.ts'
import { SqliteStore } from '../../shared/store/sqlite-store.ts'
import { datagenConfig } from './config.ts'
import { serveObjects } from './routes.ts'
import { migrations } from './store.ts'

/** Makes objects over HTTP, stores them and announces them through its outbox, so that an accepted object is never unannounced. */
export const datagen: ServiceDefinition<ReturnType<typeof datagenConfig>> = {
  name: 'datagen',
  title: 'ebs datagen: makes objects',
  docs: true,
  config: datagenConfig,
  async start(context) {
    const { config, http, log, metrics } = context
    const store = await SqliteStore.open({ path: join(config.dataDir, 'datagen.db'), migrations })
    const bus = busOf(context, 'datagen')
    const relay = startRelay({ outbox: store, publish: (row) => publish(bus, fromOutboxRow(row)), log })
    metrics.gauge('ebs_outbox_pending', 'Announcements that the broker has not confirmed yet.', () =>
      store.countPending(),
    )
    serveObjects(http, { store, outboxRowsMax: config.own.EBS_OUTBOX_ROWS_MAX, now: Date.now })
    return {
      async stop() {
        try {
          await relay.stop()
        } finally {
          await store.close()
        }
      },
    }
  },
}
