import { z } from 'zod'
import type { Bus } from '../../shared/bus/bus.ts'
import type { Subscribed } from '../../shared/bus/consumer.ts'
import type { RetryPolicy } from '../../shared/bus/retry.ts'
import type { Arrived } from '../../shared/bus/stateful-consumer.ts'
import type { Kernel } from '../../shared/flow/kernel.ts'
import { recordIn } from '../../shared/flow/sideline-record.ts'
import type { HubStore, HubTransaction } from '../../shared/store/hub-store.ts'
import { type QueueType, queues } from '../../shared/topology.ts'
import { ControlLog } from './control/control-log.ts'
import { ControlUpkeep } from './control/control-upkeep.ts'
import { consumersBy } from './control/queue-consumers.ts'
import { watchReturn } from './control/returning.ts'
import { runTrial } from './control/trials.ts'
import { runErrands } from './errands/errands.ts'
import { Rounds } from './errands/round.ts'
import { Comparison } from './held/comparison.ts'
import { Contents } from './held/contents.ts'
import { editHeld } from './held/edits.ts'
import { intakeOf, isHeldNews } from './held/intake.ts'
import { LateParking } from './held/late-parking.ts'
import { type Job, Mover } from './held/mover.ts'
import { openParking } from './held/open-conversations.ts'
import { ParkedThreads } from './held/parked-threads.ts'
import { PlaceLocks } from './held/place-locks.ts'
import { requestReplay } from './held/replay-requests.ts'
import { searchHeld } from './held/search.ts'
import type { HeldOperations } from './held-operations.ts'
import { initiating } from './journeys/initiator.ts'
import { REPLAY, SIDELINE } from './operations.ts'
import { findSeen } from './remediation/remediation-item.ts'
import { Webhook } from './remediation/webhook.ts'
import { tell, tellFound, tellIn } from './told.ts'

export type EffectsOptions = {
  readonly bus: Bus
  readonly store: HubStore
  readonly kernel: Kernel
  /** Some kind of conversation has its deadlines stand still while a message of its thread is set aside. */
  readonly isFrozenWhileParked?: boolean
  /** Called at the start of each batch, in its transaction. */
  readonly prepare: (tx: HubTransaction) => void | Promise<void>
  /** Work queues of activities, which come with registered definitions. */
  readonly activityQueues: () => readonly string[]
  /** Resolves when everything in the outbox so far is confirmed by the broker. */
  readonly relayed: () => Promise<void>
  readonly onIgnored: (kind: string, why: 'duplicate') => void
  readonly amqpUrl: string
  readonly managementUrl: string | undefined
  readonly queueType: QueueType
  /** Told of journeys that need a person. */
  readonly webhook?: string | undefined
  /** Of `hub_work`. */
  readonly retry: RetryPolicy
}

/** What the hub does besides deciding: the catalogue, the stream of rules, errands, and what the API asks of them. */
export function effectsOf(options: EffectsOptions) {
  const { bus, store, kernel, prepare, activityQueues, relayed, onIgnored, queueType, retry } = options
  const locks = new PlaceLocks()
  const control = new ControlLog(bus)
  const consumers = consumersBy(bus.broker, { ...options, log: bus.log })
  const isReturning = watchReturn(bus.broker, bus.clock)
  const threads = new ParkedThreads({ kernel, store, clock: bus.clock, isPolicy: options.isFrozenWhileParked === true })
  const handle = intakeOf({
    clock: bus.clock,
    threads,
    decide: initiating(async (arrived, tx) => {
      await prepare(tx)
      return kernel.handle(arrived, tx)
    }),
    onKnown: () => onIgnored(REPLAY, 'duplicate'),
  })
  const told = (body: Parameters<HeldOperations['tell']>[0]) => tell(bus, { store, handle }, body)
  const contents = new Contents({ bus, store, locks })
  const search: HeldOperations['search'] = (which, page) => searchHeld({ store, contents }, which, page)
  const operations: HeldOperations = {
    held: store.held,
    tell: told,
    trials: { run: (trial) => runTrial({ bus, control, consumers }, trial) },
    contents,
    search,
    replays: {
      request: (request) =>
        requestReplay({ bus, store, search, tellIn: (body, tx) => tellIn(bus, handle, body, tx) }, request),
    },
    edit: (id, body, by) => editHeld({ bus, store, contents }, id, body, by),
  }
  return {
    /** For `subscribeStateful`. */
    handle,
    isIdempotent: (arrived: Arrived) => isHeldNews(arrived) || kernel.isIdempotent(arrived),
    operations,
    /** Reads the stream of rules. Before anything is consumed. */
    follow: () => control.start(),
    async run(): Promise<Subscribed> {
      const workQueues = () => [...Object.keys(queues), ...activityQueues()]
      const parking = () => openParking(store.reader)
      const comparison = new Comparison({ bus, store, locks, threads, queues: workQueues, parking })
      const late = new LateParking({ bus, store, locks, tell: told, rules: () => control.rules })
      const upkeep = new ControlUpkeep({ bus, store, control, tell: told })
      const rounds = new Rounds(bus, [() => upkeep.run(), () => comparison.run(), () => late.run()])
      const mover = new Mover({ bus, store, locks, threads, findJob: (id) => findJob(store, id) })
      const findRevision = (id: string) => findRuleRevision(store, id)
      const find = (id: string) => findSeen({ store, clock: bus.clock }, id)
      const webhook = new Webhook({ bus, url: options.webhook, find })
      const errands = await runErrands({
        bus,
        retry,
        sideline: { bus, control, consumers, isReturning, clock: bus.clock, locks, queueType, findRevision },
        replay: { bus, mover },
        round: (slotMs) => rounds.run(slotMs),
        notify: (notice) => webhook.run(notice),
        tell: (errand, found) => tellFound(bus, { store, handle, relayed }, errand, found),
      })
      return {
        async stop(withinMs) {
          // What hangs there is not waited for: it is told again at the next start.
          await webhook.close()
          await errands.stop(withinMs)
          await control.stop()
        },
      }
    },
  }
}

const whoAndWhy = z.object({ actor: z.string(), reason: z.string() })

/** A replay, as its conversation has it now. */
async function findJob({ reader }: HubStore, key: string): Promise<Job | undefined> {
  const found = await reader.findConversation({ kind: REPLAY, key })
  return found && { isRunning: found.status === 'running', ...whoAndWhy.parse(JSON.parse(found.state)) }
}

async function findRuleRevision({ reader }: HubStore, key: string): Promise<number | undefined> {
  const found = await reader.findConversation({ kind: SIDELINE, key })
  return found && recordIn(found.state).revision
}
