import { describe, expect, test } from 'vitest'
import type { Received } from '../broker.ts'
import { BODY_BYTES_MAX, depthOf, JSON_DEPTH_MAX, metaOf, parseEvent, toMessage } from '../envelope.ts'
import { contentId } from '../ids.ts'
import { objectBody, receivedOf, taskBody } from './bus-fixture.ts'

const json = (value: unknown) => Buffer.from(JSON.stringify(value))
const nested = (depth: number, [open, close]: readonly [string, string]) => open.repeat(depth) + close.repeat(depth)
/** A body with one field more that is nested this deep; the body itself is the first level. */
const deep = (depth: number) => `{"type":"OBJECT_CREATED","more":${nested(depth - 1, ['[', ']'])}}`

describe('reading an event', () => {
  test('gives data and envelope', () => {
    const headers = {
      'x-ebs-tenant': 'acme',
      'x-ebs-causation': 'before',
      'x-ebs-attempt': 3,
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    }
    const message = receivedOf(objectBody(1), {
      messageId: 'id',
      correlationId: 'corr',
      type: 'OBJECT_CREATED',
      timestamp: 7,
      headers,
    })

    expect(parseEvent(message)).toEqual({
      type: 'OBJECT_CREATED',
      data: objectBody(1),
      meta: {
        id: 'id',
        key: 'objects',
        correlationId: 'corr',
        causationId: 'before',
        tenant: 'acme',
        attempt: 3,
        atMs: 7_000,
        traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
        replyTo: undefined,
        callAttempt: undefined,
        waits: 0,
        released: [],
        replay: undefined,
      },
    })
  })

  test('what we send is what we read', () => {
    const sending = { id: 'id', service: 's', correlationId: 'c', atMs: 1_234, causationId: 'x', tenant: 't' }
    const { exchange, key, body, properties } = toMessage(taskBody(1), sending)
    const parsed = parseEvent({ exchange, key, body, properties: { ...properties, headers: properties.headers ?? {} } })

    expect({ exchange, key }).toEqual({ exchange: 'ebs', key: 'task-requests' })
    expect(properties).toMatchObject({ appId: 's', contentType: 'application/json', timestamp: 1 })
    expect(parsed).toMatchObject({ data: taskBody(1), meta: { id: 'id', correlationId: 'c', causationId: 'x' } })
    expect(parsed).toMatchObject({ meta: { atMs: 1_234, tenant: 't', attempt: 1 } })
  })
})

describe('a body that a person pasted, with no properties', () => {
  const pasted = receivedOf(objectBody(1))

  test('works: type and tenant from the body, the id from key and body', () => {
    const id = contentId('objects', pasted.body)

    expect(parseEvent(pasted)).toMatchObject({ type: 'OBJECT_CREATED', meta: { id, correlationId: id, attempt: 1 } })
    expect(parseEvent(pasted)).toMatchObject({ meta: { tenant: 'acme', key: 'objects', atMs: undefined } })
    expect(parseEvent(receivedOf(taskBody(1)))).toMatchObject({ meta: { tenant: 'acme' } })
  })

  test('twice is the same event, under another key another one', () => {
    expect(metaOf(receivedOf(objectBody(1))).id).toBe(metaOf(pasted).id)
    expect(metaOf(receivedOf(objectBody(2))).id).not.toBe(metaOf(pasted).id)
    expect(metaOf({ ...pasted, key: 'process_consume' }).id).not.toBe(metaOf(pasted).id)
  })

  test('keeps its id when it comes back over the ladder: x-ebs-key is preferred to the routing key', () => {
    const back = receivedOf(objectBody(1), { headers: { 'x-ebs-key': 'objects' } })

    expect(metaOf({ ...back, key: '0.0.1.objects' })).toEqual({ ...metaOf(pasted), key: 'objects' })
  })

  test('an empty id or type counts as missing, or all such messages would be one', () => {
    const empty = receivedOf(objectBody(1), { messageId: '', type: '', correlationId: '' })

    expect(parseEvent(empty)).toEqual(parseEvent(pasted))
  })

  test('a tenant in the header wins over the one in the body', () => {
    const message = receivedOf(objectBody(1), { headers: { 'x-ebs-tenant': 'other' } })

    expect(parseEvent(message)).toMatchObject({ meta: { tenant: 'other' } })
  })
})

