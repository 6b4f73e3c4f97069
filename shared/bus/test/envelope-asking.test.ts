import { describe, expect, test } from 'vitest'
import { BODY_BYTES_MAX, metaOf, parseEvent, toMessage, verbatim } from '../envelope.ts'
import { Unrecoverable } from '../retry.ts'
import { objectBody, receivedOf, taskBody } from './bus-fixture.ts'

const sending = { id: 'id', service: 's', correlationId: 'c', atMs: 1_234 }

describe('the queue that an answer goes to', () => {
  const own = 'gateway_reply.0190a5c8-0000-7000-8000-000000000000'

  test.each([own, 'amq.gen-x4Zr', 'a_reply.b', `a_reply.${'b'.repeat(247)}`])('%s belongs to one asker', (replyTo) => {
    expect(metaOf(receivedOf({}, { replyTo })).replyTo).toBe(replyTo)
  })

  test.each([
    undefined,
    '',
    'process_consume',
    'hub_consume.dead',
    'reply.b',
    'a_reply',
    'a_replyb',
    'amq.rabbitmq.reply-to',
    'my.amq.gen-x',
    `a_reply.${'b'.repeat(248)}`,
    `a_reply.${'é'.repeat(124)}`,
  ])('%s is none: nobody makes us write into a queue of others', (replyTo) => {
    expect(metaOf(receivedOf({}, replyTo === undefined ? {} : { replyTo })).replyTo).toBeUndefined()
  })

  test('travels from the sender to the reader', () => {
    const { properties } = toMessage(taskBody(1), { ...sending, replyTo: own, callAttempt: 2 })
    const parsed = parseEvent(receivedOf(taskBody(1), { ...properties, headers: properties.headers ?? {} }))

    expect(parsed).toMatchObject({ meta: { replyTo: own, callAttempt: 2 } })
    expect(toMessage(taskBody(1), sending).properties).not.toHaveProperty('replyTo')
    expect(toMessage(taskBody(1), sending).properties.headers).not.toHaveProperty('x-ebs-call-attempt')
  })
})

describe('the attempt at a call that an answer is for', () => {
  const withHeader = (header: unknown) => metaOf(receivedOf({}, { headers: { 'x-ebs-call-attempt': header } }))

  test.each([
    { header: 1, callAttempt: 1 },
    { header: 7, callAttempt: 7 },
    { header: '3', callAttempt: 3 },
    ...[undefined, 0, -1, 1.5, Number.NaN, 'two', '', null, true, {}, [2], Number.MAX_SAFE_INTEGER + 1].map(
      (header) => ({ header, callAttempt: undefined }),
    ),
  ])('header $header is $callAttempt', ({ header, callAttempt }) => {
    expect(withHeader(header).callAttempt).toBe(callAttempt)
  })

  test('answers without an id to two attempts are two; to the same attempt they are one', () => {
    const ids = [undefined, 1, 2, '2', 0].map((header) => withHeader(header).id)

    expect(ids[2]).toBe(ids[3])
    expect(ids[4]).toBe(ids[0])
    expect(new Set(ids).size).toBe(3)
    expect(ids[0]).toBe(metaOf(receivedOf({})).id)
  })

  test('an id that came with the message stays', () => {
    const message = receivedOf({}, { messageId: 'mine', headers: { 'x-ebs-call-attempt': 2 } })

    expect(metaOf(message).id).toBe('mine')
  })
})

describe('a value as it is', () => {
  test.each([
    { value: { type: 'ORDERED', n: 1 }, type: 'ORDERED' },
    { value: { type: 'T'.repeat(255) }, type: 'T'.repeat(255) },
    ...[{ type: 'T'.repeat(256) }, { type: 7 }, { type: '' }, { n: 1 }, [1], ['type'], 'text', '', 0, false, null].map(
      (value) => ({ value, type: undefined }),
    ),
  ])('$value is the body, under its topic, with the type that it names: $type', ({ value, type }) => {
    const message = verbatim('orders.done', value, sending)

    expect(JSON.parse(message.body.toString())).toEqual(value)
    expect(message).toMatchObject({ exchange: 'ebs', key: 'orders.done' })
    expect(message.properties).toMatchObject({ messageId: 'id', correlationId: 'c', contentType: 'application/json' })
    expect(message.properties.type).toBe(type)
  })

  test('an event of the catalogue is read as that', () => {
    const { key, body, properties } = verbatim('objects', objectBody(1), { ...sending, tenant: 't' })
    const received = { exchange: 'ebs', key, body, properties: { ...properties, headers: properties.headers ?? {} } }

    expect(parseEvent(received)).toMatchObject({ type: 'OBJECT_CREATED', meta: { tenant: 't' } })
  })

  test.each([
    { what: 'a topic that is no routing key', topic: 't'.repeat(256), value: 1 },
    { what: 'one of few characters and many bytes', topic: '€'.repeat(86), value: 1 },
    { what: 'a value larger than anybody takes', topic: 't', value: 'x'.repeat(BODY_BYTES_MAX) },
  ])('$what is refused before it could stop what comes behind it', ({ topic, value }) => {
    expect(() => verbatim(topic, value, sending)).toThrow(Unrecoverable)
  })
})
