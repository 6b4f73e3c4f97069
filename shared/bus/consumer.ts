import type { Logger } from 'pino'
import type { Body, EventType } from '../events.ts'
import type { Rule } from '../operation-events.ts'
import { alsoOf, findSpan, inSpan } from '../tracing/spans.ts'
import { ClosedError, type Consumer, type Delivery } from './broker.ts'
import { type Bus, Outgoing } from './bus.ts'
import { consumerTag } from './consumer-tag.ts'
import type { Event } from './envelope.ts'
import { type FailedHandler, settleFailure, tellFailure, verdictOn } from './failure.ts'
import { runHandler } from './handler-run.ts'
import { HeldBack } from './held-back.ts'
import { PrefetchRoom } from './held-room.ts'
import { crashError, type Decoder, putAway, SUSPECT_CRASHES, Survived, settle, take } from './intake.ts'
import { Judged } from './judged.ts'
import { consumeLanes } from './lane-consumers.ts'
import { type Visiting, visiting } from './lanes.ts'
import { logSome } from './log-limit.ts'
import { Pace } from './pace.ts'
import { park } from './park.ts'
import { PREFETCH_START } from './prefetch.ts'
import { tellReplayed } from './replay-outcome.ts'
import type { RetryPolicy } from './retry.ts'
import { Slots } from './slots.ts'
import { finishWithin } from './stopping.ts'
import { Suspects } from './suspects.ts'

/** What a handler gives back: the events that follow. An async generator publishes each when it is yielded. */
export type Follows = readonly Body[] | Promise<readonly Body[]> | AsyncIterable<Body>
export type HandlerContext = { readonly attempt: number; readonly log: Logger }
export type Handlers = { readonly [T in EventType]?: (event: Event<T>, context: HandlerContext) => Follows }

export type Subscription = {
  readonly queue: string
  readonly handlers: Handlers
  readonly retry: RetryPolicy
  /** Deliveries at once; undefined follows how long the work takes. */
  readonly prefetch?: number | undefined
  /** The topology has no `<queue>.replay` for what comes back. */
  readonly withoutReplay?: boolean
  /** Events that say that an attempt failed. */
  readonly failed?: FailedHandler
  readonly decode?: Decoder
}

/** A running consumer. */
export interface Subscribed {
  /** Takes nothing more and resolves when what is in flight is done, or after `withinMs`; what is left goes back to the broker. */
  stop(withinMs: number): Promise<void>
}

/** Between two tries to publish what was refused for good (queue gone, buffer full). */
const PUBLISH_BACKOFF_MS = 1_000

/**
 * Consumes a queue with stateless handlers: parse, ask the rules, handle, publish what follows, wait for the confirms, ack. Nobody acks but
 * this loop, those in `stateful-consumer.ts` and `answer.ts`, and `intake.ts` for all of them. A failure goes by the retry policy; a failed
 * publish acks nothing.
 */
export async function subscribe(bus: Bus, subscription: Subscription): Promise<Subscribed> {
  const loop = new ConsumeLoop(bus, subscription)
  await loop.start()
  return loop
}

/** A delivery on its way through the loop. */
type Visit = Visiting & {
  /** When it was published, if that is known. */
  atMs?: number | undefined
  /** Of an event that is held after attempts that were made here; undefined: its own. */
  attempt?: number
}
/** `held`: a rule keeps it waiting, and it comes again. */
type Passed = 'done' | 'held'

class ConsumeLoop implements Subscribed {
  readonly #bus: Bus
  readonly #subscription: Subscription
  readonly #slots: Slots<Visit>
  readonly #held: HeldBack<Visit>
  readonly #judged = new Judged()
  readonly #inFlight = new Set<Promise<void>>()
  readonly #suspects = new Suspects()
  readonly #survived = new Survived()
  readonly #pace: Pace
  readonly #room: PrefetchRoom
  #consumer: Consumer | undefined
  #leave: () => void = () => undefined
  #stopping = false

