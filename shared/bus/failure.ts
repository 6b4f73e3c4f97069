import { type Body, subjectOf } from '../events.ts'
import { PartlyUnavailableError } from '../store/store.ts'
import { deadQueueOf } from '../topology.ts'
import { tracedMeta } from '../tracing/delivery-span.ts'
import { traceFields } from '../tracing/log-fields.ts'
import { failSpan, findSpan, noteOn } from '../tracing/spans.ts'
import type { Delivery, Headers, Message, Received } from './broker.ts'
import { type Bus, messageFor, Outgoing, publish } from './bus.ts'
import { type Event, type Meta, metaOf } from './envelope.ts'
import { newId } from './ids.ts'
import { delayRoute } from './ladder.ts'
import { logSome } from './log-limit.ts'
import { probedUse } from './replay-headers.ts'
import { failingNews } from './replay-outcome.ts'
import { type DeadReason, judge, type RetryPolicy, type Verdict, waitFor } from './retry.ts'
import { heldProperties, retryProperties } from './stay-headers.ts'

/** An error text in headers and events is cut here: a stack of causes can be of any length. */
const ERROR_CHARS_MAX = 2_000
const NAME_CHARS_MAX = 255

/** What a service says about a failed attempt, besides what the bus does with the message. */
export type Failure = {
  readonly error: string
  readonly attempt: number
  readonly durationMs: number
  /** No other attempt follows: the message is dead. */
  readonly final: boolean
  /** When the next attempt comes, ms since 1970; undefined when it is final, or follows at once. */
  readonly retryAtMs: number | undefined
}
export type FailedHandler = (event: Event, failure: Failure) => readonly Body[]

export type Failed = {
  readonly queue: string
  readonly delivery: Delivery
  /** Undefined when the message could not be read. */
  readonly event: Event | undefined
  readonly type: string | undefined
  readonly error: unknown
  readonly durationMs: number
  readonly failed?: FailedHandler | undefined
}

/** Sends a failed message up the ladder or to its dead queue, with the events that say so; resolves when all is confirmed. */
export async function settleFailure(
  bus: Bus,
  failure: Failed,
  verdict: Exclude<Verdict, { kind: 'again' }>,
): Promise<void> {
  const { queue, delivery, event, error } = failure
  const { message } = delivery
  const meta = event?.meta ?? tracedMeta(delivery, metaOf(message))
  const outgoing = new Outgoing()
  const final = verdict.kind === 'dead'
  const retryAtMs = verdict.kind === 'later' ? bus.clock.now() + verdict.delayMs : undefined
  for (const news of failureNews(bus, failure, { final, retryAtMs })) outgoing.add(publish(bus, news))
  const headers = failureHeaders(bus, { message, queue, error, meta })
  failSpan(findSpan(delivery), error)
  noteOn(delivery, final ? 'dead' : 'retry', () => ({ 'ebs.attempt': meta.attempt, ...fate(verdict) }))
  if (verdict.kind === 'later') {
    for (const news of failingNews(bus, { meta, queue, data: event?.data }, textOf(error)))
      outgoing.add(publish(bus, news))
    outgoing.add(publish(bus, retryMessage(message, { ...failure, meta, headers, verdict })))
    bus.recorder.retried(queue)
  } else {
    for (const sent of deathMessages(bus, { ...failure, meta, headers, reason: verdict.reason }))
      outgoing.add(publish(bus, sent))
    bus.recorder.dead(queue, verdict.reason)
  }
  const fields = {
    queue,
    messageId: meta.id,
    correlationId: meta.correlationId,
    type: failure.type,
    attempt: meta.attempt,
    ...traceFields(meta.traceparent),
  }
  const text = final ? 'a message is dead' : 'a message is tried again later'
  logSome(bus, { level: final ? 'error' : 'warn', queue, text }, { ...fields, err: error, verdict })
  await outgoing.confirmed()
}

const fate = (verdict: Exclude<Verdict, { kind: 'again' }>) =>
  verdict.kind === 'dead' ? { 'ebs.reason': verdict.reason } : { 'ebs.delay_ms': verdict.delayMs }

/** Says that an attempt failed which is followed by another at once; resolves when that is confirmed. */
export async function tellFailure(bus: Bus, failure: Failed): Promise<void> {
  const outgoing = new Outgoing()
  noteOn(failure.delivery, 'retry', () => ({ 'ebs.error': textOf(failure.error), 'ebs.delay_ms': 0 }))
  for (const news of failureNews(bus, failure, { final: false, retryAtMs: undefined })) outgoing.add(publish(bus, news))
  if (failure.event)
    for (const news of failingNews(bus, { ...failure.event, queue: failure.queue }, textOf(failure.error)))
      outgoing.add(publish(bus, news))
  await outgoing.confirmed()
}

