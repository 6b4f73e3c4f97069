import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import type { OutboxReader, OutboxRow, PendingRow } from './store.ts'

export type RefusedRowsOptions = {
  /** Where the rows lie that wait. */
  readonly outbox: Pick<OutboxReader, 'readPending'>
  /** Resolves when the broker has confirmed the message. */
  readonly publish: (row: OutboxRow) => Promise<void>
  /** Whether an earlier row to the same destination is still on its way by another hand: then it is waited for. */
  readonly isUnderWay: (to: Place) => boolean
  /** Rows that are confirmed and may still lie in the outbox. */
  readonly published: () => readonly number[]
  /** Resolves when these are few enough for more. */
  readonly room: () => Promise<void>
  /** A row that waited here is confirmed. */
  readonly onPublished: (row: PendingRow) => void
  /** Nothing waits for one of the destinations any more. */
  readonly onTaken: () => void
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>
  readonly clock: Clock
}

/** Where a row goes. */
type Place = Pick<OutboxRow, 'exchange' | 'key'>

/** Some kB each, and each is tried twice a minute: 10,000 take some 10 MB of memory, and 300 tries a second. */
const DESTINATIONS_MAX = 10_000
/** Of rows that are being tried: 500 of the largest would not fit into a service. */
const CHARS_MAX = 16 * 1_048_576
/** Rows looked through at once for those to one destination. */
const ROWS_PER_LOOK = 500
/** Tries are far apart: the bus has already tried for some seconds when it says that the broker refused. */
const PAUSE_MS_MIN = 1_000
const PAUSE_MS_MAX = 30_000
/** A destination that takes rows again gets one, two, four and so on at once: a queue that is still nearly full refuses few of them. */
const WINDOW_MAX = 256
/** A queue may be full for days, and hundreds of keys may lead to it. */
const TELL_EVERY_MS = 60_000
const DESTINATIONS_TOLD_MAX = 5

const REFUSED =
  'The broker does not take messages to this exchange and key: most likely a queue bound to it is full and rejects what comes (overflow ' +
  'reject-publish), or has no leader. They wait in the outbox and are tried again, in order; what goes elsewhere goes on. ' +
  'Empty that queue, raise its limit, or unbind it'
const TAKEN_AGAIN = 'The broker takes messages to this exchange and key again: those that had to wait are out'
const FULL =
  'Nothing leaves the outbox any more: the broker refuses messages to too many different keys. It goes on when it takes those to one of ' +
  'them. Empty the queues that are full, raise their limits, or unbind them'
const UNREADABLE = 'The outbox cannot be read; what the broker had refused is tried again later'

type Destination = Place & {
  /** The rows to it that wait lie from the first to the last of these seqs. Only seqs are kept here: the rows are safe in the outbox. */
  firstSeq: number
  lastSeq: number
  count: number
  /** Rows that are tried at once. */
  window: number
  pauseMs: number
  toldAtMs: number
  cancel: () => void
}

/**
 * Destinations (exchange and routing key) that the broker refuses: rows to them stay in the outbox, however many, until it takes them.
 * Each destination has a pause of its own and is tried with its oldest row first, so that one queue which is full holds up nobody else.
 */
export class RefusedRows {
  readonly #options: RefusedRowsOptions
  readonly #destinations = new Map<string, Destination>()
  #count = 0
  /** Of the rows that are being tried. */
  #chars = 0
  #looking: Promise<unknown> = Promise.resolve()
  #stopped = false
  #told = { sinceMs: Number.NEGATIVE_INFINITY, destinations: 0 }
  #toldFullAtMs = Number.NEGATIVE_INFINITY
  #toldUnreadableAtMs = Number.NEGATIVE_INFINITY

  constructor(options: RefusedRowsOptions) {
    this.#options = options
  }

  /** Rows that wait. */
  get count(): number {
    return this.#count
  }

  /** No more should be sent, because each row on its way may be refused at a destination of its own. */
  get isFull(): boolean {
    return this.#destinations.size >= DESTINATIONS_MAX
  }

  /** Whether rows to this one's destination wait: then it has to wait behind them. */
  holds(row: OutboxRow): boolean {
    return this.#destinations.size > 0 && this.#destinations.has(nameOf(row))
  }

  /** Has a row wait, at its place in the order. `error` is why the broker refused it, if it has been sent at all. */
  add(row: PendingRow, error?: unknown): void {
    const destination = this.#destinations.get(nameOf(row)) ?? this.#open(row)
    destination.firstSeq = Math.min(destination.firstSeq, row.seq)
    destination.lastSeq = Math.max(destination.lastSeq, row.seq)
    destination.count++
    this.#count++
    if (error !== undefined) this.#tell(destination, error)
    if (this.isFull) this.#tellFull()
  }

  /** Tries nothing any more. What is on its way is still told of when it is confirmed. */
  stop(): void {
    this.#stopped = true
    for (const { cancel } of this.#destinations.values()) cancel()
  }

  #open({ exchange, key, seq }: PendingRow): Destination {
    const destination: Destination = {
      ...{ exchange, key, firstSeq: seq, lastSeq: seq, count: 0, window: 1, pauseMs: PAUSE_MS_MIN },
      toldAtMs: Number.NEGATIVE_INFINITY,
      cancel: () => undefined,
    }
    this.#destinations.set(nameOf(destination), destination)
    this.#tryLater(destination)
    return destination
  }

  #tryLater(destination: Destination): void {
    if (this.#stopped) return
    destination.cancel = this.#options.clock.after(destination.pauseMs, () => void this.#try(destination))
    destination.pauseMs = Math.min(destination.pauseMs * 2, PAUSE_MS_MAX)
  }

