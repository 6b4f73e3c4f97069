import type { Body } from '../events.ts'
import type { Rule } from '../operation-events.ts'
import { PartlyUnavailableError, type Store, StoreUnavailableError, type Transaction } from '../store/store.ts'
import { type Committed, commitBatch } from './batch-commit.ts'
import { ClosedError, type Consumer, type Delivery } from './broker.ts'
import type { Bus } from './bus.ts'
import type { Subscribed } from './consumer.ts'
import { consumerTag } from './consumer-tag.ts'
import type { Event, Stranger } from './envelope.ts'
import { settleFailure, verdictOn } from './failure.ts'
import { HeldBack } from './held-back.ts'
import { halfOf } from './held-room.ts'
import { Holding } from './holding.ts'
import { crashError, type Decoder, putAway, SUSPECT_CRASHES, Survived, settle, take, takeAny } from './intake.ts'
import { Judged } from './judged.ts'
import { consumeLanes } from './lane-consumers.ts'
import { type Visiting, visiting } from './lanes.ts'
import { park } from './park.ts'
import { tellReplayed } from './replay-outcome.ts'
import { type RetryPolicy, Unrecoverable, type Verdict } from './retry.ts'
import { finishWithin } from './stopping.ts'
import { WaitingBatches } from './waiting-batches.ts'

/** What a stateful handler gets: an event, or a message of a type that the catalogue does not have. */
export type Arrived = Event | Stranger
/** What follows, in the order in which it is sent. */
export type Emission =
  /** An event, and from what it follows; with `replyTo`, the queue of one asker who waits for the answer to it. */
  | { readonly cause: Arrived; readonly body: Body; readonly replyTo?: string | undefined }
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
  /** The topology has no `<queue>.replay` for what comes back. */
  readonly withoutReplay?: boolean
  /** How long a batch waits for company when the consumer is idle, ms; 0 takes what is there. */
  readonly lingerMs: number
}

