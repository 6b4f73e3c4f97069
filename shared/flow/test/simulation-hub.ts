import { ClosedError } from '../../bus/broker.ts'
import { type Bus, publish } from '../../bus/bus.ts'
import { type Event, parseEvent } from '../../bus/envelope.ts'
import { type Arrived, type Emission, subscribeStateful } from '../../bus/stateful-consumer.ts'
import { retryPolicy } from '../../bus/test/bus-fixture.ts'
import type { ConversationTransaction } from '../../store/conversations.ts'
import type { MemoryConversationStore } from '../../store/memory-conversations.ts'
import { type Outbox, type OutboxRelay, startRelay } from '../../store/outbox-relay.ts'
import { type OutboxRow, StoreUnavailableError } from '../../store/store.ts'
import type { AnyKind } from '../any-kind.ts'
import { Kernel } from '../kernel.ts'

export const EARLY_KEEP_MS = 60_000
const SWEEP_EVERY_MS = 5_000

/** One transaction of the hub that is durable: what it took, in order, and what it put into the outbox. */
export type Commit = {
  readonly atMs: number
  readonly events: readonly Event[]
  /** A sweep looks for what is due, as a wake-up does. */
  readonly isSweep: boolean
  readonly rows: readonly OutboxRow[]
}

/** A moment at which the process that comes to it first is killed. `count` is how often it is passed before. */
export type Fuse = {
  readonly point: 'before commit' | 'after commit' | 'before publish' | 'after publish'
  count: number
  readonly pauseMs: number
}

/** What goes wrong just now. */
export type Weather = { storeIsOut: boolean; losesWakeUps: boolean; readonly fuses: Fuse[] }

export type Surroundings = {
  readonly bus: Bus
  readonly store: MemoryConversationStore
  readonly kinds: readonly AnyKind[]
  readonly weather: Weather
  readonly cut: () => void
  readonly onCommit: (commit: Commit) => void
  readonly onLost: (slotMs: number) => void
  readonly onKilled: (pauseMs: number) => void
}

/**
 * One process of the hub, wired as the service is, on a store that outlives it. It sees the outbox as a process sees a file that others
 * write, too: it learns of their rows with its own next commit.
 */
export class HubProcess {
  isAlive = true
  readonly #around: Surroundings
  readonly #kernel: Kernel
  readonly #relay: OutboxRelay
  readonly #listeners = new Set<() => void>()
  #lastSeq: number
  #handled: { readonly atMs: number; readonly events: readonly Event[] } | undefined
  #stopSweeps = () => {}

