import type { Body } from '../events.ts'
import { type OutboxRow, type Store, StoreUnavailableError, type Transaction } from '../store/store.ts'
import { ClosedError, type Consumer, type Delivery } from './broker.ts'
import { type Bus, messageFor } from './bus.ts'
import type { Subscribed } from './consumer.ts'
import type { Event, Stranger } from './envelope.ts'
import { settleFailure, verdictOn } from './failure.ts'
import { crashError, type Decoder, putAway, SUSPECT_CRASHES, Survived, take, takeAny } from './intake.ts'
import { toOutboxRow } from './outbox-message.ts'
import { type RetryPolicy, Unrecoverable, type Verdict } from './retry.ts'
import { finishWithin } from './stopping.ts'

/** What a stateful handler gets: an event, or a message of a type that the catalogue does not have. */
export type Arrived = Event | Stranger
/** What follows, in the order in which it is sent. */
export type Emission =
  /** An event, and from what it follows. */
  | { readonly cause: Arrived; readonly body: Body }
  /**
   * This message cannot be handled and never will be. Once the batch is stored it goes to the dead queue with the reason; the inbox
   * forgets it, so that it is handled when somebody replays it.
   */
  | { readonly refused: Arrived; readonly reason: string }

export type StatefulSubscription<Tx extends Transaction> = {
  readonly queue: string
  readonly store: Store<Tx>
  /** Handling it again does no harm: it is not remembered, and handled each time it comes. */
  readonly isIdempotent?: (arrived: Arrived) => boolean
  /** Applies what was not there before, inside the transaction that holds its inbox rows; gives back what follows. */
  readonly handle: (arrived: readonly Arrived[], tx: Tx) => readonly Emission[] | Promise<readonly Emission[]>
  /** Resolves when everything in the outbox so far is confirmed by the broker. */
  readonly relayed: () => Promise<void>
  readonly accepts: (event: Event) => boolean
  readonly takesStrangers?: boolean
  readonly decode?: Decoder
  readonly retry: RetryPolicy
  readonly prefetch: number
  /** How long a batch waits for company when the consumer is idle, ms; 0 takes what is there. */
  readonly lingerMs: number
}

/** One transaction: long enough to share its fsync, short enough (some 10 ms) that HTTP answers in between. */
const BATCH_MAX = 250
/** Bodies of the largest size would otherwise take hundreds of megabytes once they are parsed. */
const BATCH_BYTES_MAX = 8 * 1_048_576
/** While the store is out of order (disk full) or a publish is refused, deliveries are held and tried again after this. */
const HOLD_MS = 1_000

type Settled = Exclude<Verdict, { kind: 'again' }>
type Item = { readonly delivery: Delivery; readonly arrived: Arrived }
type Refusals = ReadonlyMap<Arrived, string>

/**
 * Consumes a queue into a store: many deliveries share one transaction with their inbox rows, their effects and the outbox rows
 * of what follows, so that each message has its effect exactly once. Acks after commit and confirms.
 */
export async function subscribeStateful<Tx extends Transaction>(
  bus: Bus,
  subscription: StatefulSubscription<Tx>,
): Promise<Subscribed> {
  const loop = new BatchLoop(bus, subscription)
  await loop.start()
  return loop
}

class BatchLoop<Tx extends Transaction> implements Subscribed {
  readonly #bus: Bus
  readonly #subscription: StatefulSubscription<Tx>
  readonly #survived = new Survived()
  /** Messages on their way to the dead queue. */
  readonly #aside = new Set<Promise<void>>()
  #waiting: Delivery[] = []
  #running: Promise<void> | undefined
  #consumer: Consumer | undefined
  #stopping = false

  constructor(bus: Bus, subscription: StatefulSubscription<Tx>) {
    this.#bus = bus
    this.#subscription = subscription
  }