  constructor(bus: Bus, subscription: Subscription) {
    const { queue, prefetch } = subscription
    this.#bus = bus
    this.#subscription = subscription
    const { clock, lanes: policy = { kind: 'round-robin' } } = bus
    this.#pace = new Pace(bus, prefetch ?? PREFETCH_START, (next) => this.#deepen(next))
    this.#slots = new Slots({ policy, limit: this.#pace.prefetch, clock, start: (visit) => this.#begin(visit) })
    this.#room = new PrefetchRoom(bus, this.#pace.prefetch, async (next) => this.#consumer?.setPrefetch(next))
    this.#held = new HeldBack({ bus, queue, room: this.#room, giveBack: (visits) => this.#slots.putBack(visits) })
  }

  async start(): Promise<void> {
    const { queue, withoutReplay } = this.#subscription
    const tag = consumerTag(this.#bus.service)
    await this.#bus.rules.loaded()
    // Before the first delivery: whoever changes a rule from now on waits for this consumer.
    this.#leave = this.#bus.rules.join({ queue, tag, underWay: () => this.#judged.all() })
    const options = { queue, tag, withoutReplay, prefetch: this.#pace.prefetch }
    try {
      this.#consumer = await consumeLanes(this.#bus, options, (lane, delivery) => {
        this.#bus.recorder.consumed(queue)
        this.#held.look()
        this.#slots.offer(visiting(lane, delivery, this.#bus.clock.now()))
      })
    } catch (error) {
      this.#leave()
      throw error
    }
    if (this.#subscription.prefetch === undefined) this.#pace.follow()
  }

  async stop(withinMs: number): Promise<void> {
    this.#stopping = true
    this.#pace.stop()
    await finishWithin(this.#bus, withinMs, async () => {
      await this.#consumer?.cancel()
      for (const { delivery } of [...this.#held.takeAll(), ...this.#slots.close()]) delivery.requeue()
      await Promise.all(this.#inFlight)
    })
    this.#leave()
  }

  async #deepen(prefetch: number): Promise<void> {
    await this.#room.handle(prefetch)
    this.#slots.limit = prefetch
  }

  #begin(visit: Visit): void {
    const done = this.#settle(visit).finally(() => {
      this.#inFlight.delete(done)
      this.#slots.leave(visit.lane)
    })
    this.#inFlight.add(done)
  }

  /**
   * Never rejects. What cannot be published is held and handled again, with the same ids, instead of being requeued: each return to the
   * queue counts as a crash, and twelve of them would condemn a message that has done nothing wrong.
   */
  async #settle(visit: Visit): Promise<void> {
    const { queue } = this.#subscription
    const { delivery, lane } = visit
    for (;;) {
      // It waited for a place, and its connection is gone: the broker delivers it again.
      if (delivery.lost) return this.#survived.note(delivery)
      try {
        const crashes = this.#survived.crashesOf(delivery)
        const passed =
          crashes >= SUSPECT_CRASHES
            ? await this.#suspects.alone(() => this.#process(visit, crashes))
            : await this.#process(visit, crashes)
        if (passed === 'held') return
        this.#judged.end(delivery)
        this.#time(visit)
        return this.#survived.note(delivery)
      } catch (error) {
        this.#judged.end(delivery)
        // Closing: the broker redelivers everything that was not acked.
        if (error instanceof ClosedError) return
        if (delivery.lost) return this.#survived.note(delivery)
        const text = 'could not publish what follows from a message; it is held and tried again'
        logSome(this.#bus, { level: 'error', queue, text }, { err: error, queue })
      }
      // Without its place: what comes back to a queue whose dead queue is gone must not keep live messages waiting.
      this.#slots.leave(lane)
      await new Promise<void>((resolve) => this.#bus.clock.after(PUBLISH_BACKOFF_MS, resolve))
      this.#slots.reenter(lane)
      if (this.#stopping) return delivery.requeue()
    }
  }

  async #process(visit: Visit, crashes: number): Promise<Passed> {
    const { queue, handlers, decode } = this.#subscription
    const { delivery } = visit
    const taken = take(delivery, crashes, { queue, decode, accepts: (event) => handlers[event.type] !== undefined })
    if (taken.kind === 'event') {
      if ((await this.#handle(visit, again(taken.event, visit.attempt))) === 'held') return 'held'
    } else if (taken.kind === 'crashed') {
      const failed = this.#failureOf(delivery, taken.event, crashError(crashes), 0)
      await settleFailure(this.#bus, failed, { kind: 'dead', reason: 'crashed' })
    } else if (taken.kind !== 'stranger') {
      await putAway(this.#bus, delivery, queue, taken)
      return 'done'
    }
    settle(delivery)
    return 'done'
  }

  /** Handles until it succeeds, the policy says later or dead, or a rule sets it aside; resolves when everything that follows is confirmed. */
  async #handle(visit: Visit, original: Event): Promise<Passed> {
    const { queue, retry } = this.#subscription
    const { delivery } = visit
    visit.atMs = original.meta.atMs
    let event = original
    for (;;) {
      const ruling = this.#held.judge(event, delivery.message)
      if (ruling.kind === 'hold') return this.#hold(visit, event, ruling.rule)
      this.#judged.begin(delivery, event, ruling.kind === 'park' ? ruling.rule.id : undefined)
      if (ruling.kind === 'park') {
        await this.#park(visit, event, ruling.rule)
        return 'done'
      }
      const attempt = await inSpan(findSpan(delivery), () => this.#attempt(event))
      if (!attempt.failed) {
        if (event.meta.replay) await tellReplayed(this.#bus, { ...event, queue }, 'handled')
        return 'done'
      }
      const verdict = verdictOn(attempt.error, event.meta, retry)
      const failure = this.#failureOf(delivery, event, attempt.error, attempt.durationMs)
      if (verdict.kind !== 'again') {
        await settleFailure(this.#bus, failure, verdict)
        return 'done'
      }
      await tellFailure(this.#bus, failure)
      this.#bus.recorder.retried(queue)
      event = again(event, event.meta.attempt + 1)
    }
  }

  async #park({ delivery }: Visit, event: Event, rule: Rule): Promise<void> {
    const { queue } = this.#subscription
    await park(this.#bus, { queue, message: delivery.message, event, rule })
    // It only waited for confirms, as handled ones do behind their work: a queue of which much is set aside wants a deep prefetch.
    this.#pace.took(0)
  }

  /** Not under way while it waits: nobody who changes a rule is to wait for it. */
  #hold(visit: Visit, event: Event, rule: Rule): Passed {
    const { delivery } = visit
    this.#judged.end(delivery)
    visit.attempt = event.meta.attempt
    if (this.#stopping) delivery.requeue()
    else {
      this.#held.add(visit, { delivery, event, rule })
      this.#held.look()
    }
    return 'held'
  }

  #time({ isFresh, atMs, arrivedMs }: Visit): void {
    if (!isFresh) return
    const nowMs = this.#bus.clock.now()
    this.#slots.handledFresh(nowMs - (atMs ?? arrivedMs), nowMs - arrivedMs)
  }

  /** Runs the handler once. Rejects only when something could not be published. */
  async #attempt(event: Event): Promise<{ failed: false } | { failed: true; error: unknown; durationMs: number }> {
    const { queue, handlers } = this.#subscription
    const outgoing = new Outgoing()
    const startMs = performance.now()
    let failure: { error: unknown } | undefined
    try {
      await runHandler(this.#bus, { queue, handlers, event }, outgoing)
    } catch (error) {
      failure = { error }
    }
    const durationMs = performance.now() - startMs
    this.#pace.took(durationMs)
    this.#bus.recorder.processed(queue, event.type, durationMs, failure && nameOf(failure.error))
    this.#bus.outcomes.observe(queue, event, failure !== undefined)
    await outgoing.confirmed()
    return failure ? { failed: true, error: failure.error, durationMs } : { failed: false }
  }

  #failureOf(delivery: Delivery, event: Event, error: unknown, durationMs: number) {
    const { queue, failed } = this.#subscription
    return { queue, delivery, event, type: event.type, error, durationMs, failed }
  }
}

/** The same event at another attempt. */
const again = (event: Event, attempt = event.meta.attempt): Event =>
  attempt === event.meta.attempt ? event : { ...event, meta: alsoOf(event.meta, { ...event.meta, attempt }) }

const nameOf = (error: unknown) => (error instanceof Error ? error.name : 'Error')
