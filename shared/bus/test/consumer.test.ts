import { describe, expect, test } from 'vitest'
import type { Body } from '../../events.ts'
import { NackedError } from '../broker.ts'
import { subscribe } from '../consumer.ts'
import { deriveId, newId } from '../ids.ts'
import {
  eventually,
  finishedBody,
  gated,
  latch,
  listen,
  objectBody,
  pasteInto,
  retryPolicy,
  sites,
  startedBody,
  taskBody,
  typesOf,
} from './bus-fixture.ts'

const work = { queue: 'work', retry: retryPolicy({ retries: 0 }) }

describe.each(sites)('consume loop, $site', ({ open }) => {
  test('D1: nothing is acked before everything that follows from it is confirmed', async () => {
    await using site = await open()
    const [publisher, consuming] = [site.connect('publisher'), site.connect('consumer')]
    const confirm = latch()
    let isFirst = true
    const broker = gated(consuming, async (message) => {
      // Of the three events that follow from the first task, the last waits for its confirm.
      const isLast = message.body.includes('"taskId":"t3"')
      if (isFirst && isLast) {
        isFirst = false
        await confirm.opened
      }
    })
    const bus = site.bus(broker)
    await subscribe(bus, {
      ...work,
      handlers: { TASK_CREATED: () => [1, 2, 3].map(finishedBody), OBJECT_CREATED: () => [] },
    })
    await publisher.publish(pasteInto('work', taskBody(1)))
    await publisher.publish(pasteInto('work', objectBody(2)))
    await eventually(() => expect(bus.recorder.lines).toContain('processed work OBJECT_CREATED'))
    await eventually(() => expect(isFirst).toBe(false))

    await consuming.close()
    const again = await listen(publisher, 'work')
    await eventually(() => expect(again).toHaveLength(1))
    confirm.open()

    expect(again[0]?.body.toString()).toContain('TASK_CREATED')
  })

  test('D1: acked when all is confirmed', async () => {
    await using site = await open()
    const [publisher, broker] = [site.connect('publisher'), site.connect('consumer')]
    const heard = await listen(publisher, 'watch')
    const loop = await subscribe(site.bus(broker), { ...work, handlers: { TASK_CREATED: () => [finishedBody(1)] } })
    await publisher.publish(pasteInto('work', taskBody(1)))
    await eventually(() => expect(typesOf(heard)).toEqual(['TASK_FINISHED']))

    await loop.stop(1_000)
    await broker.close()

    expect(await publisher.inspect('work')).toMatchObject({ messages: 0, consumers: 0 })
  })

  test('D2: a publish that fails acks nothing; the message comes back, and its events have the same ids', async () => {
    await using site = await open()
    const [publisher, consuming] = [site.connect('publisher'), site.connect('consumer')]
    const heard = await listen(publisher, 'watch')
    let refusals = 1
    const broker = gated(consuming, async (message) => {
      const isRefused = message.properties.type === 'TASK_FINISHED' && refusals-- > 0
      if (isRefused) throw new NackedError('no room')
    })
    const bus = site.bus(broker)
    const loop = await subscribe(bus, {
      ...work,
      handlers: { TASK_CREATED: () => [startedBody(1), finishedBody(1)] },
    })
    await publisher.publish(pasteInto('work', taskBody(1)))
    await eventually(() => expect(typesOf(heard)).toEqual(['TASK_STARTED', 'TASK_STARTED', 'TASK_FINISHED']))
    await loop.stop(1_000)

    expect(new Set(heard.slice(0, 2).map(({ properties }) => properties.messageId)).size).toBe(1)
    expect(bus.recorder.lines.filter((line) => line.startsWith('retried') || line.startsWith('dead'))).toEqual([])
    expect(await publisher.inspect('work.dead')).toMatchObject({ messages: 0 })
    await consuming.close()
    expect(await publisher.inspect('work')).toMatchObject({ messages: 0 })
  })

  test('D3: what follows is derived from the cause, type, place and attempt, and carries the conversation on', async () => {
    await using site = await open()
    const broker = site.connect()
    const heard = await listen(broker, 'watch')
    await subscribe(site.bus(broker), {
      ...work,
      handlers: { TASK_CREATED: async () => [startedBody(1), finishedBody(1), finishedBody(2)] },
    })
    const cause = newId(Date.now())
    const properties = {
      messageId: cause,
      correlationId: 'talk',
      headers: { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' },
    }
    await broker.publish(pasteInto('work', taskBody(1), properties))
    await broker.publish(pasteInto('work', taskBody(1), properties))
    await eventually(() => expect(heard).toHaveLength(6))

    const origin = { cause, queue: 'work' }
    const ids = [
      deriveId({ ...origin, type: 'TASK_STARTED', position: 0, attempt: 1 }),
      deriveId({ ...origin, type: 'TASK_FINISHED', position: 1 }),
      deriveId({ ...origin, type: 'TASK_FINISHED', position: 2 }),
    ]
    expect(heard.map((message) => message.properties.messageId).toSorted()).toEqual([...ids, ...ids].toSorted())
    for (const { properties: sent } of heard) {
      expect(sent).toMatchObject({ correlationId: 'talk', appId: 'test', contentType: 'application/json' })
      expect(sent.headers).toMatchObject({
        'x-ebs-causation': cause,
        'x-ebs-tenant': 'acme',
        traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      })
    }
  })

  test('what is yielded is published before the handler goes on, also when it fails afterwards', async () => {
    await using site = await open()
    const broker = site.connect()
    const heard = await listen(broker, 'watch')
    const goOn = latch()
    async function* steps(): AsyncGenerator<Body> {
      yield startedBody(1)
      await goOn.opened
      throw new Error('broken half-way')
    }
    await subscribe(site.bus(broker), { ...work, handlers: { TASK_CREATED: steps } })
    await broker.publish(pasteInto('work', taskBody(1)))

    await eventually(() => expect(typesOf(heard)).toEqual(['TASK_STARTED']))
    expect(await broker.inspect('work.dead')).toMatchObject({ messages: 0 })
    goOn.open()

    await eventually(() => expect(typesOf(heard)).toEqual(['TASK_STARTED', 'MESSAGE_DEAD']))
    expect(await broker.inspect('work.dead')).toMatchObject({ messages: 1 })
  })

  test('a handler that returns nothing to publish is done', async () => {
    await using site = await open()
    const broker = site.connect()
    const bus = site.bus(broker)
    const loop = await subscribe(bus, { ...work, handlers: { TASK_CREATED: async () => [] } })
    await broker.publish(pasteInto('work', taskBody(1)))
    await eventually(() => expect(bus.recorder.lines).toContain('processed work TASK_CREATED'))
    await loop.stop(1_000)

    expect(bus.recorder.lines).toEqual(['consumed work', 'processed work TASK_CREATED'])
  })

  test('D9: a decoder reads another format; what it does not care for is acked and counted', async () => {
    await using site = await open()
    const broker = site.connect()
    const heard = await listen(broker, 'watch')
    const bus = site.bus(broker)
    await subscribe(bus, {
      ...work,
      handlers: { TASK_CREATED: (event) => [finishedBody(Number(event.data.task.id.slice(1)))] },
      decode: (message) => {
        const text = message.body.toString()
        if (text === 'noise') return undefined
        if (text === 'bug') throw new TypeError('the decoder has a bug')
        const meta = { id: text, key: 'lines', correlationId: text, causationId: undefined, tenant: undefined }
        return {
          type: 'TASK_CREATED',
          data: taskBody(Number(text)),
          meta: {
            ...meta,
            attempt: 1,
            atMs: undefined,
            traceparent: undefined,
            replyTo: undefined,
            callAttempt: undefined,
            waits: 0,
            released: [],
            replay: undefined,
          },
        }
      },
    })
    for (const text of ['noise', 'bug', '7']) await broker.publish(pasteInto('work', Buffer.from(text)))
    await eventually(() => expect(typesOf(heard).toSorted()).toEqual(['MESSAGE_DEAD', 'TASK_FINISHED']))

    expect(bus.recorder.lines).toContain('ignored work')
    expect(heard.map(({ body }) => body.toString()).join()).toContain('"taskId":"t7"')
    const dead = await listen(broker, 'work.dead')
    await eventually(() => expect(dead.map(({ body }) => body.toString())).toEqual(['bug']))
    expect(dead[0]?.properties.headers['x-ebs-error']).toContain('the decoder has a bug')
  })
})