describe('D5: poison says which field and why', () => {
  const object = objectBody(1)
  const cases: readonly { what: string; body: Buffer; properties?: Partial<Received['properties']>; reason: RegExp }[] =
    [
      { what: 'nothing at all', body: Buffer.alloc(0), reason: /^body: empty/ },
      { what: 'not JSON', body: Buffer.from('hello'), reason: /^body: not JSON/ },
      { what: 'half of a JSON', body: Buffer.from('{"type":"OBJECT_'), reason: /^body: not JSON/ },
      { what: 'white space', body: Buffer.from('  \n'), reason: /^body: not JSON/ },
      { what: 'null', body: Buffer.from('null'), reason: /^body: expected a JSON object/ },
      { what: 'a number', body: Buffer.from('7'), reason: /^body: expected a JSON object/ },
      { what: 'an array', body: Buffer.from('[{}]'), reason: /^body: expected a JSON object/ },
      { what: 'no type', body: Buffer.from('{}'), reason: /^type: / },
      { what: 'a type that is no string', body: Buffer.from('{"type":7}'), reason: /^type: / },
      { what: 'a type that is null', body: Buffer.from('{"type":null}'), reason: /^type: / },
      {
        what: 'two types',
        body: json(object),
        properties: { type: 'TASK_CREATED' },
        reason: /^type: .*TASK_CREATED.*OBJECT_CREATED/,
      },
      { what: 'a field missing', body: json({ type: 'OBJECT_CREATED' }), reason: /^object: / },
      {
        what: 'a field of the wrong type',
        body: json({ ...object, object: { ...object.object, name: 7 } }),
        reason: /^object\.name: .*string/,
      },
      {
        what: 'two wrong fields',
        body: json({ ...object, object: { ...object.object, id: '', createdAt: 'today' } }),
        reason: /object\.id: .*object\.createdAt: /,
      },
      { what: '3 MB', body: Buffer.alloc(3_000_000, 'x'), reason: /^body: 3000000 bytes/ },
      { what: 'one byte too many', body: Buffer.alloc(BODY_BYTES_MAX + 1, ' '), reason: /^body: 1048577 bytes/ },
      { what: '20,000 nested arrays', body: Buffer.from(nested(20_000, ['[', ']'])), reason: /^body: nested deeper/ },
      {
        what: '20,000 nested objects',
        body: Buffer.from(`${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`),
        reason: /^body: nested deeper/,
      },
      { what: '20,000 open brackets', body: Buffer.from('['.repeat(20_000)), reason: /^body: nested deeper/ },
      { what: 'one level too many', body: Buffer.from(deep(JSON_DEPTH_MAX + 1)), reason: /^body: nested deeper/ },
      { what: 'invalid UTF-8', body: Buffer.from([0x7b, 0xff, 0x7d]), reason: /^body: not valid UTF-8/ },
      { what: 'half a character', body: Buffer.from('{"a":"é').subarray(0, -1), reason: /^body: not valid UTF-8/ },
      ...['text/plain', 'application/xml', 'application/jsonp', 'json', 'application/'].map((contentType) => ({
        what: `content type ${contentType}`,
        body: json(object),
        properties: { contentType },
        reason: /^content_type: expected application\/json/,
      })),
      ...['gzip', 'utf-16', 'br'].map((contentEncoding) => ({
        what: `content encoding ${contentEncoding}`,
        body: json(object),
        properties: { contentEncoding },
        reason: /^content_encoding: /,
      })),
    ]

  test.each(cases)('$what', ({ body, properties, reason }) => {
    expect(parseEvent(received(body, properties))).toMatchObject({ poison: expect.stringMatching(reason) })
  })

  test('names its type where it can, in the property or in the body', () => {
    const wrong = json({ type: 'OBJECT_CREATED' })

    expect(parseEvent(received(wrong))).toMatchObject({ type: 'OBJECT_CREATED' })
    expect(parseEvent(received(wrong, { type: 'OBJECT_CREATED' }))).toMatchObject({ type: 'OBJECT_CREATED' })
    expect(parseEvent(received(Buffer.from('x'), { type: 'T' }))).toMatchObject({ type: 'T' })
    expect(parseEvent(received(Buffer.from('x')))).toMatchObject({ type: undefined })
  })

  test.each(['NO_SUCH_EVENT', 'constructor', '__proto__', 'toString', ' OBJECT_CREATED', 'object_created'])(
    'a type that is not in the catalogue is a stranger: %s',
    (type) => {
      expect(parseEvent(received(json({ type })))).toMatchObject({ stranger: type, meta: { attempt: 1 } })
      expect(parseEvent(received(Buffer.from('{}'), { type }))).toMatchObject({ stranger: type })
    },
  )

  test.each([
    {
      what: 'the deepest that is allowed',
      body: `${JSON.stringify(object).slice(0, -1)},${deep(JSON_DEPTH_MAX).slice(25)}`,
    },
    { what: 'brackets in strings', body: JSON.stringify({ ...object, more: '["\\"{'.repeat(10_000) }) },
    { what: 'fields that nobody knows', body: JSON.stringify({ ...object, more: { __proto__: null, a: [1] } }) },
    { what: 'white space around it', body: `\n ${JSON.stringify(object)}\t` },
  ])('not poison: $what', ({ body }) => {
    expect(parseEvent(received(Buffer.from(body)))).toMatchObject({ type: 'OBJECT_CREATED', data: object })
  })

  test.each([
    'application/json',
    'application/json; charset=utf-8',
    'Application/JSON',
    'application/vnd.x.v1+json',
    '',
  ])('not poison: content type %s', (contentType) => {
    expect(parseEvent(received(json(object), { contentType }))).toMatchObject({ type: 'OBJECT_CREATED' })
  })

  test.each(['utf-8', 'UTF-8', 'utf8', ''])('not poison: content encoding %s', (contentEncoding) => {
    expect(parseEvent(received(json(object), { contentEncoding }))).toMatchObject({ type: 'OBJECT_CREATED' })
  })
})

