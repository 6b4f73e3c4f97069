import { type Attributes, context, type Span, SpanStatusCode, trace } from '@opentelemetry/api'

/** Spans of what is under way, by the delivery, the envelope or the request that they are about. Whoever forgets to end one leaks none. */
const spans = new WeakMap<object, Span>()
/** Without an SDK there never is one, and nobody looks. */
let hasAny = false

export function keepSpan(span: Span, ...of: readonly object[]): void {
  hasAny = true
  for (const one of of) spans.set(one, span)
}

/** The same span for another one as well, which is given back. */
export function alsoOf<T extends object>(one: object, other: T): T {
  const span = findSpan(one)
  if (span) spans.set(other, span)
  return other
}

export const findSpan = (of: object): Span | undefined => (hasAny ? spans.get(of) : undefined)

/** Runs with the span as the active one, so that log lines and spans of libraries belong to it. */
export const inSpan = <T>(span: Span | undefined, work: () => T): T =>
  span ? context.with(trace.setSpan(context.active(), span), work) : work()

/** Says on the span of something, if it has one, what became of it. */
export function noteOn(of: object, what: string, attributes: () => Attributes): void {
  const span = findSpan(of)
  if (span?.isRecording()) span.addEvent(what, attributes())
}

/** Says that what the span is about has failed. */
export function failSpan(span: Span | undefined, error: unknown): void {
  if (!span?.isRecording()) return
  const isError = error instanceof Error
  span.setAttribute('error.type', isError ? error.name : '_OTHER')
  span.setStatus({ code: SpanStatusCode.ERROR, message: isError ? error.message : String(error) })
}
