import { join } from 'node:path'
import { answerQuestions } from '../../shared/bus/answer.ts'
import { openAsker } from '../../shared/bus/ask.ts'
import { isRefused } from '../../shared/bus/broker.ts'
import { publish } from '../../shared/bus/bus.ts'
import type { Event } from '../../shared/bus/envelope.ts'
import { onceThere } from '../../shared/bus/once-there.ts'
import { fromOutboxRow } from '../../shared/bus/outbox-message.ts'
import { retryOf } from '../../shared/bus/retry.ts'
import { busOf } from '../../shared/bus/service-bus.ts'
import { subscribeStateful } from '../../shared/bus/stateful-consumer.ts'
import type { ServiceDefinition } from '../../shared/service/service.ts'
import { watchStore } from '../../shared/service/store-watch.ts'
import { REFUSED_HELP, startRelay } from '../../shared/store/outbox-relay.ts'
import { SqliteStore } from '../../shared/store/sqlite-store.ts'
import type { OutboxRow } from '../../shared/store/store.ts'
import { writingOf } from '../../shared/store/write-trial.ts'
import { datagenConfig } from './config.ts'
import { isEnd, recordEnds } from './ends.ts'
import { tellFacts } from './facts.ts'
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
    const { clock } = bus
    watchStore(writingOf(store, clock), context)
    const send = (row: OutboxRow) => publish(bus, fromOutboxRow(row))
    const relay = startRelay({ outbox: store, publish: send, isRefused, log, clock })
    metrics.gauge('ebs_outbox_pending', 'Announcements that the broker has not confirmed yet.', () =>
      store.countPending(),
    )
    metrics.gauge('ebs_outbox_refused', REFUSED_HELP, () => relay.refusedRows)
    const consuming = subscribeStateful(bus, {
      queue: 'datagen_consume',
      store,
      handle: (arrived, tx) => {
        recordEnds(tx, arrived, clock.now())
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
    // None is waited for: objects are accepted while the broker is away.
    const findRunning = onceThere(consuming, log, 'could not begin to hear how objects end')
    const findAsker = onceThere(openAsker(bus), log, 'could not begin to ask the hub how objects stand')
    const answer = (event: Event) => (event.type === 'FACTS_ASKED' ? tellFacts(store, event.data) : undefined)
    const findAnswering = onceThere(
      answerQuestions(bus, { queue: 'datagen_ask', answer }),
      log,
      'could not begin to answer questions',
    )
    const outboxRowsMax = config.own.EBS_OUTBOX_ROWS_MAX
    serveObjects(http, { store, outboxRowsMax, askGroup: groupAsker(findAsker), now: () => clock.now() })
    return {
      async stop(withinMs) {
        try {
          await findRunning()?.stop(withinMs)
          await findAnswering()?.stop(withinMs)
          await findAsker()?.stop()
          await relay.stop()
        } finally {
          await store.close()
        }
      },
    }
  },
}