/** The events by which a service says that an attempt failed. */
function failureNews(
  bus: Bus,
  { queue, event, error, durationMs, failed }: Failed,
  next: Pick<Failure, 'final' | 'retryAtMs'>,
): readonly Message[] {
  if (!event || !failed) return []
  const { meta } = event
  try {
    const bodies = failed(event, { error: textOf(error), attempt: meta.attempt, durationMs, ...next })
    // Positions below zero: the handler's own events of the same type keep their ids.
    return bodies.map((body, position) => messageFor(bus, { meta, queue }, body, -1 - position))
  } catch (bug) {
    // What becomes of the message matters more than the news about it.
    bus.log.error({ err: bug, queue, messageId: meta.id }, 'the service could not say that an attempt failed')
    return []
  }
}

type Republish = {
  readonly queue: string
  readonly meta: Meta
  readonly type: string | undefined
  readonly headers: Headers
}

const retryMessage = (
  message: Received,
  { queue, meta, type, headers, verdict }: Republish & { verdict: Extract<Verdict, { kind: 'later' }> },
): Message => ({
  ...delayRoute(verdict.delayMs, queue),
  body: message.body,
  properties: retryProperties(message, type, { ...headers, ...nextAttempt(meta, verdict.waits) }),
})

/** What a probe has let go goes back to its rule, as if it had not been tried: its attempts begin when the rule lets it go for good. */
function nextAttempt(meta: Meta, waits: number | undefined): Headers {
  const use = probedUse(meta)
  if (waits !== undefined) return { 'x-ebs-attempt': meta.attempt, 'x-ebs-waits': waits }
  if (use === undefined) return { 'x-ebs-attempt': meta.attempt + 1 }
  return { 'x-ebs-attempt': 1, 'x-ebs-released': meta.released.filter((one) => one !== use).join(',') }
}

/**
 * The message for the dead queue, and MESSAGE_DEAD unless what died was itself such news. News that was brought back is told of: its job
 * waits for it.
 */
function deathMessages(
  bus: Bus,
  { queue, event, meta, type, headers, reason, delivery, error }: Failed & Republish & { reason: DeadReason },
): Message[] {
  const subject = event && subjectOf(event.data)
  const firstFailedAt = headers['x-ebs-first-failed-at']
  const body: Body<'MESSAGE_DEAD'> = {
    type: 'MESSAGE_DEAD',
    queue,
    messageId: meta.id.slice(0, NAME_CHARS_MAX),
    reason,
    error: textOf(error),
    attempts: meta.attempt,
    deadKey: meta.key.slice(0, NAME_CHARS_MAX),
    ...(type && { deadType: type.slice(0, NAME_CHARS_MAX) }),
    ...(typeof firstFailedAt === 'string' && { firstFailedAt }),
    ...(meta.replay && { replay: meta.replay }),
    ...(subject && { subject }),
  }
  const derived = messageFor(bus, { meta, queue }, body, 0)
  // Poison is not deduplicated: each delivery of it dies and says so.
  const held = (reason === 'poison' ? newId(bus.clock.now()) : derived.properties.messageId) ?? ''
  const dead: Message = {
    exchange: '',
    key: deadQueueOf(queue),
    mandatory: true,
    body: delivery.message.body,
    properties: heldProperties(delivery.message, type, { ...headers, 'x-ebs-reason': reason, 'x-ebs-held': held }),
  }
  if (meta.key.startsWith('messages.') && !meta.replay) return [dead]
  return [dead, { ...derived, properties: { ...derived.properties, messageId: held } }]
}

/** Headers that tell a person what went wrong, where and since when. Times are ISO 8601. */
function failureHeaders(
  bus: Bus,
  { message, queue, error, meta }: { message: Received; queue: string; error: unknown; meta: Meta },
): Headers {
  const now = new Date(bus.clock.now()).toISOString()
  const first = message.properties.headers['x-ebs-first-failed-at']
  return {
    'x-ebs-queue': queue,
    'x-ebs-error': textOf(error),
    'x-ebs-attempts': meta.attempt,
    'x-ebs-first-failed-at': typeof first === 'string' && first.length <= now.length ? first : now,
    'x-ebs-last-failed-at': now,
    // What becomes of it follows from this delivery.
    ...(meta.traceparent !== undefined && { traceparent: meta.traceparent }),
  }
}

/** Decides about a failed attempt by the policy of the queue. A probe decides nothing: its message comes back at once, for its rule. */
export function verdictOn(error: unknown, meta: Meta, policy: RetryPolicy): Verdict {
  if (probedUse(meta) !== undefined) return { kind: 'later', delayMs: 0 }
  if (error instanceof PartlyUnavailableError) return waitFor(error, meta.waits)
  return judge(error, meta.attempt, policy, Math.random())
}

const textOf = (error: unknown) =>
  (error instanceof Error
    ? error.name === 'Error'
      ? error.message
      : `${error.name}: ${error.message}`
    : String(error)
  ).slice(0, ERROR_CHARS_MAX)
