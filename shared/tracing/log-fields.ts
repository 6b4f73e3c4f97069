import { trace } from '@opentelemetry/api'
import { traceIdOf } from './trace-context.ts'

/** The active span, for every log line; named as OpenTelemetry has it for logs that are no protocol of its own. */
export function activeFields(): Record<string, string> {
  const span = trace.getActiveSpan()?.spanContext()
  return span ? { trace_id: span.traceId, span_id: span.spanId } : {}
}

/** The trace of a message or request, for lines about it; nothing where the active span says so already. */
export function traceFields(traceparent: string | undefined): { readonly trace_id?: string } {
  const traceId = traceIdOf(traceparent)
  return traceId === undefined || trace.getActiveSpan() ? {} : { trace_id: traceId }
}
