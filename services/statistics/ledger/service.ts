import { openAsker } from '../../../shared/bus/ask.ts'
import { type Broker, isRefused } from '../../../shared/bus/broker.ts'
import { type Bus, publish } from '../../../shared/bus/bus.ts'
import { newId } from '../../../shared/bus/ids.ts'
import { onceThere } from '../../../shared/bus/once-there.ts'
import { fromOutboxRow } from '../../../shared/bus/outbox-message.ts'
import type { RunningService, ServiceContext } from '../../../shared/service/service.ts'
import { startRelay } from '../../../shared/store/outbox-relay.ts'
import type { SqliteStore } from '../../../shared/store/sqlite-store.ts'
import type { statisticsConfig } from '../config.ts'
import { byInspection, byManagement, MANAGEMENT_AGE_MS, type Observe } from './observation.ts'
import { answerAsked } from './questions.ts'
import { serveLedger } from './routes.ts'
import { readEntryCounts, readMissingGauge } from './view.ts'
import { LedgerWatch } from './watch.ts'

type Context = Pick<
  ServiceContext<ReturnType<typeof statisticsConfig>>,
  'config' | 'http' | 'log' | 'metrics' | 'stopping'
>

/** All of the ledger but the counting: its routes and metrics, the looks at the broker, what is said, and answers to who asks. */
export function startLedger(
  { config, http, log, metrics, stopping }: Context,
  bus: Bus,
  store: SqliteStore,
): RunningService {
  const { EBS_LEDGER_SETTLE_MS: settleMs, EBS_LEDGER_EVERY_MS: everyMs } = config.own
  const { read } = store
  serveLedger(http, { read, settleMs, everyMs, now: () => bus.clock.now() })
  metrics.gaugeBy({ name: 'ebs_ledger_entries', help: 'Entries of the ledger.', by: ['kind', 'state'] }, () =>
    readEntryCounts(read),
  )
  metrics.gaugeBy(
    {
      name: 'ebs_ledger_imbalance',
      help: 'Entries of the ledger that are nowhere to be found.',
      by: ['kind', 'place'],
    },
    () => readMissingGauge(read),
  )
  const relay = startRelay({
    ...{ outbox: store, publish: (row) => publish(bus, fromOutboxRow(row)), isRefused, log, clock: bus.clock },
  })
  // Neither is waited for: events are counted while nobody can be asked.
  const findAsker = onceThere(openAsker(bus), log, 'could not begin to ask the hub what it holds')
  const findAnswering = onceThere(
    answerAsked(bus, read, { settleMs, everyMs }),
    log,
    'could not begin to answer questions',
  )
  const watch = new LedgerWatch({
    ...{ bus, store, holder: newId(bus.clock.now()), settleMs, everyMs, findAsker, stopping },
    ...observerOf(config, bus),
  })
  watch.start()
  return {
    async stop(withinMs) {
      await watch.stop(withinMs)
      await findAnswering()?.stop(withinMs)
      await findAsker()?.stop()
      await relay.stop()
    },
  }
}

/** By the management API when there is one; by inspection otherwise, and while it does not answer. */
function observerOf({ amqpUrl, amqpManagementUrl }: Context['config'], bus: Bus) {
  const inspect: Broker['inspect'] = (queue) => bus.broker.inspect(queue)
  const inspecting = byInspection(inspect)
  if (amqpManagementUrl === undefined) return { observe: inspecting, ageMs: 0 }
  const ask = byManagement({ managementUrl: amqpManagementUrl, amqpUrl }, inspect)
  const observe: Observe = async (parking) => {
    try {
      return await ask(parking)
    } catch (error) {
      bus.log.warn({ err: error }, 'the management API does not tell what lies in queues; each queue is asked instead')
      return inspecting(parking)
    }
  }
  return { observe, ageMs: MANAGEMENT_AGE_MS }
}
