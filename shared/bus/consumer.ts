import type { Logger } from 'pino'
import type { Body, EventType } from '../events.ts'
import { ClosedError, type Consumer, type Delivery } from './broker.ts'
import { type Bus, messageFor, Outgoing, publish } from './bus.ts'
import type { Event } from './envelope.ts'
import { type FailedHandler, settleFailure, tellFailure, verdictOn } from './failure.ts'
import { crashError, type Decoder, putAway, SUSPECT_CRASHES, Survived, take, takeAny } from './intake.ts'
import { nextPrefetch, PREFETCH_START } from './prefetch.ts'
import type { RetryPolicy } from './retry.ts'
import { finishWithin } from './stopping.ts'

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
/** Often enough that a backlog is met with a deep prefetch after half a second. */
const ADAPT_MS = 200
/** Fewer would be a matter of chance. */
const ADAPT_AFTER_HANDLED = 8

/**
 * Consumes a queue with stateless handlers: parse, handle, publish what follows, wait for the confirms, ack. Nobody acks but this
 * loop, those in `stateful-consumer.ts` and `answer.ts`, and `intake.ts` for all of them. A failure goes by the retry policy; a failed
 * publish acks nothing.
 */
export async function subscribe(bus: Bus, subscription: Subscription): Promise<Subscribed> {
  const loop = new ConsumeLoop(bus, subscription)
  await loop.start()
  return loop
}

class ConsumeLoop implements Subscribed {
  readonly #bus: Bus
  readonly #subscription: Subscription
  readonly #inFlight = new Set<Promise<void>>()
  readonly #suspects: (() => Promise<void>)[] = []
  readonly #survived = new Survived()
  readonly #pace = { handled: 0, tookMs: 0 }
  #prefetch: number
  #consumer: Consumer | undefined
  #stopAdapting: () => void = () => undefined
  #stopping = false
  #isTrying = false

  constructor(bus: Bus, subscription: Subscription) {
    this.#bus = bus
    this.#subscription = subscription
    this.#prefetch = subscription.prefetch ?? PREFETCH_START
  }

  async start(): Promise<void> {
    const { broker } = this.#bus
    this.#consumer = await broker.consume(this.#subscription.queue, { prefetch: this.#prefetch }, (delivery) =>
      this.#onDelivery(delivery),
    )
    if (this.#subscription.prefetch === undefined) this.#adaptLater()
  }

  async stop(withinMs: number): Promise<void> {
    this.#stopping = true
    this.#stopAdapting()
    await finishWithin(this.#bus, withinMs, async () => {
      await this.#consumer?.cancel()
      await Promise.all(this.#inFlight)
    })
  }

