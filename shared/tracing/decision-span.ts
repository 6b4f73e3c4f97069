import { SpanKind, trace } from '@opentelemetry/api'
import { failSpan, findSpan, keepSpan } from './spans.ts'
import { contextOf, headerOf, within } from './trace-context.ts'
import { findTracer } from './tracer.ts'

type Deciding = { readonly kind: string; readonly key: string }
type Traced = { readonly traceparent: string | undefined }
type Firing = Deciding & { readonly name: string; readonly dueMs: number }

/** Within the trace of its conversation, what is sent follows from whoever had it sent. */
export function tracedBy<O extends Traced>(origin: O, { traceparent: cause }: Traced): O {
  const traceparent = within(origin.traceparent, cause)
  return traceparent === origin.traceparent ? origin : { ...origin, traceparent }
}

/** Says on the span of a delivery which conversation has decided it, and what: change, ignore, early or refuse. */
export function tellDecision(sender: object, { kind, key }: Deciding, decision: string): void {
  findSpan(sender)?.setAttributes({
    'ebs.conversation.kind': kind,
    'ebs.conversation.id': key,
    'ebs.decision': decision,
  })
}

/**
 * Runs what a timer does in a span of the trace in which its conversation began, and links it to the transaction in which it fires: a
 * wake-up is for all timers of that moment, and belongs to no trace. Without a trace, or an SDK, it just runs.
 */
export async function inTimer<O extends Traced, T>(
  origin: O,
  timer: Firing & { readonly nowMs: number },
  work: (origin: O) => Promise<T>,
): Promise<T> {
  const tracer = origin.traceparent === undefined ? undefined : findTracer()
  if (!tracer) return work(origin)
  const { kind, key, name, dueMs, nowMs } = timer
  const batch = trace.getActiveSpan()?.spanContext()
  const span = tracer.startSpan(
    `timer ${kind}`,
    {
      kind: SpanKind.INTERNAL,
      links: batch ? [{ context: batch }] : [],
      attributes: {
        'ebs.conversation.kind': kind,
        'ebs.conversation.id': key,
        'ebs.timer.name': name,
        'ebs.timer.due': new Date(dueMs).toISOString(),
        'ebs.timer.late_ms': nowMs - dueMs,
      },
    },
    contextOf(origin.traceparent),
  )
  const traced = { ...origin, traceparent: headerOf(span.spanContext()) ?? origin.traceparent }
  keepSpan(span, traced)
  try {
    return await work(traced)
  } catch (error) {
    failSpan(span, error)
    throw error
  } finally {
    span.end()
  }
}
