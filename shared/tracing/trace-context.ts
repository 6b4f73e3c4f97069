import { type Context, isSpanContextValid, ROOT_CONTEXT, type SpanContext, trace } from '@opentelemetry/api'

/** The header of HTTP and of messages that says to which trace something belongs (W3C Trace Context). */
export const TRACEPARENT = 'traceparent'

/** Version, trace id, id of the parent span, flags; versions to come may have more behind them. */
const SHAPE = /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-.*)?$/
const VERSION = '00'
const VERSION_FORBIDDEN = 'ff'
const ZEROS = /^0+$/
/** As long as any header of ours may be: it goes into everything that follows. */
const CHARS_MAX = 255

/** A `traceparent` as W3C's grammar has it; undefined for anything else, which nobody is told of: a trace is not worth a refusal. */
export function traceparentOf(value: unknown): string | undefined {
  return typeof value === 'string' && value.length <= CHARS_MAX && partsOf(value) ? value : undefined
}

/** The id of the trace that a valid `traceparent` names. */
export const traceIdOf = (traceparent: string | undefined): string | undefined =>
  traceparent && partsOf(traceparent)?.traceId

/** What is said within a conversation: its trace, and in that the span of whoever made it be said, when it is of the same trace. */
export const within = (traceparent: string | undefined, cause: string | undefined): string | undefined =>
  traceparent && cause && traceparent !== cause && traceIdOf(traceparent) === traceIdOf(cause) ? cause : traceparent

/** The parent that a `traceparent` names, for spans; the root when it names none. */
export function contextOf(traceparent: string | undefined): Context {
  const parts = traceparent === undefined ? undefined : partsOf(traceparent)
  return parts ? trace.setSpanContext(ROOT_CONTEXT, { ...parts, isRemote: true }) : ROOT_CONTEXT
}

/** A span as a `traceparent`; undefined for one of no trace. */
export const headerOf = (span: SpanContext): string | undefined =>
  isSpanContextValid(span)
    ? `${VERSION}-${span.traceId}-${span.spanId}-${span.traceFlags.toString(16).padStart(2, '0')}`
    : undefined

function partsOf(text: string): Pick<SpanContext, 'traceId' | 'spanId' | 'traceFlags'> | undefined {
  const [, version, traceId = '', spanId = '', flags = '', more] = SHAPE.exec(text) ?? []
  if (version === undefined || version === VERSION_FORBIDDEN || ZEROS.test(traceId) || ZEROS.test(spanId))
    return undefined
  if (version === VERSION && more !== undefined) return undefined
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) }
}
