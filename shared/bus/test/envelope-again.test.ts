import { describe, expect, test } from 'vitest'
import type { Headers } from '../broker.ts'
import { againProperties, metaOf, parseEvent } from '../envelope.ts'
import { objectBody, receivedOf } from './bus-fixture.ts'

describe('R2: publishing again', () => {
  const brokers = {
    'x-death': [{ queue: 'q', count: 1 }],
    'x-first-death-queue': 'q',
    'x-first-death-reason': 'expired',
    'x-first-death-exchange': '',
    'x-last-death-queue': 'q',
    'x-last-death-reason': 'rejected',
    'x-last-death-exchange': '',
    'x-delivery-count': 3,
    CC: ['a'],
    BCC: ['b'],
  }
  const kept = {
    'x-mine': 'yes',
    'x-deaths': 1,
    flag: false,
    'x-ebs-tenant': 'acme',
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  }

  test('leaves what belongs to the broker and keeps the rest', () => {
    const message = receivedOf(objectBody(1), { messageId: 'id', appId: 'a', headers: { ...brokers, ...kept } })

    expect(againProperties(message, 'OBJECT_CREATED', { 'x-ebs-attempt': 2 })).toEqual({
      messageId: 'id',
      appId: 'a',
      type: 'OBJECT_CREATED',
      headers: { ...kept, 'x-ebs-key': 'objects', 'x-ebs-attempt': 2 },
    })
  })

  test('of a pasted message writes its id, its type and the key it came under', () => {
    const pasted = receivedOf(objectBody(1))
    const again = againProperties(pasted, 'OBJECT_CREATED', {})

    expect(again).toEqual({
      messageId: metaOf(pasted).id,
      type: 'OBJECT_CREATED',
      headers: { 'x-ebs-key': 'objects' },
    })
    expect(metaOf({ ...pasted, key: 'other', properties: { headers: {}, ...again } })).toEqual({
      ...metaOf(pasted),
      key: 'objects',
    })
  })

  test('ours win over those that came', () => {
    const message = receivedOf(objectBody(1), { headers: { 'x-ebs-attempt': 7, 'x-ebs-key': 'first' } })

    expect(againProperties(message, undefined, { 'x-ebs-attempt': 8 }).headers).toEqual({
      'x-ebs-attempt': 8,
      'x-ebs-key': 'first',
    })
  })

  /** What amqplib encodes the headers of one message in. */
  const ENCODED_BYTES_MAX = 65_536
  test.each([
    { what: 'one giant', headers: { big: 'x'.repeat(60_000) } },
    { what: 'many', headers: Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`x-many-${i}`, i])) },
    { what: 'characters of three bytes', headers: { big: '€'.repeat(30_000) } },
    { what: 'a giant key of ours', headers: { big: 'x'.repeat(30_000), 'x-ebs-key': 'k'.repeat(40_000) } },
  ])('$what: headers stay so small that they can be sent', ({ headers }) => {
    const ours: Headers = { 'x-ebs-error': '€'.repeat(2_000), 'x-ebs-attempt': 2 }
    const again = againProperties(receivedOf(objectBody(1), { headers: { first: 'kept', ...headers } }), 'T', ours)

    expect(again.headers).toMatchObject({ first: 'kept', 'x-ebs-key': 'objects', 'x-ebs-attempt': 2 })
    expect(Buffer.byteLength(JSON.stringify(again.headers))).toBeLessThan(ENCODED_BYTES_MAX)
  })

  test('one giant header does not cost the others', () => {
    const headers = { giant: 'x'.repeat(60_000), 'x-ebs-tenant': 'acme' }

    expect(againProperties(receivedOf(objectBody(1), { headers }), 'T', {}).headers).toEqual({
      'x-ebs-tenant': 'acme',
      'x-ebs-key': 'objects',
    })
  })

  test.each([
    { what: 'first', headers: { baggage: 'b'.repeat(32_700) } },
    { what: 'in parts', headers: Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`b${i}`, i])) },
  ])(
    'R2, S7: large headers of a stranger that came $what cost none of ours, however often it is published again',
    ({ headers }) => {
      const ours = {
        'x-ebs-tenant': 'acme',
        traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
        'x-ebs-replay': 'job1/held1',
        'x-ebs-released': 'r1#1',
        'x-ebs-key': 'objects',
        'x-ebs-attempt': 2,
      }
      let message = receivedOf(objectBody(1), { headers: { ...headers, ...ours } })
      for (let times = 0; times < 3; times++) {
        const { headers: kept = {}, ...again } = againProperties(message, 'T', {})
        message = { ...message, properties: { ...again, headers: kept } }
      }

      expect(message.properties.headers).toMatchObject(ours)
    },
  )

  test('an envelope of ours that is too long is not passed on to what follows', () => {
    const giant = 'x'.repeat(60_000)
    const headers = { 'x-ebs-tenant': giant, 'x-ebs-key': giant, 'x-ebs-causation': giant, traceparent: giant }

    expect(parseEvent(receivedOf(objectBody(1), { headers }))).toMatchObject({
      meta: { tenant: 'acme', key: 'objects', causationId: undefined, traceparent: undefined },
    })
  })

  test.each([
    { type: 'T'.repeat(255), kept: true },
    { type: 'T'.repeat(256), kept: false },
    { type: '€'.repeat(86), kept: false },
  ])('a type that no property can hold is left in the body', ({ type, kept }) => {
    expect(againProperties(receivedOf({ type }), type, {}).type).toBe(kept ? type : undefined)
  })
})
