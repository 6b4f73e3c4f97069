import { describe, expect, test } from 'vitest'
import { type Subscription, subscribe } from '../consumer.ts'
import {
  eventually,
  finishedBody,
  listen,
  objectBody,
  pasteInto,
  retryPolicy,
  sites,
  taskBody,
  testPlan,
  typesOf,
} from './bus-fixture.ts'

const work: Subscription = {
  queue: 'work',
  retry: retryPolicy({ minMs: 10 }),
  handlers: { TASK_CREATED: () => [finishedBody(1)] },
}

const poisons: readonly { readonly what: string; readonly body: Buffer; readonly error: string }[] = [
  { what: 'nothing at all', body: Buffer.alloc(0), error: 'body: empty' },
  { what: 'not JSON', body: Buffer.from('hello'), error: 'body: not JSON' },
  { what: 'wrong schema', body: Buffer.from('{"type":"TASK_CREATED"}'), error: 'task: ' },
  { what: '3 MB', body: Buffer.alloc(3_000_000, 'x'), error: 'body: 3000000 bytes' },
  { what: '20,000 nested arrays', body: Buffer.from('['.repeat(20_000) + ']'.repeat(20_000)), error: 'body: nested' },
  { what: 'invalid UTF-8', body: Buffer.from([0xff, 0xfe]), error: 'body: not valid UTF-8' },
  {
    what: 'unknown type',
    body: Buffer.from('{"type":"NOBODY_KNOWS"}'),
    error: "'NOBODY_KNOWS' is not in the catalogue",
  },
  {
    what: 'type without handler',
    body: Buffer.from(JSON.stringify(objectBody(1))),
    error: 'does not handle OBJECT_CREATED',
  },
  { what: 'giant type', body: Buffer.from(`{"type":"${'T'.repeat(1_000)}"}`), error: 'is not in the catalogue' },
]

describe.each(sites)('poison, $site', ({ open }) => {
  test('D5: each kind of poison goes to the dead queue once, at once, and the next message is handled', async () => {
    await using site = await open()
    const broker = site.connect()
    const [heard, dead] = [await listen(broker, 'watch'), await listen(broker, 'work.dead')]
    const bus = site.bus(broker)
    await subscribe(bus, work)
    const publish = async (body: unknown) => broker.publish(pasteInto('work', body))

    for (const { what, body, error } of poisons) {
      heard.splice(0)
      dead.splice(0)
      await publish(body)
      await publish(taskBody(1))
      await eventually(() => expect(typesOf(heard).toSorted(), what).toEqual(['MESSAGE_DEAD', 'TASK_FINISHED']))
      await eventually(() => expect(dead, what).toHaveLength(1))

      expect(dead[0]?.body.equals(body), what).toBe(true)
      expect(dead[0]?.properties.messageId).toMatch(/^[0-9a-f-]{36}$/)
      expect(dead[0]?.properties.headers, what).toMatchObject({
        'x-ebs-reason': 'poison',
        'x-ebs-queue': 'work',
        'x-ebs-key': 'work',
        'x-ebs-attempts': 1,
        'x-ebs-error': expect.stringContaining(error),
        'x-ebs-first-failed-at': expect.stringMatching(/^\d{4}-.*Z$/),
        'x-ebs-last-failed-at': expect.stringMatching(/^\d{4}-.*Z$/),
      })
    }

    expect(bus.recorder.lines.filter((line) => line.startsWith('dead'))).toEqual(poisons.map(() => 'dead work poison'))
    await eventually(async () => expect(await broker.inspect('work')).toMatchObject({ messages: 0 }))
  })

  test('D5: content type and encoding that are not ours', async () => {
    await using site = await open()
    const broker = site.connect()
    const dead = await listen(broker, 'work.dead')
    await subscribe(site.bus(broker), work)

    await broker.publish(pasteInto('work', taskBody(1), { contentType: 'text/xml' }))
    await broker.publish(pasteInto('work', taskBody(1), { contentEncoding: 'gzip' }))
    await eventually(() => expect(dead).toHaveLength(2))

    const errors = dead.map(({ properties }) => String(properties.headers['x-ebs-error'])).toSorted()
    expect(errors[0]).toContain("content_encoding: 'gzip'")
    expect(errors[1]).toContain('content_type: ')
    expect(dead.map(({ properties }) => properties.contentType ?? 'none').toSorted()).toEqual(['none', 'text/xml'])
  })

  test('each delivery of the same poison dies and says so', async () => {
    await using site = await open()
    const broker = site.connect()
    const [heard, dead] = [await listen(broker, 'watch'), await listen(broker, 'work.dead')]
    await subscribe(site.bus(broker), work)

    for (const _ of [1, 2, 3]) await broker.publish(pasteInto('work', Buffer.from('hello')))
    await eventually(() => expect(dead).toHaveLength(3))
    await eventually(() => expect(heard).toHaveLength(3))

    expect(new Set(heard.map(({ properties }) => properties.messageId)).size).toBe(3)
    expect(new Set(dead.map(({ properties }) => properties.messageId)).size).toBe(1)
  })

  test('R4: the death of news about a death makes no more news', async () => {
    await using site = await open(testPlan(false))
    const broker = site.connect()
    const dead = await listen(broker, 'watch.dead')
    const bus = site.bus(broker)
    const loop = await subscribe(bus, { ...work, queue: 'watch', handlers: {} })

    await broker.publish({ ...pasteInto('messages.dead', { type: 'MESSAGE_DEAD' }), exchange: 'ebs' })
    await eventually(() => expect(dead).toHaveLength(1))

    await loop.stop(1_000)
    expect(bus.recorder.lines.filter((line) => line.startsWith('published'))).toEqual(['published watch.dead'])
    expect(await broker.inspect('watch')).toMatchObject({ messages: 0 })
  })

  test('giant headers of a stranger do not keep a message from its dead queue', async () => {
    await using site = await open()
    const broker = site.connect()
    const dead = await listen(broker, 'work.dead')
    await subscribe(site.bus(broker), work)

    const headers = { big: '€'.repeat(10_000), bigger: 'x'.repeat(30_000), 'x-mine': 'kept' }
    await broker.publish(pasteInto('work', Buffer.from('hello'), { headers }))
    await eventually(() => expect(dead).toHaveLength(1))

    expect(dead[0]?.properties.headers).toMatchObject({ 'x-mine': 'kept', 'x-ebs-reason': 'poison' })
  })
})
