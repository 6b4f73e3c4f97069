import { join } from 'node:path'
import { retryOf } from '../../shared/bus/retry.ts'
import { busOf } from '../../shared/bus/service-bus.ts'
import { type Arrived, subscribeStateful } from '../../shared/bus/stateful-consumer.ts'
import type { Clock } from '../../shared/clock.ts'
import type { ServiceDefinition } from '../../shared/service/service.ts'
import { watchStore } from '../../shared/service/store-watch.ts'
import { writingOf } from '../../shared/store/write-trial.ts'
import { statisticsConfig } from './config.ts'
import { isUnheard } from './hearing.ts'
import { startLedger } from './ledger/service.ts'
import { pruneRows } from './retention.ts'
import { serveStatistics } from './routes.ts'
import { openStatistics, type RecordedEvent, readStatistics, record } from './store.ts'
import { logSummaries } from './summary.ts'

/** Deep: ten events per object, each of microseconds. EBS_PREFETCH is for work done one by one and would starve the batches. See docs/decisions/statistics-queue.md. */
const PREFETCH = 500
/** A batch waits this long for company: it saves a commit per event on an idle system, and nobody notices on the dashboard. */
const LINGER_MS = 5
const PRUNE_EVERY_MS = 3_600_000
const DAY_MS = 86_400_000

/** Hears everything and counts it in `stats.db`. One process works, others stand by: its queue has a single active consumer. */
export const statistics: ServiceDefinition<ReturnType<typeof statisticsConfig>> = {
  name: 'statistics',
  title: 'ebs statistics: counts and times everything',
  docs: true,
  config: statisticsConfig,
  async start(context) {
    const { config, http, log } = context
    const store = await openStatistics(join(config.dataDir, 'stats.db'))
    serveStatistics(http, store.read)
    const bus = busOf(context, 'statistics')
    const { clock } = bus
    watchStore(writingOf(store, clock), context)
    const ledger = startLedger(context, bus, store)
    const summaries = logSummaries(log, () => readStatistics(store.read), clock)
    const running = await subscribeStateful(bus, {
      queue: 'statistics',
      store,
      handle: (arrived, tx) => {
        const nowMs = clock.now()
        record(
          tx,
          arrived.map((one) => toRecorded(one, nowMs)),
          nowMs,
        )
        summaries.changed()
        return []
      },
      // Nothing follows from counting.
      relayed: () => Promise.resolve(),
      accepts: () => true,
      takesStrangers: true,
      retry: retryOf(config.retry, 'statistics'),
      prefetch: PREFETCH,
      lingerMs: LINGER_MS,
    })
    const pruning = repeat(clock, PRUNE_EVERY_MS, () => {
      const keepMs = config.own.EBS_STATISTICS_KEEP_DAYS * DAY_MS
      Promise.all([pruneRows(store, clock.now(), keepMs), store.prune(clock.now())]).then(
        ([rows, ids]) => log.info({ rows, ids }, 'forgot what is older than configured'),
        (error: unknown) => log.error({ err: error }, 'could not remove old rows; trying again in an hour'),
      )
    })
    return {
      async stop(withinMs) {
        pruning.end()
        try {
          await ledger.stop(withinMs)
          await running.stop(withinMs)
          summaries.stop()
        } finally {
          await store.close()
        }
      },
    }
  },
}

const toRecorded = (arrived: Arrived, nowMs: number): RecordedEvent => {
  const type = 'stranger' in arrived ? arrived.stranger : arrived.type
  const { key, atMs = nowMs, tenant = null } = arrived.meta
  return {
    type,
    key,
    atMs,
    tenant,
    body: 'stranger' in arrived ? undefined : arrived.data,
    unheard: isUnheard(key, type),
  }
}

/** Runs again and again, so long after the last time. */
function repeat(clock: Clock, everyMs: number, run: () => void) {
  let cancel: () => void = () => undefined
  const wait = () => {
    cancel = clock.after(everyMs, () => {
      run()
      wait()
    })
  }
  wait()
  return { end: () => cancel() }
}