describe('depth', () => {
  test.each([
    { text: '', depth: 0 },
    { text: '7', depth: 0 },
    { text: '[]', depth: 1 },
    { text: '[[],[]]', depth: 2 },
    { text: '{"a":[{}]}', depth: 3 },
    { text: '"[[["', depth: 0 },
    { text: String.raw`["\"[[", "\\", []]`, depth: 2 },
    { text: ']]]', depth: 0 },
    { text: '"', depth: 0 },
    { text: '"\\', depth: 0 },
  ])('of $text is $depth', ({ text, depth }) => {
    expect(depthOf(Buffer.from(text))).toBe(depth)
  })
})

describe('attempt', () => {
  test.each([
    { header: undefined, attempt: 1 },
    { header: 1, attempt: 1 },
    { header: 2, attempt: 2 },
    { header: '3', attempt: 3 },
    ...[0, -1, 1.5, Number.NaN, 'two', '', null, {}, Number.MAX_SAFE_INTEGER + 1].map((header) => ({
      header,
      attempt: 1,
    })),
  ])('header $header is attempt $attempt', ({ header, attempt }) => {
    expect(metaOf(received(Buffer.from('{}'), { headers: { 'x-ebs-attempt': header } })).attempt).toBe(attempt)
  })
})

function received(body: Buffer, properties: Partial<Received['properties']> = {}): Received {
  return { exchange: 'ebs', key: 'objects', body, properties: { headers: {}, ...properties } }
}
