import { describe, expect, test } from 'vitest'
import { ZodError } from 'zod'
import type { Message } from '../broker.ts'
import { fromOutboxRow, toOutboxRow } from '../outbox-message.ts'

const whole: Message = {
  exchange: 'ebs',
  key: 'objects',
  body: Buffer.from('{"type":"OBJECT_CREATED","name":"Größe 🎈"}'),
  properties: {
    messageId: 'id',
    type: 'OBJECT_CREATED',
    correlationId: 'c',
    replyTo: 'gateway_reply.1',
    timestamp: 1_767_225_600,
    appId: 'datagen',
    contentType: 'application/json',
    contentEncoding: 'utf-8',
    headers: { 'x-ebs-at': 1_767_225_600_123, 'x-ebs-tenant': 'acme', flag: true, ratio: 0.5, '': '' },
  },
}

describe('a message at rest in the outbox', () => {
  test.each([
    { what: 'with everything', message: whole },
    { what: 'with nothing', message: { exchange: '', key: '', body: Buffer.alloc(0), properties: {} } },
    { what: 'without headers', message: { ...whole, properties: { messageId: 'id' } } },
  ])('$what: comes out as it went in', ({ message }) => {
    expect(fromOutboxRow(toOutboxRow(message))).toEqual(message)
  })

  test.each([
    { properties: '{"headers":{"a":{}}}' },
    { properties: '{"headers":{"a":null}}' },
    { properties: '{"timestamp":"today"}' },
    { properties: '{"messageId":7}' },
    { properties: '{"replyTo":[]}' },
    { properties: 'null' },
    { properties: '[]' },
  ])('changed by hand into $properties: says which field', ({ properties }) => {
    expect(() => fromOutboxRow({ ...toOutboxRow(whole), properties })).toThrow(ZodError)
  })
})