  /** Never rejects. */
  async #try(destination: Destination): Promise<void> {
    if (this.#options.isUnderWay(destination)) return this.#tryLater(destination)
    try {
      while (destination.firstSeq <= destination.lastSeq) {
        const rows = await this.#look(destination)
        if (this.#stopped) return
        if (rows === 'no room' || !(await this.#send(destination, rows))) return this.#tryLater(destination)
      }
    } catch (error) {
      this.#tellUnreadable(error)
      return this.#tryLater(destination)
    }
    this.#close(destination)
  }

  #close(destination: Destination): void {
    this.#destinations.delete(nameOf(destination))
    // Rows that another process has published, or that lie in a store that leads no more, are gone from here without having been sent.
    this.#count -= destination.count
    this.#options.onTaken()
    const { exchange, key, toldAtMs } = destination
    if (toldAtMs >= 0) this.#options.log.info({ exchange, key }, TAKEN_AGAIN)
  }

  /** Whether all of them are confirmed. */
  async #send(destination: Destination, rows: readonly PendingRow[]): Promise<boolean> {
    const { publish, onPublished } = this.#options
    const outcomes = await Promise.allSettled(rows.map(async (row) => publish(row)))
    this.#chars -= charsOf(rows)
    for (const [at, row] of rows.entries()) {
      if (outcomes[at]?.status !== 'fulfilled') continue
      destination.count--
      this.#count--
      destination.pauseMs = PAUSE_MS_MIN
      onPublished(row)
    }
    const failed = outcomes.findIndex(({ status }) => status === 'rejected')
    const failure = outcomes[failed]
    if (failure?.status !== 'rejected') {
      destination.firstSeq = Math.max(destination.firstSeq, (rows.at(-1)?.seq ?? 0) + 1)
      destination.window = Math.min(destination.window * 2, WINDOW_MAX)
      return true
    }
    destination.firstSeq = rows[failed]?.seq ?? destination.firstSeq
    destination.window = 1
    this.#tell(destination, failure.reason)
    if (this.isFull) this.#tellFull()
    return false
  }

  /** The next rows to a destination, one look after the other: many at once would not fit into memory. */
  #look(destination: Destination): Promise<readonly PendingRow[] | 'no room'> {
    const looked = this.#looking.then(async () => {
      await this.#options.room()
      if (this.#stopped) return []
      if (this.#chars >= CHARS_MAX) return 'no room'
      const rows = await this.#find(destination)
      this.#chars += charsOf(rows)
      return rows
    })
    this.#looking = looked.catch(() => undefined)
    return looked
  }

  /** Passes over what goes elsewhere; when there is none to this destination up to its last, nothing waits for it any more. */
  async #find(destination: Destination): Promise<readonly PendingRow[]> {
    const { outbox, published } = this.#options
    const name = nameOf(destination)
    const found: PendingRow[] = []
    let after = destination.firstSeq - 1
    let limit = destination.window
    while (found.length === 0 && after < destination.lastSeq && !this.#stopped) {
      const before = new Set(published())
      const rows = await outbox.readPending(after, limit)
      // What comes behind the last one has not been handed over yet.
      const { lastSeq } = destination
      found.push(...rows.filter((row) => nameOf(row) === name && row.seq <= lastSeq && !before.has(row.seq)))
      after = Math.min(rows.at(-1)?.seq ?? lastSeq, lastSeq)
      limit = ROWS_PER_LOOK
      // There may be a million rows to other destinations in between, and the service has other things to do.
      if (found.length === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    destination.firstSeq = Math.max(destination.firstSeq, found[0]?.seq ?? after + 1)
    return found.slice(0, destination.window)
  }

  /** Some destinations a minute, each once a minute; `destinations` and `rows` say how many there are. */
  #tell(destination: Destination, error: unknown): void {
    const { log, clock } = this.#options
    const nowMs = clock.now()
    if (nowMs - destination.toldAtMs < TELL_EVERY_MS) return
    if (nowMs - this.#told.sinceMs >= TELL_EVERY_MS) this.#told = { sinceMs: nowMs, destinations: 0 }
    if (this.#told.destinations >= DESTINATIONS_TOLD_MAX) return
    this.#told.destinations++
    destination.toldAtMs = nowMs
    const { exchange, key, count } = destination
    const all = { destinations: this.#destinations.size, rows: this.#count }
    log.warn({ err: error, exchange, key, rows: count, all }, REFUSED)
  }

  #tellUnreadable(error: unknown): void {
    const { log, clock } = this.#options
    const nowMs = clock.now()
    if (nowMs - this.#toldUnreadableAtMs < TELL_EVERY_MS) return
    this.#toldUnreadableAtMs = nowMs
    log.warn({ err: error, destinations: this.#destinations.size }, UNREADABLE)
  }

  #tellFull(): void {
    const { log, clock } = this.#options
    const nowMs = clock.now()
    if (nowMs - this.#toldFullAtMs < TELL_EVERY_MS) return
    this.#toldFullAtMs = nowMs
    const largest = [...this.#destinations.values()].toSorted((a, b) => b.count - a.count)
    const refused = largest
      .slice(0, DESTINATIONS_TOLD_MAX)
      .map(({ exchange, key, count }) => ({ exchange, key, rows: count }))
    log.error({ rows: this.#count, destinations: this.#destinations.size, refused }, FULL)
  }
}

const charsOf = (rows: readonly PendingRow[]) => rows.reduce((sum, { body }) => sum + body.length, 0)

/** No name in AMQP has this character. */
const nameOf = ({ exchange, key }: Place) => `${exchange}\u0000${key}`
