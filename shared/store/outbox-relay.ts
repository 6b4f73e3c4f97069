import type { Logger } from 'pino'
import { type Clock, systemClock } from '../clock.ts'
import { PublishedRows } from './published-rows.ts'
import { RefusedRows } from './refused-rows.ts'
import { type OutboxReader, type OutboxRow, type PendingRow, StoreUnavailableError } from './store.ts'

/** The outbox as the relay needs it: its rows, and word of new ones once they are durable. */
export interface Outbox extends OutboxReader {
  /** Seq of the newest durable row that ever was, 0 before the first. */
  readonly lastSeq: number
  /** Calls back after each commit that put rows in; returns the function that ends it. */
  onEnqueued(listener: () => void): () => void
}

export type RelayOptions = {
  readonly outbox: Outbox
  /** Resolves when the broker has confirmed the message. */
  readonly publish: (row: OutboxRow) => Promise<void>
  /**
   * Whether an error of `publish` means that the broker is there and does not want this row: it waits aside then, with those behind it to
   * the same destination. After any other error everything waits. Missing: nothing is refused.
   */
  readonly isRefused?: (error: unknown) => boolean
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>
  readonly clock?: Clock
}

/** A confirm window of 500 is where a broker's throughput levels off. */
const ROWS_IN_FLIGHT_MAX = 500
/** Of large rows fewer: 500 of the largest would fill the memory of a service. */
const CHARS_IN_FLIGHT_MAX = 16 * 1_048_576
/** Pauses after a failure double from the first to the last, so that a broker which is away is not hammered. */
const PAUSE_MS_MIN = 100
const PAUSE_MS_MAX = 10_000
/** How long `stop` waits for confirms: within it a healthy broker confirms everything, and one that is away keeps nobody. */
const DRAIN_MS = 5_000

/** What the metric of rows that wait aside says of itself. */
export const REFUSED_HELP =
  'Messages in the outbox that wait because the broker refuses them, or others before them to the same key: a queue may be full.'

/** The relay was stopped before these rows were confirmed. They stay in the outbox and go out at the next start. */
export class RelayStoppedError extends StoreUnavailableError {
  override readonly name: string = 'RelayStoppedError'
}

/**
 * Publishes what lies in the outbox, oldest first, what an earlier run left behind included, and removes what is confirmed.
 * A row is never skipped: after a failure the rows in flight come to an end, then the failed ones go first, in order. Only what the broker
 * refuses waits aside, in order with what goes to the same exchange and key, because a queue that is full may stay so for days.
 */
export function startRelay(options: RelayOptions): OutboxRelay {
  return new OutboxRelay(options)
}

export class OutboxRelay {
  readonly #outbox: Outbox
  readonly #publish: (row: OutboxRow) => Promise<void>
  readonly #isRefused: (error: unknown) => boolean
  readonly #log: Pick<Logger, 'warn'>
  readonly #clock: Clock
  readonly #refused: RefusedRows
  readonly #published: PublishedRows
  /** Rows read and not yet confirmed, in order; without those that are refused. */
  readonly #unconfirmed = new Map<number, PendingRow>()
  /** Of these, the ones to send next. */
  #toSend: PendingRow[] = []
  #failed: PendingRow[] = []
  readonly #inFlight = new Set<PendingRow>()
  #charsInFlight = 0
  /** Everything up to this seq has been read. */
  #readUpTo = 0
  /**
   * Everything up to this seq is ours to publish: what was there at the start, what this process has written, and what somebody waits for.
   * Another process on the same database, for which this one stands by, publishes its own.
   */
  #wanted = 0
  #hasNews = true
  #failuresInRow = 0
  #stopped = false
  #waiters: { readonly upTo: number; resolve(): void; reject(error: Error): void }[] = []
  #sleepers: (() => void)[] = []
  readonly #unsubscribe: () => void
  readonly #running: Promise<void>

