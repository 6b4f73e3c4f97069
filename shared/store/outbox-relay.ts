import type { Logger } from 'pino'
import { type Clock, systemClock } from '../clock.ts'
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
  readonly log: Pick<Logger, 'warn'>
  readonly clock?: Clock
}

/** A confirm window of 500 is where a broker's throughput levels off. */
const ROWS_IN_FLIGHT_MAX = 500
/** Of large rows fewer: 500 of the largest would fill the memory of a service. */
const CHARS_IN_FLIGHT_MAX = 16 * 1_048_576
/** Rows that are confirmed and not yet removed: more are not worth to be published again after a crash. */
const ROWS_CONFIRMED_MAX = 500
/** Pauses after a failure double from the first to the last, so that a broker which is away is not hammered. */
const PAUSE_MS_MIN = 100
const PAUSE_MS_MAX = 10_000
/**
 * Removing costs a commit of its own, which whoever writes next waits for: so confirmed rows gather for it. A crash meanwhile publishes
 * them once more.
 */
const REMOVE_AFTER_MS = 100
const REMOVE_ROWS = 250
/** How long `stop` waits for confirms: within it a healthy broker confirms everything, and one that is away keeps nobody. */
const DRAIN_MS = 5_000

/** The relay was stopped before these rows were confirmed. They stay in the outbox and go out at the next start. */
export class RelayStoppedError extends StoreUnavailableError {
  override readonly name: string = 'RelayStoppedError'
}

/**
 * Publishes what lies in the outbox, oldest first, what an earlier run left behind included, and removes what is confirmed.
 * A row is never skipped: after a failure the rows in flight come to an end, then the failed ones go first, in order.
 */
export function startRelay(options: RelayOptions): OutboxRelay {
  return new OutboxRelay(options)
}

export class OutboxRelay {
  readonly #outbox: Outbox
  readonly #publish: (row: OutboxRow) => Promise<void>
  readonly #log: Pick<Logger, 'warn'>
  readonly #clock: Clock
  /** Rows read and not yet confirmed, in order. */
  readonly #unconfirmed = new Map<number, PendingRow>()
  /** Of these, the ones to send next. */
  #toSend: PendingRow[] = []
  #failed: PendingRow[] = []
  #inFlight = 0
  #charsInFlight = 0
  #confirmed: number[] = []
  #removing: Promise<void> | undefined
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

  constructor({ outbox, publish, log, clock = systemClock }: RelayOptions) {
    this.#outbox = outbox
    this.#publish = publish
    this.#log = log
    this.#clock = clock
    this.#unsubscribe = outbox.onEnqueued(() => {
      this.#hasNews = true
      this.#wake()
    })
    this.#running = this.#run()
  }

  /**
   * Resolves when every row that is durable now, or up to this seq, is confirmed by the broker. A consumer acks behind it:
   * after `await store.write(...)`, `await relay.flushed()` covers the rows of that write.
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

  /** Sends nothing more, waits up to 5 s for what is in flight, and leaves the rest in the outbox. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#unsubscribe()
    this.#wake()
    await this.#running
    let cancel = () => {}
    const tooLate = new Promise<void>((resolve) => {
      cancel = this.#clock.after(DRAIN_MS, resolve)
    })
    await Promise.race([this.#drain(), tooLate])
    cancel()
    const error = new RelayStoppedError('The outbox relay was stopped; the rows go out at the next start.')
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error)
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      if (this.#failed.length > 0) await this.#sendAgain()
      else if (this.#isFull) await this.#change()
      else {
        const row = this.#toSend.shift()
        if (row) void this.#send(row)
        else if (this.#hasNews || this.#readUpTo < this.#wanted) await this.#read()
        else await this.#change()
      }
    }
  }

  get #isFull(): boolean {
    return (
      this.#inFlight >= ROWS_IN_FLIGHT_MAX ||
      this.#charsInFlight >= CHARS_IN_FLIGHT_MAX ||
      this.#confirmed.length >= ROWS_CONFIRMED_MAX
    )
  }

  async #read(): Promise<void> {
    try {
      if (this.#hasNews) this.#wanted = Math.max(this.#wanted, this.#outbox.lastSeq)
      this.#hasNews = false
      const rows = await this.#outbox.readPending(this.#readUpTo, ROWS_IN_FLIGHT_MAX)
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
    this.#inFlight++
    this.#charsInFlight += row.body.length
    try {
      await this.#publish(row)
      // A row that fails again and again keeps the pause long, though others behind it get through.
      if (row.seq === this.#oldestUnconfirmed()) this.#failuresInRow = 0
      this.#unconfirmed.delete(row.seq)
      this.#confirmed.push(row.seq)
      this.#removing ??= this.#remove()
      this.#settleWaiters()
    } catch (error) {
      if (this.#failed.length === 0)
        this.#logFailure(error, 'The broker did not take a row of the outbox; sending it again')
      this.#failed.push(row)
    } finally {
      this.#inFlight--
      this.#charsInFlight -= row.body.length
      this.#wake()
    }
  }

  async #sendAgain(): Promise<void> {
    while (this.#inFlight > 0 && !this.#stopped) await this.#change()
    await this.#wait()
    this.#toSend = [...this.#failed.toSorted((a, b) => a.seq - b.seq), ...this.#toSend]
    this.#failed = []
  }

  /** Removes confirmed rows, all that came in during one removal together in the next. */
  async #remove(): Promise<void> {
    while (this.#confirmed.length > 0) {
      await this.#gather()
      const seqs = [...this.#confirmed]
      try {
        await this.#outbox.removePublished(seqs)
        this.#confirmed = this.#confirmed.slice(seqs.length)
        this.#wake()
      } catch (error) {
        // Left in the outbox they would be published twice, which consumers can bear; so a stop does not wait for them.
        await this.#pause(error, 'Rows that were published cannot be removed from the outbox; trying again')
        if (this.#stopped) break
      }
    }
    this.#removing = undefined
  }

  async #gather(): Promise<void> {
    let isOver = false
    const cancel = this.#clock.after(REMOVE_AFTER_MS, () => {
      isOver = true
      this.#wake()
    })
    while (!isOver && !this.#stopped && this.#confirmed.length < REMOVE_ROWS) await this.#change()
    cancel()
  }

  async #drain(): Promise<void> {
    while (this.#inFlight > 0) await this.#change()
    await this.#removing
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
