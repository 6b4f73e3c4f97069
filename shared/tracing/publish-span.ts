import { context, SpanKind, trace } from '@opentelemetry/api'
import type { Message } from '../bus/broker.ts'
import { type AboutMessage, attributesOf, nameOf } from './message-attributes.ts'
import { failSpan } from './spans.ts'
import { contextOf, headerOf, TRACEPARENT } from './trace-context.ts'
import { findTracer } from './tracer.ts'

/** A publish under way: the message with its span in the header, to be sent instead, and the end, with what went wrong. */
export type Publishing = { readonly message: Message; end(error?: unknown): void }

/**
 * Begins the span of a publish, `template` naming its exchange or queue. Undefined when nobody traces, and for what belongs to no trace:
 * neither does its header say so, nor is it published within a span.
 */
export function beginPublish(message: Message, template: string): Publishing | undefined {
  const tracer = findTracer()
  if (!tracer) return undefined
  const { exchange, key, properties } = message
  const { traceparent, 'x-ebs-tenant': tenant } = properties.headers ?? {}
  const parent = typeof traceparent === 'string' ? contextOf(traceparent) : context.active()
  if (!trace.getSpanContext(parent)) return undefined
  const { messageId, correlationId, type } = properties
  const about: AboutMessage = {
    operation: 'publish',
    ...{ exchange, key, template, messageId, correlationId, type },
    tenant: typeof tenant === 'string' ? tenant : undefined,
  }
  const options = { kind: SpanKind.PRODUCER, attributes: attributesOf(about) }
  const span = tracer.startSpan(nameOf(about), options, parent)
  const header = headerOf(span.spanContext())
  const headers = { ...properties.headers, ...(header !== undefined && { [TRACEPARENT]: header }) }
  return {
    message: { ...message, properties: { ...properties, headers } },
    end(error) {
      if (error !== undefined) failSpan(span, error)
      span.end()
    },
  }
}
