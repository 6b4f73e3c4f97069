import { type Link, type Span, SpanKind } from '@opentelemetry/api'
import type { Delivery } from '../bus/broker.ts'
import type { Meta } from '../bus/envelope.ts'
import { type AboutMessage, attributesOf, nameOf } from './message-attributes.ts'
import { failSpan, findSpan, inSpan, keepSpan } from './spans.ts'
import { contextOf, headerOf } from './trace-context.ts'
import { findTracer } from './tracer.ts'

/** What belongs to nobody's conversation: a span for each tick of the hub's clock would bury all others. */
const CLOCKWORK: ReadonlySet<string | undefined> = new Set(['TIMERS_DUE', 'HELD_ERRAND'])

/**
 * Begins the span of a delivery and gives back its envelope with that span for a parent of all that follows; the same envelope when
 * nobody traces. One that is still open for the delivery ends: it was not settled, and is taken again.
 */
export function beginDelivery(queue: string, delivery: Delivery, type: string | undefined, meta: Meta): Meta {
  const tracer = findTracer()
  if (!tracer || (CLOCKWORK.has(type) && meta.traceparent === undefined)) return meta
  findSpan(delivery)?.end()
  const { message } = delivery
  const { id: messageId, correlationId, tenant } = meta
  const about: AboutMessage = {
    operation: 'process',
    ...{ exchange: message.exchange, key: message.key, queue, template: queue },
    ...{ messageId, correlationId, type, tenant },
  }
  const attributes = {
    ...attributesOf(about),
    'ebs.attempt': meta.attempt,
    ...(meta.replay && { 'ebs.replay.job': meta.replay.job }),
  }
  const span = tracer.startSpan(nameOf(about), { kind: SpanKind.CONSUMER, attributes }, contextOf(meta.traceparent))
  const traced = { ...meta, traceparent: headerOf(span.spanContext()) ?? meta.traceparent }
  keepSpan(span, delivery, traced)
  return traced
}

/** The envelope of a delivery that could not be read as an event, with its span for a parent. */
export function tracedMeta(delivery: Delivery, meta: Meta): Meta {
  const span = findSpan(delivery)
  return span ? { ...meta, traceparent: headerOf(span.spanContext()) ?? meta.traceparent } : meta
}

/** Ends the span of a delivery, if it has one. */
export const endDelivery = (delivery: Delivery): void => findSpan(delivery)?.end()

/**
 * Runs the transaction of a batch: within the span of its one delivery, or in one of its own that links to those of all. `metas` are the
 * envelopes as `beginDelivery` gave them.
 */
export async function inBatch<T>(queue: string, metas: readonly Meta[], work: () => Promise<T>): Promise<T> {
  const deliveries = metas.flatMap((meta) => findSpan(meta) ?? [])
  if (deliveries.length === 0) return work()
  if (deliveries.length === 1) return inSpan(deliveries[0], work)
  const span = batchSpan(queue, deliveries)
  try {
    return await inSpan(span, work)
  } catch (error) {
    failSpan(span, error)
    throw error
  } finally {
    span?.end()
  }
}

function batchSpan(queue: string, deliveries: readonly Span[]): Span | undefined {
  const links: Link[] = deliveries.filter((one) => one.isRecording()).map((one) => ({ context: one.spanContext() }))
  if (links.length === 0) return undefined
  const attributes = { 'messaging.system': 'rabbitmq', 'messaging.batch.message_count': deliveries.length }
  return findTracer()?.startSpan(`commit ${queue}`, { kind: SpanKind.INTERNAL, root: true, links, attributes })
}
