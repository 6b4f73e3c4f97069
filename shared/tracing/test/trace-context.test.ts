import { ROOT_CONTEXT, trace } from '@opentelemetry/api'
import { describe, expect, test } from 'vitest'
import { contextOf, headerOf, traceIdOf, traceparentOf, within } from '../trace-context.ts'

const traceId = '0af7651916cd43dd8448eb211c80319c'
const parent = 'b7ad6b7169203331'

describe("a traceparent is taken as W3C's grammar has it", () => {
  test.each([
    { what: 'as everybody sends it', value: `00-${traceId}-${parent}-01` },
    { what: 'not sampled', value: `00-${traceId}-${parent}-00` },
    { what: 'with flags that nobody knows yet', value: `00-${traceId}-${parent}-ff` },
    { what: 'of a version to come', value: `cc-${traceId}-${parent}-01` },
    { what: 'of a version to come, with more behind it', value: `cc-${traceId}-${parent}-01-what-comes` },
  ])('$what', ({ value }) => {
    expect(traceparentOf(value)).toBe(value)
    expect(traceIdOf(value)).toBe(traceId)
  })

  test.each([
    { what: 'nothing', value: undefined },
    { what: 'empty', value: '' },
    { what: 'a number', value: 7 },
    { what: 'a list, as a header sent twice may be', value: [`00-${traceId}-${parent}-01`] },
    { what: 'two in one', value: `00-${traceId}-${parent}-01, 00-${traceId}-${parent}-01` },
    { what: 'capitals', value: `00-${traceId.toUpperCase()}-${parent}-01` },
    { what: 'a trace of zeros', value: `00-${'0'.repeat(32)}-${parent}-01` },
    { what: 'a parent of zeros', value: `00-${traceId}-${'0'.repeat(16)}-01` },
    { what: 'a trace id that is too short', value: `00-${traceId.slice(1)}-${parent}-01` },
    { what: 'a trace id that is too long', value: `00-${traceId}0-${parent}-01` },
    { what: 'no flags', value: `00-${traceId}-${parent}` },
    { what: 'a version that never will be', value: `ff-${traceId}-${parent}-01` },
    { what: 'more than version 00 has', value: `00-${traceId}-${parent}-01-more` },
    { what: 'more than may be in a header', value: `cc-${traceId}-${parent}-01-${'a'.repeat(256)}` },
    { what: 'space around it', value: ` 00-${traceId}-${parent}-01` },
    { what: 'a line behind it', value: `00-${traceId}-${parent}-01\n` },
  ])('but not $what', ({ value }) => {
    expect(traceparentOf(value)).toBeUndefined()
  })
})

test('a traceparent and the span context that it names are the same thing', () => {
  const text = `00-${traceId}-${parent}-01`

  const context = trace.getSpanContext(contextOf(text))

  expect(context).toEqual({ traceId, spanId: parent, traceFlags: 1, isRemote: true })
  expect(context && headerOf(context)).toBe(text)
})

test('nothing, or nonsense, names the root; and a span of no trace is no header', () => {
  expect(contextOf(undefined)).toBe(ROOT_CONTEXT)
  expect(contextOf('nonsense')).toBe(ROOT_CONTEXT)
  expect(headerOf({ traceId: '0'.repeat(32), spanId: '0'.repeat(16), traceFlags: 0 })).toBeUndefined()
})

describe('what is said within a conversation', () => {
  const own = `00-${traceId}-${parent}-01`
  const next = `00-${traceId}-00f067aa0ba902b7-01`
  const foreign = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

  test.each([
    { what: 'follows from its cause, in the same trace', origin: own, cause: next, is: next },
    { what: 'keeps its trace when the cause is of another', origin: own, cause: foreign, is: own },
    { what: 'keeps its trace when the cause is of none', origin: own, cause: undefined, is: own },
    { what: 'takes no trace from a cause when it has none', origin: undefined, cause: next, is: undefined },
  ])('$what', ({ origin, cause, is }) => {
    expect(within(origin, cause)).toBe(is)
  })
})