  constructor(around: Surroundings) {
    const { bus, kinds } = around
    this.#around = around
    this.#lastSeq = around.store.lastSeq
    this.#kernel = new Kernel({
      bus,
      kinds,
      earlyKeepMs: EARLY_KEEP_MS,
      onFired: () => undefined,
      onIgnored: () => undefined,
    })
    this.#relay = startRelay({
      outbox: this.#outbox(),
      publish: (row) => this.#publish(row),
      log: bus.log,
      clock: bus.clock,
    })
    void this.#sweepAgainAndAgain()
    // Rejects when the process is killed before it has begun.
    this.#consume().catch(() => undefined)
  }

  /** As kill -9: nothing more is committed, sent or acked. */
  kill(pauseMs: number): void {
    if (!this.isAlive) return
    this.isAlive = false
    this.#around.cut()
    void this.#around.bus.broker.close(0)
    void this.#relay.stop()
    this.#stopSweeps()
    this.#around.onKilled(pauseMs)
  }

  async #consume(): Promise<void> {
    const kernel = this.#kernel
    await subscribeStateful<ConversationTransaction>(this.#around.bus, {
      queue: 'hub_consume',
      store: { write: (job) => this.#write(job), close: async () => undefined },
      handle: (arrived, tx) => this.#handle(arrived, tx),
      isIdempotent: (arrived) => kernel.isIdempotent(arrived),
      relayed: () => this.#relay.flushed(),
      accepts: (event) => kernel.accepts(event),
      decode: (message) => {
        const parsed = parseEvent(message)
        if (!('data' in parsed) || parsed.type !== 'TIMERS_DUE' || !this.#around.weather.losesWakeUps) return parsed
        this.#around.onLost(parsed.data.slotMs)
        return undefined
      },
      retry: retryPolicy(),
      prefetch: 500,
      lingerMs: 0,
    })
  }

  #handle(arrived: readonly Arrived[], tx: ConversationTransaction): Promise<readonly Emission[]> {
    const events = arrived.flatMap((one) => ('stranger' in one ? [] : [one]))
    this.#handled = { atMs: this.#around.bus.clock.now(), events }
    return this.#kernel.handle(arrived, tx)
  }

  async #sweepAgainAndAgain(): Promise<void> {
    const { clock } = this.#around.bus
    try {
      const sweep = (tx: ConversationTransaction) => {
        this.#handled = { atMs: clock.now(), events: [] }
        return this.#kernel.sweep(tx)
      }
      while (await this.#write(sweep));
    } catch (error) {
      if (!(error instanceof StoreUnavailableError || error instanceof ClosedError)) throw error
    }
    if (this.isAlive) this.#stopSweeps = clock.after(SWEEP_EVERY_MS, () => void this.#sweepAgainAndAgain())
  }

  async #write<T>(job: (tx: ConversationTransaction) => T | Promise<T>): Promise<T> {
    let rows: OutboxRow[] = []
    const result = await this.#around.store.write(async (tx) => {
      rows = rowsOf(tx)
      this.#handled = undefined
      const value = await job(tx)
      this.#commit(rows)
      return value
    })
    if (this.#handled) this.#pass('after commit')
    this.#assertAlive()
    this.#noticeRows()
    return result
  }

  /** The last moment at which a transaction can be undone. */
  #commit(rows: readonly OutboxRow[]): void {
    const { weather, onCommit } = this.#around
    this.#assertAlive()
    if (weather.storeIsOut) throw new StoreUnavailableError('The simulated store takes no writes.')
    if (!this.#handled) return
    this.#pass('before commit')
    const { atMs, events } = this.#handled
    onCommit({ atMs, events, isSweep: events.length === 0, rows })
  }

  #noticeRows(): void {
    const { lastSeq } = this.#around.store
    if (lastSeq === this.#lastSeq) return
    this.#lastSeq = lastSeq
    for (const listener of this.#listeners) listener()
  }

  async #publish(row: OutboxRow): Promise<void> {
    this.#pass('before publish')
    await publish(this.#around.bus, this.#kernel.messageOf(row))
    this.#pass('after publish')
  }

  #outbox(): Outbox {
    const { store } = this.#around
    const listeners = this.#listeners
    const lastSeq = () => this.#lastSeq
    return {
      get lastSeq() {
        return lastSeq()
      },
      onEnqueued(listener) {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
      readPending: (afterSeq, limit) => store.readPending(afterSeq, limit),
      removePublished: async (seqs) => {
        this.#assertAlive()
        if (this.#around.weather.storeIsOut) throw new StoreUnavailableError('The simulated store takes no writes.')
        await store.removePublished(seqs)
        this.#noticeRows()
      },
      countPending: () => store.countPending(),
    }
  }

  /** Dies here when a fuse says so. */
  #pass(point: Fuse['point']): void {
    const { fuses } = this.#around.weather
    const fuse = fuses.find((one) => one.point === point)
    if (fuse && fuse.count-- <= 0) {
      fuses.splice(fuses.indexOf(fuse), 1)
      this.kill(fuse.pauseMs)
    }
    this.#assertAlive()
  }

  #assertAlive(): void {
    if (!this.isAlive) throw new ClosedError('This process of the hub was killed.')
  }
}

/** What the transaction puts into the outbox. */
function rowsOf(tx: ConversationTransaction): OutboxRow[] {
  const rows: OutboxRow[] = []
  const enqueue = tx.enqueue.bind(tx)
  tx.enqueue = (more) => {
    rows.push(...more)
    return enqueue(more)
  }
  return rows
}
