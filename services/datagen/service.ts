import { join } from 'node:path'
import type { Logger } from 'pino'
import { openAsker } from '../../shared/bus/ask.ts'
import { ClosedError, isRefused } from '../../shared/bus/broker.ts'
import { publish } from '../../shared/bus/bus.ts'
import { fromOutboxRow } from '../../shared/bus/outbox-message.ts'
import { retryOf } from '../../shared/bus/retry.ts'
import { busOf } from '../../shared/bus/service-bus.ts'
import { subscribeStateful } from '../../shared/bus/stateful-consumer.ts'
import type { ServiceDefinition } from '../../shared/service/service.ts'
import { REFUSED_HELP, startRelay } from '../../shared/store/outbox-relay.ts'
import { SqliteStore } from '../../shared/store/sqlite-store.ts'
import { datagenConfig } from './config.ts'
import { isEnd, recordEnds } from './ends.ts'
import { serveObjects } from './routes.ts'
import { groupAsker } from './standing.ts'
import { migrations } from './store.ts'

/** Deep: one event per object, each of microseconds. EBS_PREFETCH is for work done one by one and would starve the batches. */
const PREFETCH = 500
/** A batch waits this long for company: it saves a commit per object on an idle system. */
const LINGER_MS = 5

/**
 * Makes objects over HTTP, stores them and announces them through its outbox, so that an accepted object is never unannounced;
 * hears how they ended.
 */
export const datagen: ServiceDefinition<ReturnType<typeof datagenConfig>> = {
  name: 'datagen',
  title: 'ebs datagen: makes objects, and tells how they ended',
  docs: true,
  config: datagenConfig,
  async start(context) {
    const { config, http, log, metrics } = context
    const store = await SqliteStore.open({ path: join(config.dataDir, 'datagen.db'), migrations })
    const bus = busOf(context, 'datagen')
    const relay = startRelay({ outbox: store, publish: (row) => publish(bus, fromOutboxRow(row)), isRefused, log })
    metrics.gauge('ebs_outbox_pending', 'Announcements that the broker has not confirmed yet.', () =>
      store.countPending(),
    )
    metrics.gauge('ebs_outbox_refused', REFUSED_HELP, () => relay.refusedRows)
    const consuming = subscribeStateful(bus, {
      queue: 'datagen_consume',
      store,
      handle: (arrived, tx) => {
        recordEnds(tx, arrived, bus.clock.now())
        return []
      },
      isIdempotent: () => true,
      // Nothing follows from an end.
      relayed: () => Promise.resolve(),
      accepts: isEnd,
      retry: retryOf(config.retry, 'datagen_consume'),
      prefetch: PREFETCH,
      lingerMs: LINGER_MS,
    })
    // Neither is waited for: objects are accepted while the broker is away.
    const findRunning = onceThere(consuming, log)
    const findAsker = onceThere(openAsker(bus), log)
    const outboxRowsMax = config.own.EBS_OUTBOX_ROWS_MAX
    serveObjects(http, { store, outboxRowsMax, askGroup: groupAsker(findAsker), now: Date.now })
    return {
      async stop(withinMs) {
        try {
          await findRunning()?.stop(withinMs)
          await findAsker()?.stop()
          await relay.stop()
        } finally {
          await store.close()
        }
      },
    }
  },
}

/** What is being opened, or undefined as long as it is not there. A broker that is closed before it was ever there is no trouble. */
function onceThere<T>(opening: Promise<T>, log: Pick<Logger, 'error'>): () => T | undefined {
  let there: T | undefined
  opening.then(
    (opened) => {
      there = opened
    },
    (error: unknown) => {
      if (!(error instanceof ClosedError)) log.error({ err: error }, 'could not begin to hear how objects end')
    },
  )
  return () => there
}
