import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import { type Body, rowOf } from '../events.ts'
import type { LanePolicy } from '../service/lane-settings.ts'
import type { Recorder } from '../service/recorder.ts'
import { beginPublish } from '../tracing/publish-span.ts'
import type { Broker, Message } from './broker.ts'
import { type Meta, toMessage } from './envelope.ts'
import { deriveId } from './ids.ts'
import { delayRoute } from './ladder.ts'
import type { OutcomeWatcher, Rules } from './rules.ts'

/** What every consumer and publisher of a service works with. */
export type Bus = {
  readonly broker: Broker
  readonly service: string
  readonly clock: Clock
  readonly log: Logger
  readonly recorder: Recorder
  /** Which messages are set aside instead of being handled. */
  readonly rules: Rules
  readonly outcomes: OutcomeWatcher
  /** Missing: round-robin. */
  readonly lanes?: LanePolicy
}

/** The delivery that an event follows from. */
export type Cause = { readonly meta: Meta; readonly queue: string }

/** What belongs to a conversation, and so to all that follows in it. */
export type Thread = Pick<Meta, 'correlationId' | 'tenant' | 'traceparent'>

/**
 * The message for an event that follows from another: its id is the same whenever the cause is handled again. It belongs to the thread
 * of its cause unless the caller names another: a conversation's events keep the one in which it began.
 */
export function messageFor(
  bus: Bus,
  { meta, queue }: Cause,
  body: Body,
  position: number,
  thread: Thread = meta,
): Message {
  const attempt = rowOf(body.type).perAttempt && { attempt: attemptOf(meta) }
  return toMessage(body, {
    id: deriveId({ cause: meta.id, queue, type: body.type, position, ...attempt }),
    service: bus.service,
    correlationId: thread.correlationId,
    causationId: meta.id,
    tenant: thread.tenant,
    traceparent: thread.traceparent,
    atMs: bus.clock.now(),
  })
}

/** Tells one try from all others. Who comes back is attempted anew, and who has waited tries again: what is said about it then is news. */
const attemptOf = ({ attempt, waits, replay }: Meta): number | string =>
  replay || waits > 0
    ? [attempt, ...(waits > 0 ? [`waited ${waits}`] : []), ...(replay ? [`${replay.job}/${replay.held}`] : [])].join(
        ' ',
      )
    : attempt

/**
 * The same message by way of the ladder: it comes to the queue, and only there, no earlier than in `delayMs`. Throws RangeError as
 * `delayRoute` does.
 */
export function delayed(message: Message, delayMs: number, queue: string): Message {
  const { properties, key } = message
  // On the ladder the routing key says where it stops; this is where a consumer looks for its own.
  return {
    ...message,
    ...delayRoute(delayMs, queue),
    properties: { ...properties, headers: { ...properties.headers, 'x-ebs-key': key } },
  }
}

/** The same message straight to the queue of someone who waits for it, and who knows it by this correlation id. */
export const answering = (message: Message, { replyTo, correlationId }: Asking): Message => ({
  ...message,
  exchange: '',
  key: replyTo,
  properties: { ...message.properties, correlationId },
})

/** Someone who waits for an answer: a queue, and the correlation id that tells it from others. */
export type Asking = { readonly replyTo: string; readonly correlationId: string }

/** Publishes and measures; resolves when confirmed. */
export async function publish(bus: Bus, message: Message): Promise<void> {
  const destination = message.exchange || queueFamily(message.key)
  const span = beginPublish(message, destination)
  const startMs = performance.now()
  try {
    await bus.broker.publish(span?.message ?? message)
    bus.recorder.published(destination, performance.now() - startMs)
    span?.end()
  } catch (error) {
    bus.recorder.published(destination, performance.now() - startMs, error instanceof Error ? error.name : 'Error')
    span?.end(error)
    throw error
  }
}

/** For metrics: each asker's queue has a name of its own, and a label for each would never end. */
export const queueFamily = (queue: string) => queue.replace(/_reply\..*/s, '_reply').replace(/^amq\.gen-.*/s, 'amq.gen')

/** Publishes in flight at once that belong to one delivery; nothing of it is acked before all are confirmed. */
export class Outgoing {
  private readonly confirms: Promise<void>[] = []

  add(confirm: Promise<void>): void {
    // The failure is met in `confirmed`; until then Node must not take it for unhandled.
    confirm.catch(() => undefined)
    this.confirms.push(confirm)
  }

  /** Rejects with the first failure. */
  async confirmed(): Promise<void> {
    await Promise.all(this.confirms)
  }
}
