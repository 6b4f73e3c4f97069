import { randomUUID } from 'node:crypto'
import type { Body } from '../events.ts'
import { BufferFullError, ClosedError, type Listener, NackedError, type Received, ReturnedError } from './broker.ts'
import { type Bus, publish, queueFamily } from './bus.ts'
import { type Event, parseEvent, toMessage } from './envelope.ts'
import { newId } from './ids.ts'

/** Nobody can be asked just now: there is no such queue, or the broker is away or takes nothing. An HTTP edge answers 503. */
export class NobodyThereError extends Error {
  override readonly name = 'NobodyThereError'
}

/** More questions are open than memory should hold: this one was not asked. An HTTP edge answers 503. */
export class TooManyQuestionsError extends Error {
  override readonly name = 'TooManyQuestionsError'
}

/** Asks other services over the bus, and hears what is sent to it alone. */
export interface Asker {
  /** The queue of its own, for `replyTo` of whatever it publishes. */
  readonly replyTo: string
  /**
   * Puts a question straight into a queue and resolves with the event that answers it, or undefined when none has come within
   * `withinMs`. Never takes longer. Throws NobodyThereError and TooManyQuestionsError; Unrecoverable when the question is too large.
   */
  ask(queue: string, body: Body, options: { readonly withinMs: number }): Promise<Event | undefined>
  /**
   * Waits for an event with this correlation id that `accepts` lets pass (any, unless told). Begin before you publish what it answers.
   * Several may wait for the same. Throws TooManyQuestionsError.
   */
  expect(correlationId: string, withinMs: number, accepts?: (event: Event) => boolean): Expected
  /** Gives up the queue; every wait ends with undefined. */
  stop(): Promise<void>
}

/** A wait that ends by itself. */
export type Expected = {
  /** Undefined when the time was over, or it was cancelled. */
  readonly event: Promise<Event | undefined>
  /** Cancelling twice, or when it is over, is harmless. */
  cancel(): void
}

/** Some 10 MB with their timers. An edge that has so many open has an answering side that is not there. */
const PENDING_MAX = 10_000

/**
 * Opens the queue for a service's answers, one for each replica. Resolves when the bus is ready for the first time; rejects as
 * `Broker.ready` does.
 */
export async function openAsker(bus: Bus): Promise<Asker> {
  const replyTo = `${bus.service}_reply.${randomUUID()}`
  const waiting = new Waiting(bus, queueFamily(replyTo))
  const listener = await bus.broker.listen(replyTo, (message) => waiting.hear(message))
  await bus.broker.ready()
  return {
    replyTo,
    ask: (queue, body, { withinMs }) => ask({ bus, waiting, listener, replyTo }, { queue, body, withinMs }),
    expect: (correlationId, withinMs, accepts = () => true) => waiting.add(correlationId, withinMs, accepts),
    async stop() {
      waiting.endAll()
      await listener.stop()
    },
  }
}

type Asks = { readonly bus: Bus; readonly waiting: Waiting; readonly listener: Listener; readonly replyTo: string }
type Question = { readonly queue: string; readonly body: Body; readonly withinMs: number }

async function ask({ bus, waiting, listener, replyTo }: Asks, { queue, body, withinMs }: Question) {
  const { broker, clock, service } = bus
  // Publishing now would wait for the broker, and its answer could not come to us.
  if (broker.state !== 'up' || broker.saturated || !listener.isUp)
    throw new NobodyThereError(`The broker is away or takes nothing just now: ${queue} was not asked.`)
  const atMs = clock.now()
  const correlationId = newId(atMs)
  const question = toMessage(body, { id: newId(atMs), service, correlationId, atMs, replyTo })
  const { event, cancel } = waiting.add(correlationId, withinMs, () => true)
  let isAsked = false
  const answered = publish(bus, { ...question, exchange: '', key: queue, mandatory: true }).then(() => {
    isAsked = true
    return event
  })
  try {
    // The answer may be there before the confirm, and the time may be over before either.
    const answer = await Promise.race([event, answered])
    if (answer === undefined && !isAsked)
      throw new NobodyThereError(
        `A question to ${queue} was not confirmed when its ${withinMs} ms were over, or the asker stopped: the broker is away or slow.`,
      )
    return answer
  } catch (error) {
    if (error instanceof ReturnedError)
      throw new NobodyThereError(`There is no queue ${queue}: start the service that answers.`, { cause: error })
    if (error instanceof NackedError || error instanceof BufferFullError || error instanceof ClosedError)
      throw new NobodyThereError(`The broker did not take a question to ${queue}.`, { cause: error })
    throw error
  } finally {
    cancel()
  }
}

type Waiter = { readonly accepts: (event: Event) => boolean; readonly end: (event: Event | undefined) => void }

/** Who waits for what. */
class Waiting {
  readonly #bus: Bus
  readonly #queue: string
  readonly #byCorrelation = new Map<string, Set<Waiter>>()
  #pending = 0
  #ignored = 0

  /** `queue` names the queue in metrics. */
  constructor(bus: Bus, queue: string) {
    this.#bus = bus
    this.#queue = queue
  }

  add(correlationId: string, withinMs: number, accepts: Waiter['accepts']): Expected {
    if (this.#pending >= PENDING_MAX)
      throw new TooManyQuestionsError(`${PENDING_MAX} questions wait for an answer: look why nobody answers.`)
    const waiters = this.#byCorrelation.get(correlationId) ?? new Set()
    let end: Waiter['end'] = () => undefined
    const event = new Promise<Event | undefined>((resolve) => {
      end = resolve
    })
    const waiter: Waiter = {
      accepts,
      end: (answer) => {
        if (!waiters.delete(waiter)) return
        this.#pending--
        cancelTimer()
        if (waiters.size === 0) this.#byCorrelation.delete(correlationId)
        end(answer)
      },
    }
    const cancelTimer = this.#bus.clock.after(withinMs, () => waiter.end(undefined))
    this.#pending++
    this.#byCorrelation.set(correlationId, waiters.add(waiter))
    return { event, cancel: () => waiter.end(undefined) }
  }

  hear(message: Received): void {
    const { recorder, log } = this.#bus
    recorder.consumed(this.#queue)
    const { correlationId = '', type } = message.properties
    const waiters = [...(this.#byCorrelation.get(correlationId) ?? [])]
    // Read only when somebody waits for it: a flood of late answers costs next to nothing.
    const parsed = waiters.length > 0 ? parseEvent(message) : undefined
    const heard = parsed && 'data' in parsed ? waiters.filter(({ accepts }) => accepts(parsed)) : []
    if (parsed && 'data' in parsed) for (const waiter of heard) waiter.end(parsed)
    if (heard.length > 0) return
    recorder.ignored(this.#queue)
    this.#ignored++
    const poison = parsed && 'poison' in parsed ? parsed.poison : undefined
    log.debug({ correlationId, type, poison, ignored: this.#ignored }, 'ignored an answer that nobody waits for')
  }

  endAll(): void {
    for (const waiters of [...this.#byCorrelation.values()]) for (const waiter of [...waiters]) waiter.end(undefined)
  }
}
