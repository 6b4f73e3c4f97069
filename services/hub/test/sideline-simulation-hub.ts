import { ClosedError } from '../../../shared/bus/broker.ts'
import { type Bus, publish } from '../../../shared/bus/bus.ts'
import { subscribeStateful } from '../../../shared/bus/stateful-consumer.ts'
import { gated, retryPolicy } from '../../../shared/bus/test/bus-fixture.ts'
import { anyKind } from '../../../shared/flow/any-kind.ts'
import { Kernel } from '../../../shared/flow/kernel.ts'
import { replayKind } from '../../../shared/flow/replay.ts'
import { sidelineKind } from '../../../shared/flow/sideline.ts'
import type { HubStore, HubTransaction } from '../../../shared/store/hub-store.ts'
import type { MemoryHubStore } from '../../../shared/store/memory-hub-store.ts'
import { type OutboxRelay, startRelay } from '../../../shared/store/outbox-relay.ts'
import { effectsOf } from '../effects.ts'
import { askForRound } from '../errands/round.ts'
import type { HeldOperations } from '../held-operations.ts'
import { sidelineTerms } from '../sideline-terms.ts'
import { startUpkeep } from '../upkeep.ts'

const HOUR_MS = 3_600_000
const kinds = [anyKind(sidelineKind(sidelineTerms)), anyKind(replayKind)]

/** One process of the hub, wired as the service is, on a store that outlives it. */
export class SimulatedHub {
  readonly operations: HeldOperations
  readonly #bus: Bus
  readonly #store: MortalStore
  readonly #kernel: Kernel
  readonly #relay: OutboxRelay
  readonly #effects: ReturnType<typeof effectsOf>
  readonly #stopUpkeep: () => void

  /** `onMoment` is called when it is about to publish, and when it has committed: it may be killed then. */
  constructor(plainBus: Bus, store: MemoryHubStore, onMoment: () => void) {
    const bus = { ...plainBus, broker: gated(plainBus.broker, async () => onMoment()) }
    this.#bus = bus
    this.#store = new MortalStore(store, onMoment)
    this.#kernel = new Kernel({
      bus,
      kinds,
      earlyKeepMs: 60_000,
      onFired: () => undefined,
      onIgnored: () => undefined,
    })
    this.#effects = effectsOf({
      ...{ bus, store: this.#store, kernel: this.#kernel, onIgnored: () => undefined },
      relayed: () => this.#relay.flushed(),
      ...{ prepare: () => undefined, activityQueues: () => [] },
      ...{ amqpUrl: 'amqp://127.0.0.1', managementUrl: undefined, queueType: 'quorum', retry: retryPolicy() },
    })
    this.operations = this.#effects.operations
    this.#relay = startRelay({
      outbox: this.#store,
      publish: (row) => publish(bus, this.#kernel.messageOf(row)),
      log: bus.log,
      clock: bus.clock,
    })
    this.#stopUpkeep = startUpkeep({
      store: this.#store,
      kernel: this.#kernel,
      clock: bus.clock,
      log: bus.log,
      keepMs: { success: HOUR_MS, failed: HOUR_MS, audit: HOUR_MS },
      askForRound: () => askForRound(bus),
      catchUp: async () => undefined,
      remediate: async () => undefined,
    })
    this.#consume().catch((error: unknown) => {
      if (!(error instanceof ClosedError)) throw error
    })
  }

  get isAlive(): boolean {
    return this.#store.isAlive
  }

  /** As kill -9: nothing more is committed, sent or acked. The caller has cut its connection. */
  kill(): void {
    this.#store.isAlive = false
    void this.#bus.broker.close(0)
    void this.#relay.stop()
    this.#stopUpkeep()
  }

  async #consume(): Promise<void> {
    await this.#effects.follow()
    await subscribeStateful<HubTransaction>(this.#bus, {
      queue: 'hub_consume',
      store: this.#store,
      handle: this.#effects.handle,
      isIdempotent: this.#effects.isIdempotent,
      relayed: () => this.#relay.flushed(),
      accepts: (event) => this.#kernel.accepts(event),
      retry: retryPolicy(),
      prefetch: 500,
      lingerMs: 0,
    })
    await this.#effects.run()
  }
}

/** The store as one process sees it: it takes nothing from the dead. */
class MortalStore implements HubStore {
  isAlive = true
  readonly #store: MemoryHubStore
  readonly #onCommit: () => void

  constructor(store: MemoryHubStore, onCommit: () => void) {
    this.#store = store
    this.#onCommit = onCommit
  }

  get reader() {
    return this.#store.reader
  }

  get held() {
    return this.#store.held
  }

  get definitions() {
    return this.#store.definitions
  }

  get audit() {
    return this.#store.audit
  }

  get lastSeq() {
    return this.#store.lastSeq
  }

  onEnqueued(listener: () => void) {
    return this.#store.onEnqueued(listener)
  }

  readPending(afterSeq: number, limit: number) {
    return this.#store.readPending(afterSeq, limit)
  }

  countPending() {
    return this.#store.countPending()
  }

  async write<T>(job: (tx: HubTransaction) => T | Promise<T>): Promise<T> {
    this.#assertAlive()
    const result = await this.#store.write(async (tx) => {
      const value = await job(tx)
      // The last moment at which the transaction can be undone.
      this.#assertAlive()
      return value
    })
    this.#onCommit()
    this.#assertAlive()
    return result
  }

  async removePublished(seqs: readonly number[]): Promise<void> {
    this.#assertAlive()
    await this.#store.removePublished(seqs)
  }

  async prune(nowMs: number): Promise<number> {
    this.#assertAlive()
    return this.#store.prune(nowMs)
  }

  async close(): Promise<void> {}

  #assertAlive(): void {
    if (!this.isAlive) throw new ClosedError('This process of the hub was killed.')
  }
}