  async start(): Promise<void> {
    const { queue, prefetch } = this.#subscription
    this.#consumer = await this.#bus.broker.consume(queue, { prefetch }, (delivery) => {
      this.#bus.recorder.consumed(queue)
      this.#waiting.push(delivery)
      this.#running ??= this.#run()
    })
  }

  async stop(withinMs: number): Promise<void> {
    this.#stopping = true
    await finishWithin(this.#bus, withinMs, async () => {
      await this.#consumer?.cancel()
      await this.#running
      await Promise.all(this.#aside)
    })
  }

  async #run(): Promise<void> {
    const { lingerMs } = this.#subscription
    if (lingerMs > 0) await this.#pause(lingerMs)
    while (this.#waiting.length > 0) await this.#settle(this.#waiting.splice(0, batchSize(this.#waiting)))
    this.#running = undefined
  }

  /** Never rejects. */
  async #settle(deliveries: readonly Delivery[]): Promise<void> {
    const items: Item[] = []
    const suspects: Item[] = []
    for (const delivery of deliveries) {
      if (delivery.lost) continue
      const crashes = this.#survived.crashesOf(delivery)
      const taken = take(delivery, crashes, this.#subscription)
      if (taken.kind === 'event' || taken.kind === 'stranger') {
        const arrived = taken.kind === 'event' ? taken.event : taken.stranger
        ;(crashes >= SUSPECT_CRASHES ? suspects : items).push({ delivery, arrived })
      } else if (taken.kind === 'crashed') {
        const item = { delivery, arrived: taken.event }
        this.#putAside(delivery, () => this.#fail(item, crashError(crashes), { kind: 'dead', reason: 'crashed' }))
      } else this.#putAside(delivery, () => putAway(this.#bus, delivery, this.#subscription.queue, taken))
    }
    if (items.length > 0) await this.#guard(deliveriesOf(items), () => this.#handle(items))
    // A transaction for each: when one of them ends the process, those before it are done.
    for (let one = takeAny(suspects); one; one = takeAny(suspects)) await this.#settleAlone(one)
    for (const delivery of deliveries) this.#survived.note(delivery)
  }

  /** Beside the batches: a dead queue that is not there must not keep anything but its own messages waiting. */
  #putAside(delivery: Delivery, work: () => Promise<void>): void {
    const done = this.#guard([delivery], work).finally(() => this.#aside.delete(done))
    this.#aside.add(done)
  }

  #settleAlone(item: Item): Promise<void> {
    return this.#guard([item.delivery], () => this.#handle([item]))
  }

  /** Commits the batch; when that fails, each alone, so that one bad message does not hold up the others. */
  async #handle(items: readonly Item[]): Promise<void> {
    const startMs = performance.now()
    let refusals: Refusals
    try {
      refusals = await this.#commit(items)
    } catch (error) {
      if (error instanceof StoreUnavailableError || error instanceof ClosedError) throw error
      const [only] = items
      if (items.length === 1 && only) return this.#fail(only, error, this.#verdictOn(error, only.arrived.meta.attempt))
      for (const item of items) await this.#settleAlone(item)
      return
    }
    // Stored, so nothing is the message's fault from here on: a failure is no attempt. Also for duplicates: what followed from the
    // first delivery may still be on its way.
    await this.#subscription.relayed()
    const tookMs = (performance.now() - startMs) / items.length
    for (const { delivery, arrived } of items) {
      this.#bus.recorder.processed(this.#subscription.queue, 'stranger' in arrived ? 'unknown' : arrived.type, tookMs)
      const reason = refusals.get(arrived)
      if (reason === undefined) delivery.ack()
      else this.#putAside(delivery, () => this.#fail({ delivery, arrived }, new Unrecoverable(reason), REFUSED))
    }
  }

  /** Gives back what the handler refused, with its reasons. Of several with one id only one is handled, and so refused. */
  async #commit(items: readonly Item[]): Promise<Refusals> {
    const { queue, store, handle } = this.#subscription
    const byId = new Map(items.map(({ arrived }) => [arrived.meta.id, arrived]))
    const { duplicates, refusals } = await store.write(async (tx) => {
      const unseen = await this.#findUnseen(byId, tx)
      const emissions = unseen.length > 0 ? await handle(unseen, tx) : []
      const rows = this.#rowsOf(emissions)
      if (rows.length > 0) await tx.enqueue(rows)
      const refusals = refusalsOf(emissions)
      if (refusals.size > 0)
        await tx.forget(
          queue,
          [...refusals.keys()].map(({ meta }) => meta.id),
        )
      return { duplicates: items.length - unseen.length, refusals }
    })
    for (let i = 0; i < duplicates; i++) this.#bus.recorder.duplicate(queue)
    return refusals
  }

  /** Those to be handled, in the order in which they came; they are remembered with the transaction, unless they need not be. */
  async #findUnseen(byId: ReadonlyMap<string, Arrived>, tx: Tx): Promise<readonly Arrived[]> {
    const { queue, isIdempotent = () => false } = this.#subscription
    const remembered = [...byId].flatMap(([id, arrived]) => (isIdempotent(arrived) ? [] : [id]))
    if (remembered.length === 0) return [...byId.values()]
    const fresh = await tx.recordFirstSeen(queue, remembered, this.#bus.clock.now())
    const seen = new Set(remembered.filter((id) => !fresh.has(id)))
    return [...byId].flatMap(([id, arrived]) => (seen.has(id) ? [] : [arrived]))
  }

  /** Positions count per cause, so that a batch of other neighbours gives the same ids. */
  #rowsOf(emissions: readonly Emission[]): OutboxRow[] {
    const positions = new Map<string, number>()
    return emissions.flatMap((emission) => {
      if ('refused' in emission) return []
      const { cause, body } = emission
      const position = positions.get(cause.meta.id) ?? 0
      positions.set(cause.meta.id, position + 1)
      return toOutboxRow(messageFor(this.#bus, { meta: cause.meta, queue: this.#subscription.queue }, body, position))
    })
  }

  async #fail({ delivery, arrived }: Item, error: unknown, verdict: Settled): Promise<void> {
    const event = 'stranger' in arrived ? undefined : arrived
    const { queue } = this.#subscription
    await settleFailure(this.#bus, { queue, delivery, event, type: typeOf(arrived), error, durationMs: 0 }, verdict)
    delivery.ack()
  }

  #verdictOn(error: unknown, attempt: number): Settled {
    const verdict = verdictOn(error, attempt, this.#subscription.retry)
    // A batch cannot try one message again at once: the end of the ladder is the nearest to it.
    return verdict.kind === 'again' ? { kind: 'later', delayMs: 0 } : verdict
  }

  /** Holds deliveries while the store is out of order or something could not be published; a requeue would count as a crash. */
  async #guard(deliveries: readonly Delivery[], work: () => Promise<void>): Promise<void> {
    for (;;) {
      try {
        return await work()
      } catch (error) {
        if (error instanceof ClosedError) return
        const { queue } = this.#subscription
        this.#bus.log.error(
          { err: error, queue, held: deliveries.length },
          'could not store or publish; the messages wait',
        )
      }
      if (!this.#stopping) await this.#pause(HOLD_MS)
      // The broker delivers them again; held any longer, they would pile up beside their copies.
      if (deliveries.every(({ lost }) => lost)) return
      if (this.#stopping) {
        for (const delivery of deliveries) delivery.requeue()
        return
      }
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.#bus.clock.after(ms, resolve))
  }
}

/** How many of those that wait go into the next transaction: at least one. */
function batchSize(waiting: readonly Delivery[]): number {
  let bytes = 0
  const tooMany = waiting.findIndex(({ message }, i) => {
    bytes += message.body.length
    return i >= BATCH_MAX || (i > 0 && bytes > BATCH_BYTES_MAX)
  })
  return tooMany === -1 ? waiting.length : tooMany
}

const REFUSED = { kind: 'dead', reason: 'unrecoverable' } as const
const refusalsOf = (emissions: readonly Emission[]): Refusals =>
  new Map(emissions.flatMap((emission) => ('refused' in emission ? [[emission.refused, emission.reason]] : [])))
const deliveriesOf = (items: readonly Item[]) => items.map(({ delivery }) => delivery)
const typeOf = (arrived: Arrived) => ('stranger' in arrived ? arrived.stranger : arrived.type)
