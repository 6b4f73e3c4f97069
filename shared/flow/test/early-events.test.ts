import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Received } from '../../bus/broker.ts'
import { type Event, parseEvent } from '../../bus/envelope.ts'
import { eventOf, toText } from '../early-events.ts'

const json = fc.jsonValue({ maxDepth: 3 })
const id = fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' })
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })
const fields = <T extends Record<string, fc.Arbitrary<unknown>>>(type: string, model: T) =>
  fc.record({ type: fc.constant(type), ...model })

const handler = fc.record({ topic: fc.constant('some.topic'), payload: json })
const run = {
  taskId: id,
  objectId: id,
  processor: fc.string({ maxLength: 20 }),
  attempt: fc.integer({ min: 1 }),
  durationMs: fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }),
}
const body = fc.oneof(
  fields('EventGroupCollectorCreate', {
    id,
    expected: fc.array(id, { maxLength: 4 }),
    ttl: maybe(fc.double({ max: 2_592_000, noNaN: true, noDefaultInfinity: true })),
    payload: maybe(json),
    handler: maybe(fc.record({ onsuccess: maybe(handler), onfailure: maybe(handler) })),
    quorum: maybe(fc.integer({ min: 1 })),
    onTimeout: maybe(fc.constantFrom('fail', 'partial')),
    completedBy: maybe(fc.constantFrom('done', 'tasks')),
  }),
  fields('EventGroupCollectorEntityDone', { id, group: id, result: maybe(json), error: maybe(json) }),
  fields('TASK_FINISHED', { ...run, result: maybe(fc.string()) }),
  fields('TASK_FAILED', { ...run, error: fc.string(), final: fc.boolean() }),
  fields('FLOW_REQUESTED', {
    flowId: id,
    length: fc.integer({ min: 1, max: 100 }),
    mode: maybe(fc.constantFrom('parallel', 'sequential')),
    requestKey: maybe(id),
  }),
  fields('FLOW_CALL_ANSWERED', {
    callId: id,
    flowId: maybe(id),
    attempt: maybe(fc.integer({ min: 1 })),
    status: fc.integer({ min: 200, max: 599 }),
    output: maybe(json),
    error: maybe(fc.string()),
    complete: maybe(fc.boolean()),
  }),
)

/** Headers are anything: strangers write them. AMQP has numbers that JSON has not. */
const header = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.double(),
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY),
  fc.integer(),
  fc.boolean(),
)
const headers = fc.dictionary(
  fc.constantFrom(
    'x-ebs-at',
    'x-ebs-attempt',
    'x-ebs-call-attempt',
    'x-ebs-causation',
    'x-ebs-key',
    'x-ebs-tenant',
    'traceparent',
  ),
  header,
)
const properties = fc
  .record(
    {
      messageId: fc.string({ unit: 'binary' }),
      correlationId: fc.string({ unit: 'binary' }),
      replyTo: fc.constantFrom('gateway_reply.1', 'hub_consume'),
      timestamp: fc.nat(),
    },
    { requiredKeys: [] },
  )
  .chain((properties) => headers.map((headers) => ({ ...properties, headers })))

describe('an event that waits for its conversation', () => {
  test('comes back as it was', () => {
    fc.assert(
      fc.property(body, properties, (body, properties) => {
        const event = read({ exchange: 'ebs', key: 'any', body: Buffer.from(JSON.stringify(body)), properties })

        const back = eventOf(toText(event))

        expect(back.type).toBe(event.type)
        // As text, because a key of JSON may be `__proto__`.
        expect(JSON.stringify(back.data)).toBe(JSON.stringify(event.data))
        // A number that JSON has not is no time.
        const { atMs } = event.meta
        const kept = { ...event.meta, atMs: Number.isFinite(atMs) ? atMs : undefined }
        expect(back.meta).toEqual(JSON.parse(JSON.stringify(kept)))
      }),
      { numRuns: 1_000 },
    )
  })

  test.each([
    ['is of no type of the catalogue', '{"type":"NEWS","data":{},"meta":{}}'],
    ['has lost its envelope', '{"type":"TASK_FINISHED","data":{}}'],
    ['is no JSON', 'TASK_FINISHED'],
  ])('is not taken for one when it %s', (_, text) => {
    expect(() => eventOf(text)).toThrow()
  })
})

function read(message: Received): Event {
  const event = parseEvent(message)
  if ('data' in event) return event
  throw new Error(`no event: ${JSON.stringify(event)}`)
}
