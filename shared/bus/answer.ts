import type { Body } from '../events.ts'
import { failSpan, findSpan, inSpan } from '../tracing/spans.ts'
import { ClosedError, type Consumer, type Delivery } from './broker.ts'
import { answering, type Bus, messageFor, publish } from './bus.ts'
import type { Subscribed } from './consumer.ts'
import type { Event } from './envelope.ts'
import { putAway, settle, take } from './intake.ts'
import { finishWithin } from './stopping.ts'

export type Questions = {
  readonly queue: string
  /** Questions answered at once. */
  readonly prefetch?: number
  /** The answer; undefined gives none. */
  readonly answer: (event: Event) => Body | undefined | Promise<Body | undefined>
}

/** Answers are looked up, in a millisecond or so: more at once would only make the first of them wait. */
const PREFETCH = 50

/** Poison whose dead queue is not there goes back to its queue, no faster than this. */
const HOLD_MS = 1_000

/**
 * Consumes a queue of questions and sends each answer to whoever asked, under the question's correlation id. A question is worth
 * nothing once nobody waits for its answer: so it is answered once, and what fails is logged and not tried again. Whoever asked asks
 * again.
 */
export async function answerQuestions(bus: Bus, questions: Questions): Promise<Subscribed> {
  const loop = new AnswerLoop(bus, questions)
  await loop.start()
  return loop
}

class AnswerLoop implements Subscribed {
  readonly #bus: Bus
  readonly #questions: Questions
  readonly #inFlight = new Set<Promise<void>>()
  #consumer: Consumer | undefined

  constructor(bus: Bus, questions: Questions) {
    this.#bus = bus
    this.#questions = questions
  }

  async start(): Promise<void> {
    const { queue, prefetch = PREFETCH } = this.#questions
    this.#consumer = await this.#bus.broker.consume(queue, { prefetch }, (delivery) => {
      const done = this.#settle(delivery).finally(() => this.#inFlight.delete(done))
      this.#inFlight.add(done)
    })
  }

  async stop(withinMs: number): Promise<void> {
    await finishWithin(this.#bus, withinMs, async () => {
      await this.#consumer?.cancel()
      await Promise.all(this.#inFlight)
    })
  }

  /** Never rejects. */
  async #settle(delivery: Delivery): Promise<void> {
    const { queue } = this.#questions
    const { recorder, log, clock } = this.#bus
    recorder.consumed(queue)
    // A question that ends its consumer is gone before it has been counted often: no crashes are.
    const taken = take(delivery, 0, { queue, accepts: () => true })
    if (taken.kind === 'event') {
      const answered = inSpan(findSpan(delivery), () => this.#answer(taken.event))
      if (await answered) settle(delivery)
    } else if (taken.kind === 'poison' || taken.kind === 'ignore') {
      try {
        await putAway(this.#bus, delivery, queue, taken)
      } catch (error) {
        if (error instanceof ClosedError) return
        log.error({ err: error, queue }, 'could not put away what is no question; it goes back to its queue')
        await new Promise<void>((resolve) => clock.after(HOLD_MS, resolve))
        delivery.requeue()
      }
    }
  }

  /** False when this side was closed meanwhile: the question is for whoever comes next. */
  async #answer(event: Event): Promise<boolean> {
    const { queue, answer } = this.#questions
    const { recorder, log } = this.#bus
    const { replyTo, correlationId } = event.meta
    if (replyTo === undefined) {
      recorder.ignored(queue)
      log.debug({ queue, messageId: event.meta.id }, 'ignored a question without a queue for its answer')
      return true
    }
    const startMs = performance.now()
    const processed = (error?: string) => recorder.processed(queue, event.type, performance.now() - startMs, error)
    try {
      const body = await answer(event)
      if (body) {
        const message = messageFor(this.#bus, { meta: event.meta, queue }, body, 0)
        await publish(this.#bus, answering(message, { replyTo, correlationId }))
      }
      processed()
    } catch (error) {
      if (error instanceof ClosedError) return false
      processed(error instanceof Error ? error.name : 'Error')
      failSpan(findSpan(event.meta), error)
      log.error({ err: error, queue, correlationId }, 'a question could not be answered; whoever asked hears nothing')
    }
    return true
  }
}
