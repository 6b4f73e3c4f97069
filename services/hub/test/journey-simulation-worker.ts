import { ClosedError, type Message } from '../../../shared/bus/broker.ts'
import type { Bus } from '../../../shared/bus/bus.ts'
import { subscribe } from '../../../shared/bus/consumer.ts'
import { parseEvent } from '../../../shared/bus/envelope.ts'
import { RuleBook } from '../../../shared/bus/rule-book.ts'
import { gated, retryPolicy } from '../../../shared/bus/test/bus-fixture.ts'
import type { Body } from '../../../shared/events.ts'
import {
  type Activity,
  type ActivityContext,
  ActivityError,
  activityHandlers,
  deferred,
} from '../../../shared/flow/activity.ts'
import { activityPlan, activityQueueOf } from '../../../shared/topology.ts'
import { ACTIVITIES } from './journey-simulation-definitions.ts'
import type { Shop } from './journey-simulation-shop.ts'
import type { Fate } from './journey-simulation-story.ts'

const PREFETCH = 8

export type WorkerAround = {
  readonly bus: Bus
  readonly shop: Shop
  /** Somebody else says this, in so many ms. */
  readonly say: (afterMs: number, id: string, body: Body) => void
}

/** A process that serves every activity with the real host, until it is killed. */
export class SimulatedWorker {
  isAlive = true
  readonly #bus: Bus
  readonly #around: WorkerAround

  constructor(around: WorkerAround) {
    this.#around = around
    const { service, clock, log } = around.bus
    const broker = gated(around.bus.broker, async (message) => this.#note(message))
    this.#bus = { ...around.bus, broker, rules: new RuleBook({ broker, service, clock, log, queueType: 'quorum' }) }
    this.#serve().catch((error: unknown) => {
      if (!(error instanceof ClosedError)) throw error
    })
  }

  kill(): void {
    this.isAlive = false
    void this.#bus.broker.close(0)
  }

  async #serve(): Promise<void> {
    for (const name of ACTIVITIES) {
      await this.#bus.broker.extend(activityPlan(name, 'quorum'))
      const served: Activity = { name, run: (_input, context) => this.#run(context) }
      const handlers = activityHandlers(served, this.#bus.clock)
      await subscribe(this.#bus, { queue: activityQueueOf(name), handlers, retry: retryPolicy(), prefetch: PREFETCH })
    }
  }

  async #run(context: ActivityContext) {
    const { callId, attempt, idempotencyKey } = context
    const { shop } = this.#around
    const fate = shop.fateOf(callId, attempt)
    const carryOut = () => shop.carryOut(idempotencyKey, callId, this.#bus.clock.now())
    switch (fate.what) {
      case 'done':
        if (fate.afterMs > 0) await this.#wait(fate.afterMs)
        return carryOut()
      case 'failed':
        throw new ActivityError(fate.status, `${callId} attempt ${attempt} is refused`)
      case 'silent':
        if (fate.isDone) carryOut()
        return deferred
      case 'foreign':
        this.#answerElsewhere(context, fate, carryOut)
        return deferred
    }
  }

  async #wait(ms: number): Promise<void> {
    await new Promise<void>((resolve) => this.#bus.clock.after(ms, resolve))
    if (!this.isAlive) throw new ClosedError('This worker was killed.')
  }

  /** Asked again it answers the same, under the same ids. */
  #answerElsewhere(
    { callId, attempt, idempotencyKey }: ActivityContext,
    { afterMs, status, shift, copies }: Extract<Fate, { what: 'foreign' }>,
    carryOut: () => unknown,
  ): void {
    // Done before it is said, and only when it is.
    if (status < 400) carryOut()
    const id = `answer of ${idempotencyKey} ${attempt}`
    const about = { callId, ...(shift !== null && { attempt: Math.max(1, attempt + shift) }), status }
    const say = (ms: number, messageId: string) =>
      this.#around.say(
        ms,
        messageId,
        status < 400
          ? { type: 'ACTIVITY_SUCCEEDED', ...about, output: { said: messageId } }
          : { type: 'ACTIVITY_FAILED', ...about, error: messageId },
      )
    say(afterMs, id)
    for (const [n, copy] of copies.entries()) say(afterMs + copy.afterMs, copy.hasOwnId ? id : `${id} copy ${n}`)
  }

  #note({ key, body, properties }: Message): void {
    const event = parseEvent({
      exchange: 'ebs',
      key,
      body,
      properties: { ...properties, headers: properties.headers ?? {} },
    })
    if ('data' in event) this.#around.shop.hear(event.data)
  }
}
