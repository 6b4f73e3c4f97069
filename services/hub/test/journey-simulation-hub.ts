import { ClosedError } from '../../../shared/bus/broker.ts'
import { type Bus, publish } from '../../../shared/bus/bus.ts'
import { parseEvent } from '../../../shared/bus/envelope.ts'
import { subscribeStateful } from '../../../shared/bus/stateful-consumer.ts'
import { retryPolicy } from '../../../shared/bus/test/bus-fixture.ts'
import { anyKind } from '../../../shared/flow/any-kind.ts'
import { journeyKind } from '../../../shared/flow/journey/journey.ts'
import { DefinitionRegistry } from '../../../shared/flow/journey/registry.ts'
import { remediationJobKind } from '../../../shared/flow/journey/remediation-job.ts'
import { Kernel } from '../../../shared/flow/kernel.ts'
import { replayKind } from '../../../shared/flow/replay.ts'
import { sidelineKind } from '../../../shared/flow/sideline.ts'
import type { HubStore, HubTransaction } from '../../../shared/store/hub-store.ts'
import { type OutboxRelay, startRelay } from '../../../shared/store/outbox-relay.ts'
import { effectsOf } from '../effects.ts'
import { askForRound } from '../errands/round.ts'
import type { HeldOperations } from '../held-operations.ts'
import { Journeys } from '../journeys/journeys.ts'
import { RemediationSweep } from '../remediation/sweep.ts'
import { sidelineTermsOf } from '../sideline-terms.ts'
import { startUpkeep } from '../upkeep.ts'
import { type Commit, MortalStore, type StorePoint } from './journey-simulation-store.ts'

/** Longer than any story: what has ended is looked at in the end. */
const KEPT_MS = 30 * 86_400_000

export type HubAround = {
  readonly bus: Bus
  readonly store: HubStore
  readonly overdueMs: number | undefined
  readonly isFrozenWhileParked: boolean
  readonly isStoreOut: () => boolean
  readonly losesWakeUps: () => boolean
  readonly onMoment: (point: StorePoint) => void
  readonly onCommit: (commit: Commit) => void
  /** It cannot go on, and ends by itself. */
  readonly onFailed: (error: unknown) => void
}

/** One process of the hub, wired as the service is, on a store that outlives it. */
export class SimulatedHub {
  readonly store: MortalStore
  readonly kernel: Kernel
  readonly journeys: Journeys
  readonly operations: HeldOperations
  readonly #around: HubAround
  readonly #relay: OutboxRelay
  readonly #effects: ReturnType<typeof effectsOf>
  readonly #stopping = new AbortController()
  readonly #stopUpkeep: () => void

  constructor(around: HubAround) {
    const { bus, isFrozenWhileParked } = around
    const { clock, log } = bus
    const store = new MortalStore(around.store, { ...around, isOut: around.isStoreOut })
    const registry = new DefinitionRegistry(log)
    const journeys = new Journeys({ bus, store, registry, queueType: 'quorum', stopping: this.#stopping.signal })
    const activityQueues = () => journeys.activityQueues()
    this.#around = around
    this.store = store
    this.journeys = journeys
    this.kernel = new Kernel({
      bus,
      kinds: [
        anyKind(journeyKind({ definitions: registry, hasWebhook: false })),
        anyKind(sidelineKind(sidelineTermsOf(activityQueues))),
        anyKind(replayKind),
        anyKind(remediationJobKind),
      ],
      earlyKeepMs: 60_000,
      frozenWhileParked: new Set(isFrozenWhileParked ? ['journey'] : []),
      onFired: () => undefined,
      onIgnored: () => undefined,
    })
    this.#effects = effectsOf({
      ...{ bus, store, kernel: this.kernel, onIgnored: () => undefined, isFrozenWhileParked },
      ...{ relayed: () => this.#relay.flushed(), activityQueues },
      ...{ amqpUrl: 'amqp://127.0.0.1', managementUrl: undefined, queueType: 'quorum', retry: retryPolicy() },
      prepare: (tx: HubTransaction) => journeys.sync(tx),
    })
    this.operations = this.#effects.operations
    this.#relay = startRelay({ outbox: store, publish: (row) => publish(bus, this.kernel.messageOf(row)), log, clock })
    const onFailed = (journey: string, err: unknown) => log.error({ journey, err }, 'could not look after a journey')
    const sweep = new RemediationSweep({ store, clock, ...this.operations, overdueMs: around.overdueMs, onFailed })
    this.#stopUpkeep = startUpkeep({
      ...{ store, kernel: this.kernel, clock, log, keepMs: { success: KEPT_MS, failed: KEPT_MS, audit: KEPT_MS } },
      askForRound: () => askForRound(bus),
      catchUp: () => journeys.refresh(),
      remediate: (isStopped) => sweep.run(isStopped),
    })
    this.#consume().catch((error: unknown) => {
      if (this.isAlive) around.onFailed(error)
    })
  }

  get isAlive(): boolean {
    return this.store.isAlive
  }

  /** As kill -9: nothing more is committed, sent or acked. The caller has cut its connection. */
  kill(): void {
    this.store.isAlive = false
    this.#stopping.abort()
    void this.#around.bus.broker.close(0)
    void this.#relay.stop()
    this.#stopUpkeep()
  }

  async #consume(): Promise<void> {
    await this.#effects.follow()
    await this.journeys.start(undefined)
    await subscribeStateful<HubTransaction>(this.#around.bus, {
      queue: 'hub_consume',
      store: this.store,
      handle: this.#effects.handle,
      isIdempotent: this.#effects.isIdempotent,
      relayed: () => this.#relay.flushed(),
      accepts: (event) => this.kernel.accepts(event),
      decode: (message) => {
        const parsed = parseEvent(message)
        const isWakeUp = 'data' in parsed && parsed.type === 'TIMERS_DUE'
        return isWakeUp && this.#around.losesWakeUps() ? undefined : parsed
      },
      retry: retryPolicy(),
      prefetch: 500,
      lingerMs: 0,
    })
    if (!this.isAlive) throw new ClosedError('This process of the hub was killed.')
    await this.#effects.run()
  }
}