  #onDelivery(delivery: Delivery): void {
    const done = this.#settle(delivery).finally(() => this.#inFlight.delete(done))
    this.#inFlight.add(done)
  }

  /**
   * Never rejects. What cannot be published is held and handled again, with the same ids, instead of being requeued: each return to the
   * queue counts as a crash, and twelve of them would condemn a message that has done nothing wrong.
   */
  async #settle(delivery: Delivery): Promise<void> {
    const { queue } = this.#subscription
    this.#bus.recorder.consumed(queue)
    for (;;) {
      try {
        const crashes = this.#survived.crashesOf(delivery)
        if (crashes >= SUSPECT_CRASHES) await this.#alone(() => this.#process(delivery, crashes))
        else await this.#process(delivery, crashes)
        return this.#survived.note(delivery)
      } catch (error) {
        // Closing: the broker redelivers everything that was not acked.
        if (error instanceof ClosedError) return
        if (delivery.lost) return this.#survived.note(delivery)
        this.#bus.log.error(
          { err: error, queue },
          'could not publish what follows from a message; it is held and tried again',
        )
      }
      await new Promise<void>((resolve) => this.#bus.clock.after(PUBLISH_BACKOFF_MS, resolve))
      if (this.#stopping) return delivery.requeue()
    }
  }

  async #process(delivery: Delivery, crashes: number): Promise<void> {
    const { queue, handlers, decode } = this.#subscription
    const taken = take(delivery, crashes, { queue, decode, accepts: (event) => handlers[event.type] !== undefined })
    if (taken.kind === 'event') await this.#handle(delivery, taken.event)
    else if (taken.kind === 'crashed') {
      const failed = this.#failureOf(delivery, taken.event, crashError(crashes), 0)
      await settleFailure(this.#bus, failed, { kind: 'dead', reason: 'crashed' })
    } else if (taken.kind !== 'stranger') return putAway(this.#bus, delivery, queue, taken)
    delivery.ack()
  }

  /** Handles until it succeeds, or the policy says later or dead; resolves when everything that follows is confirmed. */
  async #handle(delivery: Delivery, original: Event): Promise<void> {
    const { queue, retry } = this.#subscription
    let event = original
    for (;;) {
      const attempt = await this.#attempt(event)
      if (!attempt.failed) return
      const verdict = verdictOn(attempt.error, event.meta.attempt, retry)
      const failure = this.#failureOf(delivery, event, attempt.error, attempt.durationMs)
      if (verdict.kind !== 'again') return settleFailure(this.#bus, failure, verdict)
      await tellFailure(this.#bus, failure)
      this.#bus.recorder.retried(queue)
      event = { ...event, meta: { ...event.meta, attempt: event.meta.attempt + 1 } }
    }
  }

  /** Runs the handler once. Rejects only when something could not be published. */
  async #attempt(event: Event): Promise<{ failed: false } | { failed: true; error: unknown; durationMs: number }> {
    const outgoing = new Outgoing()
    const startMs = performance.now()
    let failure: { error: unknown } | undefined
    try {
      await this.#run(event, outgoing)
    } catch (error) {
      failure = { error }
    }
    const durationMs = performance.now() - startMs
    this.#pace.handled++
    this.#pace.tookMs += durationMs
    this.#bus.recorder.processed(this.#subscription.queue, event.type, durationMs, failure && nameOf(failure.error))
    await outgoing.confirmed()
    return failure ? { failed: true, error: failure.error, durationMs } : { failed: false }
  }

  async #run(event: Event, outgoing: Outgoing): Promise<void> {
    const { queue, handlers } = this.#subscription
    let position = 0
    const emit = (body: Body) =>
      outgoing.add(publish(this.#bus, messageFor(this.#bus, { meta: event.meta, queue }, body, position++)))
    const follows = dispatch(handlers, event, new Context(this.#bus.log, event))
    if (Symbol.asyncIterator in follows) for await (const body of follows) emit(body)
    else for (const body of await follows) emit(body)
  }

  #failureOf(delivery: Delivery, event: Event, error: unknown, durationMs: number) {
    const { queue, failed } = this.#subscription
    return { queue, delivery, event, type: event.type, error, durationMs, failed }
  }

  /** Suspects are handled one at a time: when one of them ends the process, those that came before it are done. */
  #alone(work: () => Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#suspects.push(() => work().then(resolve, reject))
      if (!this.#isTrying) setImmediate(() => this.#trySuspects())
    })
  }

  async #trySuspects(): Promise<void> {
    if (this.#isTrying) return
    this.#isTrying = true
    while (this.#suspects.length > 0) await takeAny(this.#suspects)?.()
    this.#isTrying = false
  }

  #adaptLater(): void {
    this.#stopAdapting = this.#bus.clock.after(ADAPT_MS, () => {
      void this.#adapt().finally(() => {
        if (!this.#stopping) this.#adaptLater()
      })
    })
  }

  async #adapt(): Promise<void> {
    const { handled, tookMs } = this.#pace
    if (handled < ADAPT_AFTER_HANDLED) return
    Object.assign(this.#pace, { handled: 0, tookMs: 0 })
    const next = nextPrefetch(this.#prefetch, tookMs / handled)
    if (next === this.#prefetch) return
    try {
      await this.#consumer?.setPrefetch(next)
      this.#prefetch = next
    } catch (error) {
      this.#bus.log.debug({ err: error }, 'the prefetch could not be changed; the next connection starts with it')
    }
  }
}

class Context implements HandlerContext {
  readonly attempt: number
  readonly #log: Logger
  readonly #event: Event

  constructor(log: Logger, event: Event) {
    this.attempt = event.meta.attempt
    this.#log = log
    this.#event = event
  }

  /** Made when it is asked for: most handlers log nothing. */
  get log(): Logger {
    return this.#log.child({ correlationId: this.#event.meta.correlationId, messageId: this.#event.meta.id })
  }
}

const nameOf = (error: unknown) => (error instanceof Error ? error.name : 'Error')

/** Generic in the type, so that the compiler sees that handler and event belong together. */
function dispatch<T extends EventType>(handlers: Handlers, event: Event<T>, context: HandlerContext): Follows {
  const handler = handlers[event.type]
  // `take` lets only those pass that have one.
  if (!handler) throw new TypeError(`There is no handler for ${event.type}.`)
  return handler(event, context)
}
