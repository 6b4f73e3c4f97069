import { afterAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../clock.ts'
import type { Cause } from '../bus.ts'
import { answering, delayed, messageFor, queueFamily } from '../bus.ts'
import { metaOf, parseEvent, toMessage } from '../envelope.ts'
import { DELAY_MS_MAX } from '../ladder.ts'
import { delayPlan, eventually, finishedBody, listen, memorySite, receivedOf, sites, taskBody } from './bus-fixture.ts'

const causeOf = (headers: Record<string, unknown> = {}): Cause => ({
  meta: metaOf(receivedOf({}, { messageId: 'm1', correlationId: 'c1', headers })),
  queue: 'work',
})
const { site } = memorySite()
const bus = site.bus(site.connect())
afterAll(() => site[Symbol.asyncDispose]())

describe('an event that follows', () => {
  test('belongs to the thread of its cause', () => {
    const cause = causeOf({
      'x-ebs-tenant': 'acme',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    })

    expect(messageFor(bus, cause, finishedBody(1), 0).properties).toMatchObject({
      correlationId: 'c1',
      headers: {
        'x-ebs-tenant': 'acme',
        traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
        'x-ebs-causation': 'm1',
      },
    })
  })

  test('or to the one that it is given, also where that has nothing; its id is the same', () => {
    const cause = causeOf({
      'x-ebs-tenant': 'acme',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    })
    const thread = { correlationId: 'first', tenant: 'other', traceparent: undefined }
    const { properties } = messageFor(bus, cause, finishedBody(1), 0, thread)

    expect(properties).toMatchObject({ correlationId: 'first', headers: { 'x-ebs-tenant': 'other' } })
    expect(properties.headers).not.toHaveProperty('traceparent')
    expect(properties.headers).toHaveProperty('x-ebs-causation', 'm1')
    expect(properties.messageId).toBe(messageFor(bus, cause, finishedBody(1), 0).properties.messageId)
  })

  test('goes straight to whoever waits for it, under the correlation id that they know', () => {
    const message = messageFor(bus, causeOf(), finishedBody(1), 0)
    const answer = answering(message, { replyTo: 'gateway_reply.1', correlationId: 'theirs' })

    expect(answer).toMatchObject({ exchange: '', key: 'gateway_reply.1', body: message.body })
    expect(answer.properties).toEqual({ ...message.properties, correlationId: 'theirs' })
    expect(answer.mandatory).toBeUndefined()
  })
})

describe.each(sites)('a delayed message, $site', ({ open }) => {
  test('comes to the queue that is named, no earlier, and is read as if it had come by the exchange', async () => {
    await using delaying = await open(delayPlan())
    const broker = delaying.connect()
    const [heard, others] = [await listen(broker, 'other'), await listen(broker, 'work')]
    const message = toMessage(taskBody(1), { id: 'id', service: 's', correlationId: 'c', atMs: 1, tenant: 't' })
    const sentAtMs = systemClock.now()

    await broker.publish(delayed(message, 120, 'other'))
    await eventually(() => expect(heard).toHaveLength(1))

    expect(systemClock.now() - sentAtMs).toBeGreaterThanOrEqual(120)
    expect(heard.map(parseEvent)).toMatchObject([
      { type: 'TASK_CREATED', meta: { id: 'id', key: 'task-requests', correlationId: 'c', tenant: 't', attempt: 1 } },
    ])
    expect(others).toEqual([])
  })
})

test.each([-1, Number.NaN, DELAY_MS_MAX + 1])('a delay of %d ms is none', (delayMs) => {
  const message = toMessage(taskBody(1), { id: 'id', service: 's', correlationId: 'c', atMs: 1 })

  expect(() => delayed(message, delayMs, 'work')).toThrow(RangeError)
})

test.each([
  { queue: 'gateway_reply.0190-1', family: 'gateway_reply' },
  { queue: 'gateway_reply.a\nb', family: 'gateway_reply' },
  { queue: 'amq.gen-x4Zr', family: 'amq.gen' },
  { queue: 'process_consume', family: 'process_consume' },
  { queue: 'process_consume.dead', family: 'process_consume.dead' },
])('metrics know $queue as $family', ({ queue, family }) => {
  expect(queueFamily(queue)).toBe(family)
})