type Settled = Exclude<Verdict, { kind: 'again' }>
type Item = Visiting & {
  readonly arrived: Arrived
  /** How many in its batch a replay has brought back. */
  readonly replays: number
}

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
  readonly #judged = new Judged()
  readonly #held: HeldBack<Visiting>
  readonly #waiting: WaitingBatches<Visiting>
  readonly #holding: Holding
  #running: Promise<void> | undefined
  #consumer: Consumer | undefined
  #leave: () => void = () => undefined

  constructor(bus: Bus, subscription: StatefulSubscription<Tx>) {
    this.#bus = bus
    this.#subscription = subscription
    this.#waiting = new WaitingBatches(bus, () => this.#wake())
    const { queue, prefetch } = subscription
    const room = halfOf(prefetch)
    this.#held = new HeldBack({ bus, queue, room, giveBack: (visits) => this.#putBack(visits) })
    this.#holding = new Holding({ bus, queue, onWait: (delivery) => this.#judged.end(delivery) })
  }

  async start(): Promise<void> {
    const { queue, prefetch, withoutReplay } = this.#subscription
    const { recorder, rules, clock, service } = this.#bus
    const tag = consumerTag(service)
    await rules.loaded()
    // Before the first delivery: whoever changes a rule from now on waits for this consumer.
    this.#leave = rules.join({ queue, tag, underWay: () => this.#judged.all() })
    try {
      this.#consumer = await consumeLanes(this.#bus, { queue, prefetch, tag, withoutReplay }, (lane, delivery) => {
        recorder.consumed(queue)
        this.#waiting.push(visiting(lane, delivery, clock.now()))
        this.#wake()
      })
    } catch (error) {
      this.#leave()
      throw error
    }
  }

  async stop(withinMs: number): Promise<void> {
    this.#holding.stop()
    await finishWithin(this.#bus, withinMs, async () => {
      await this.#consumer?.cancel()
      for (const { delivery } of [...this.#held.takeAll(), ...this.#waiting.takeReplays()]) delivery.requeue()
      await this.#running
      await this.#holding.finished()
    })
    this.#leave()
  }

  #wake(): void {
    this.#running ??= this.#run()
  }

  async #run(): Promise<void> {
    const { lingerMs } = this.#subscription
    if (lingerMs > 0) await new Promise<void>((resolve) => this.#bus.clock.after(lingerMs, resolve))
    for (;;) {
      this.#held.look()
      const batch = this.#waiting.take()
      if (batch.length === 0) break
      await this.#settle(batch)
    }
    this.#running = undefined
  }

  #putBack(visits: readonly Visiting[]): void {
    this.#waiting.putBack(visits)
    this.#wake()
  }

  /** Never rejects. */
  async #settle(visits: readonly Visiting[]): Promise<void> {
    const items: Item[] = []
    const suspects: Item[] = []
    const replays = visits.reduce((sum, { lane }) => (lane === 'replay' ? sum + 1 : sum), 0)
    for (const visit of visits) {
      const { delivery } = visit
      if (delivery.lost) continue
      const crashes = this.#survived.crashesOf(delivery)
      const taken = take(delivery, crashes, this.#subscription)
      if (taken.kind === 'event' || taken.kind === 'stranger') {
        const arrived = taken.kind === 'event' ? taken.event : taken.stranger
        ;(crashes >= SUSPECT_CRASHES ? suspects : items).push({ ...visit, arrived, replays })
      } else if (taken.kind === 'crashed') {
        const item = { delivery, arrived: taken.event }
        this.#holding.beside(delivery, () => this.#fail(item, crashError(crashes), { kind: 'dead', reason: 'crashed' }))
      } else this.#holding.beside(delivery, () => putAway(this.#bus, delivery, this.#subscription.queue, taken))
    }
    if (items.length > 0) await this.#admit(items)
    // A transaction for each: when one of them ends the process, those before it are done.
    for (let one = takeAny(suspects); one; one = takeAny(suspects)) await this.#admit([one])
    for (const { delivery } of visits) this.#survived.note(delivery)
  }

  /** Handles what the rules let pass; asks them again whenever something had to wait. */
  #admit(items: readonly Item[]): Promise<void> {
    let left = items
    return this.#holding.while(
      () => left.map(({ delivery }) => delivery),
      async () => {
        left = left.filter((item) => this.#passes(item))
        if (left.length > 0) await this.#handle(left)
      },
    )
  }

  /** What matches a rule is set aside, what is held comes again; neither keeps the others of its batch waiting. */
  #passes(item: Item): boolean {
    const { delivery, arrived } = item
    if ('stranger' in arrived) return true
    const ruling = this.#held.judge(arrived, delivery.message)
    if (ruling.kind === 'hold') this.#hold(item, arrived, ruling.rule)
    else if (ruling.kind === 'park') this.#park(item, arrived, ruling.rule)
    else this.#judged.begin(delivery, arrived)
    return ruling.kind === 'pass'
  }

  /** Not under way while it waits: nobody who changes a rule is to wait for it. */
  #hold(item: Item, event: Event, rule: Rule): void {
    const { delivery } = item
    this.#judged.end(delivery)
    if (this.#holding.isStopping) delivery.requeue()
    else this.#held.add(item, { delivery, event, rule })
  }

  #park(item: Item, event: Event, rule: Rule): void {
    const { delivery } = item
    const { queue } = this.#subscription
    let hasWaited = false
    this.#holding.beside(delivery, async () => {
      // The rule may have been lifted meanwhile.
      if (hasWaited) return this.#putBack([item])
      hasWaited = true
      this.#judged.begin(delivery, event, rule.id)
      await park(this.#bus, { queue, message: delivery.message, event, rule })
      // Handled, as far as a replay beside it has to make way for it.
      this.#time(item)
      this.#ack(delivery)
    })
  }

  #ack(delivery: Delivery): void {
    settle(delivery)
    this.#judged.end(delivery)
  }

  /** Commits the batch; when that fails, each alone, so that one bad message does not hold up the others. */
  async #handle(items: readonly Item[]): Promise<void> {
    const startMs = performance.now()
    let committed: Committed
    try {
      committed = await commitBatch(this.#bus, this.#subscription, items)
    } catch (error) {
      const isPartly = error instanceof PartlyUnavailableError
      if ((error instanceof StoreUnavailableError && !isPartly) || error instanceof ClosedError) throw error
      const [only] = items
      if (items.length === 1 && only) return this.#failHandling(only, error)
      for (const item of items) await this.#admit([item])
      return
    }
    // Stored, so nothing is the message's fault from here on: a failure is no attempt. Also for duplicates: what followed from the
    // first delivery may still be on its way.
    await this.#subscription.relayed()
    const batch = { ...committed, tookMs: (performance.now() - startMs) / items.length }
    for (const item of items) this.#finish(item, batch)
  }

  #finish(item: Item, batch: Committed & { tookMs: number }): void {
    const { delivery, arrived } = item
    const { queue } = this.#subscription
    const { recorder, outcomes } = this.#bus
    const isHandled = batch.handled.has(arrived.meta.id)
    const refusal = batch.refusals.get(arrived)
    recorder.processed(queue, 'stranger' in arrived ? 'unknown' : arrived.type, batch.tookMs)
    if (isHandled && !('stranger' in arrived)) outcomes.observe(queue, arrived, refusal !== undefined)
    this.#time(item)
    if (refusal !== undefined) this.#holding.beside(delivery, () => this.#refuse(item, new Unrecoverable(refusal)))
    else if (arrived.meta.replay) this.#holding.beside(delivery, () => this.#endReplay(item, isHandled))
    else this.#ack(delivery)
  }

  async #endReplay({ delivery, arrived }: Item, isHandled: boolean): Promise<void> {
    const cause = { ...arrived, queue: this.#subscription.queue }
    await tellReplayed(this.#bus, cause, isHandled ? 'handled' : 'duplicate')
    this.#ack(delivery)
  }

  #time({ isFresh, arrivedMs, replays, arrived: { meta } }: Item): void {
    if (!isFresh) return
    const nowMs = this.#bus.clock.now()
    this.#waiting.handledFresh(nowMs - (meta.atMs ?? arrivedMs), nowMs - arrivedMs, replays)
  }

  #failHandling(item: Item, error: unknown): Promise<void> {
    const { arrived } = item
    if (!('stranger' in arrived)) this.#bus.outcomes.observe(this.#subscription.queue, arrived, true)
    return this.#refuse(item, error)
  }

  #refuse(item: Item, error: unknown): Promise<void> {
    return this.#fail(item, error, this.#verdictOn(error, item.arrived))
  }

  async #fail(
    { delivery, arrived }: Pick<Item, 'delivery' | 'arrived'>,
    error: unknown,
    verdict: Settled,
  ): Promise<void> {
    const event = 'stranger' in arrived ? undefined : arrived
    const { queue } = this.#subscription
    await settleFailure(this.#bus, { queue, delivery, event, type: typeOf(arrived), error, durationMs: 0 }, verdict)
    this.#ack(delivery)
  }

  #verdictOn(error: unknown, { meta }: Arrived): Settled {
    const verdict = verdictOn(error, meta, this.#subscription.retry)
    // A batch cannot try one message again at once: the end of the ladder is the nearest to it.
    return verdict.kind === 'again' ? { kind: 'later', delayMs: 0 } : verdict
  }
}

const typeOf = (arrived: Arrived) => ('stranger' in arrived ? arrived.stranger : arrived.type)