  constructor({ outbox, publish, isRefused = () => false, log, clock = systemClock }: RelayOptions) {
    this.#outbox = outbox
    this.#publish = publish
    this.#isRefused = isRefused
    this.#log = log
    this.#clock = clock
    this.#refused = new RefusedRows({
      ...{ outbox, publish, log, clock },
      isUnderWay: ({ exchange, key }) =>
        [...this.#inFlight].some((row) => row.exchange === exchange && row.key === key),
      published: () => this.#published.seqs,
      room: async () => {
        while (this.#published.isFull && !this.#stopped) await this.#change()
      },
      onPublished: ({ seq }) => {
        this.#published.add(seq)
        this.#wake()
      },
      onTaken: () => this.#wake(),
    })
    const onRemoved = () => this.#wake()
    this.#published = new PublishedRows({ outbox, clock, onRemoved, pause: (...failure) => this.#pause(...failure) })
    this.#unsubscribe = outbox.onEnqueued(() => {
      this.#hasNews = true
      this.#wake()
    })
    this.#running = this.#run()
  }

  /**
   * Resolves when every row that is durable now, or up to this seq, is confirmed by the broker or refused. A consumer acks behind it:
   * after `await store.write(...)`, `await relay.flushed()` covers the rows of that write. What is refused is not waited for: it is
   * durable, and one full queue would stop all consuming.
   */
  flushed(upToSeq = this.#outbox.lastSeq): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ upTo: upToSeq, resolve, reject })
      // Another process may have put rows in and died before it published them: nobody told us.
      this.#wanted = Math.max(this.#wanted, upToSeq)
      this.#wake()
      this.#settleWaiters()
    })
  }

  /** Rows that wait aside because the broker refuses them. */
  get refusedRows(): number {
    return this.#refused.count
  }

  /** Sends nothing more, waits up to 5 s for what is in flight, and leaves the rest in the outbox. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#unsubscribe()
    this.#refused.stop()
    this.#published.stop()
    this.#wake()
    await this.#running
    let cancel = () => {}
    const tooLate = new Promise<void>((resolve) => {
      cancel = this.#clock.after(DRAIN_MS, resolve)
    })
    await Promise.race([this.#drain(), tooLate])
    cancel()
    this.#published.close()
    const error = new RelayStoppedError('The outbox relay was stopped; the rows go out at the next start.')
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error)
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      if (this.#failed.length > 0) await this.#sendAgain()
      else if (this.#isFull) await this.#change()
      else {
        const row = this.#toSend.shift()
        if (row && this.#refused.holds(row)) this.#setAside(row)
        else if (row) void this.#send(row)
        else if (this.#hasNews || this.#readUpTo < this.#wanted) await this.#read()
        else await this.#change()
      }
    }
  }

  get #isFull(): boolean {
    return (
      this.#refused.isFull ||
      this.#published.isFull ||
      this.#inFlight.size >= ROWS_IN_FLIGHT_MAX ||
      this.#charsInFlight >= CHARS_IN_FLIGHT_MAX
    )
  }

  async #read(): Promise<void> {
    try {
      if (this.#hasNews) this.#wanted = Math.max(this.#wanted, this.#outbox.lastSeq)
      this.#hasNews = false
      const rows = await this.#outbox.readPending(this.#readUpTo, ROWS_IN_FLIGHT_MAX)
      // A million rows may wait aside and be passed over, and the service has other things to do in between.
      if (this.#refused.count > 0) await new Promise((resolve) => setImmediate(resolve))
      for (const row of rows) this.#unconfirmed.set(row.seq, row)
      this.#toSend = [...rows]
      // Seqs without a row belong to messages that were published and removed.
      this.#readUpTo = rows.at(-1)?.seq ?? Math.max(this.#readUpTo, this.#wanted)
      this.#settleWaiters()
    } catch (error) {
      await this.#pause(error, 'The outbox cannot be read; trying again')
    }
  }

  async #send(row: PendingRow): Promise<void> {
    this.#inFlight.add(row)
    this.#charsInFlight += row.body.length
    try {
      await this.#publish(row)
      // A row that fails again and again keeps the pause long, though others behind it get through.
      if (row.seq === this.#oldestUnconfirmed()) this.#failuresInRow = 0
      this.#unconfirmed.delete(row.seq)
      this.#published.add(row.seq)
      this.#settleWaiters()
    } catch (error) {
      if (this.#isRefused(error) || this.#refused.holds(row)) this.#setAside(row, error)
      else {
        if (this.#failed.length === 0)
          this.#logFailure(error, 'The broker did not take a row of the outbox; sending it again')
        this.#failed.push(row)
      }
    } finally {
      this.#inFlight.delete(row)
      this.#charsInFlight -= row.body.length
      this.#wake()
    }
  }

  /** With those that failed before it on the way to the same destination: they go out behind each other. */
  #setAside(row: PendingRow, error?: unknown): void {
    this.#refused.add(row, error)
    const alike = this.#failed.filter((failed) => this.#refused.holds(failed))
    for (const failed of alike) this.#refused.add(failed)
    if (alike.length > 0) this.#failed = this.#failed.filter((failed) => !this.#refused.holds(failed))
    for (const { seq } of [row, ...alike]) this.#unconfirmed.delete(seq)
    this.#settleWaiters()
  }

  async #sendAgain(): Promise<void> {
    while (this.#inFlight.size > 0 && !this.#stopped) await this.#change()
    await this.#wait()
    this.#toSend = [...this.#failed.toSorted((a, b) => a.seq - b.seq), ...this.#toSend]
    this.#failed = []
  }

  async #drain(): Promise<void> {
    while (this.#inFlight.size > 0) await this.#change()
    await this.#published.removed()
  }

  async #pause(error: unknown, what: string): Promise<void> {
    this.#logFailure(error, what)
    await this.#wait()
  }

  #logFailure(error: unknown, what: string): void {
    this.#failuresInRow++
    this.#log.warn({ err: error, failuresInRow: this.#failuresInRow }, what)
  }

  /** Waits the pause that the failures so far call for; a stop ends it. */
  async #wait(): Promise<void> {
    let isOver = false
    const pauseMs = Math.min(PAUSE_MS_MIN * 2 ** Math.max(0, this.#failuresInRow - 1), PAUSE_MS_MAX)
    const cancel = this.#clock.after(pauseMs, () => {
      isOver = true
      this.#wake()
    })
    while (!isOver && !this.#stopped) await this.#change()
    cancel()
  }

  #settleWaiters(): void {
    if (this.#waiters.length === 0) return
    const oldest = this.#oldestUnconfirmed()
    const waiting = this.#waiters
    this.#waiters = waiting.filter(({ upTo }) => upTo >= oldest)
    for (const waiter of waiting) if (waiter.upTo < oldest) waiter.resolve()
  }

  #oldestUnconfirmed(): number {
    const [oldest = this.#readUpTo + 1] = this.#unconfirmed.keys()
    return oldest
  }

  /** Resolves at the next `wake`: check what you wait for, then wait for a change, then check again. */
  #change(): Promise<void> {
    return new Promise((resolve) => this.#sleepers.push(resolve))
  }

  #wake(): void {
    for (const sleeper of this.#sleepers.splice(0)) sleeper()
  }
}
