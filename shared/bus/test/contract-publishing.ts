import { describe, expect, test } from 'vitest'
import { exchanges, type QueueType, unroutedQueue } from '../../topology.ts'
import { ClosedError, NackedError, ReturnedError } from '../broker.ts'
import {
  collect,
  eventually,
  messageOf,
  numbers,
  planOf,
  publishAll,
  type Rig,
  textOf,
  untilReady,
} from './contract-rig.ts'

/** Promises about messages on their way in. */
export const publishing = (start: () => Promise<Rig>, queueType: QueueType) =>
  describe('publishing', () => {
    test('a confirmed message is stored and delivered with everything it carries', async () => {
      await using rig = await start()
      const bus = rig.connect({ service: 'writer', plan: planOf(queueType, { work: { hears: ['made.#'] } }) })
      const properties = {
        messageId: '018f-1',
        type: 'MADE',
        correlationId: 'c-1',
        replyTo: 'writer_reply.1',
        timestamp: 1_700_000_000,
        appId: 'writer',
        contentType: 'application/json',
        contentEncoding: 'utf-8',
        headers: { 'x-ebs-tenant': 'acme', 'x-ebs-attempt': 3, 'x-ebs-final': true, ratio: 0.5 },
      }
      const body = Buffer.from([0, 255, 10, 123])

      await bus.publish({ exchange: exchanges.events, key: 'made.by.hand', body, properties })
      const { deliveries } = await collect(bus, 'work')
      await eventually(() => expect(deliveries).toHaveLength(1))

      expect(deliveries[0]).toMatchObject({ redelivered: false, returns: 0 })
      expect(deliveries[0]?.message).toEqual({ exchange: exchanges.events, key: 'made.by.hand', body, properties })
    })

    test('a message without properties is delivered with empty headers', async () => {
      await using rig = await start()
      const bus = rig.connect({ service: 'writer', plan: planOf(queueType, { work: { hears: [] } }) })

      await bus.publish({ exchange: '', key: 'work', body: Buffer.alloc(0), properties: {} })
      const { deliveries } = await collect(bus, 'work')
      await eventually(() => expect(deliveries).toHaveLength(1))

      expect(deliveries[0]?.message).toEqual({
        exchange: '',
        key: 'work',
        body: Buffer.alloc(0),
        properties: { headers: {} },
      })
    })

    test('a message for an exchange that is not there is refused, and those behind it arrive', async () => {
      await using rig = await start()
      const bus = rig.connect({ service: 'writer', plan: planOf(queueType, { work: { hears: [] } }) })
      await bus.ready()

      const lost = expect(
        bus.publish({ exchange: 'nowhere', key: 'a', body: Buffer.alloc(1), properties: {} }),
      ).rejects.toBeInstanceOf(NackedError)
      const kept = bus.publish({ exchange: '', key: 'work', body: Buffer.alloc(1), properties: {} })
      const { deliveries } = await collect(bus, 'work')

      await lost
      await kept
      await eventually(() => expect(deliveries).toHaveLength(1))
    })

    test('each queue gets one copy of what it hears, and the rest falls to the alternate exchange', async () => {
      await using rig = await start()
      const hears = {
        exact: ['tasks.started'],
        word: ['tasks.*'],
        words: ['tasks.#'],
        twice: ['tasks.started', 'tasks.#', '*.started'],
        middle: ['#.late.#'],
      }
      const rows = Object.entries(hears).map(([name, keys]) => [name, { hears: keys }] as const)
      const bus = rig.connect({ service: 'writer', plan: planOf(queueType, Object.fromEntries(rows)) })
      const names = [...Object.keys(hears), unroutedQueue]
      const keys = ['tasks', 'tasks.started', 'tasks.finished', 'tasks.finished.late', 'late', 'nobody', '']

      await publishAll(
        bus,
        keys.map((key) => messageOf({ exchange: exchanges.events, key }, `<${key}>`)),
      )
      // Queues are first in, first out: what comes before this mark is all that came.
      await publishAll(
        bus,
        names.map((key) => messageOf({ key }, 'mark')),
      )
      const got = await Promise.all(names.map(async (name) => [name, await collect(bus, name)] as const))
      await eventually(() => {
        for (const [, { texts }] of got) expect(texts()).toContain('mark')
      })

      expect(Object.fromEntries(got.map(([name, { texts }]) => [name, texts().slice(0, -1)]))).toEqual({
        exact: ['<tasks.started>'],
        word: ['<tasks.started>', '<tasks.finished>'],
        words: ['<tasks>', '<tasks.started>', '<tasks.finished>', '<tasks.finished.late>'],
        twice: ['<tasks>', '<tasks.started>', '<tasks.finished>', '<tasks.finished.late>'],
        middle: ['<tasks.finished.late>', '<late>'],
        [unroutedQueue]: ['<nobody>', '<>'],
      })
    })

    test('D2: a mandatory message that no queue takes is returned, others beside it are not', async () => {
      await using rig = await start()
      const bus = rig.connect({ service: 'writer', plan: planOf(queueType, { work: { hears: [] } }) })
      await bus.ready()

      const outcomes = await Promise.allSettled([
        bus.publish(messageOf({ key: 'work', mandatory: true }, 'taken')),
        bus.publish(messageOf({ key: 'nowhere', mandatory: true }, 'returned')),
        bus.publish(messageOf({ key: 'nowhere' }, 'dropped')),
        bus.publish(messageOf({ key: 'work', mandatory: true }, 'taken too')),
      ])

      expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled'])
      expect(outcomes[1]).toMatchObject({ reason: expect.any(ReturnedError) })
      await untilReady(bus, 'work', 2)
    })

    test('what is published before the connection is there goes out in order', async () => {
      await using rig = await start()
      const bus = rig.connect({ service: 'writer', plan: planOf(queueType, { work: { hears: [] } }) })
      const texts = numbers(500)

      await publishAll(
        bus,
        texts.map((text) => messageOf({ key: 'work' }, text)),
      )
      const got = await collect(bus, 'work')
      await eventually(() => expect(got.texts()).toHaveLength(500))

      expect(got.texts()).toEqual(texts)
    })

    test('close waits for the confirms, and nothing can be published after it', async () => {
      await using rig = await start()
      const plan = planOf(queueType, { work: { hears: [] } })
      const bus = rig.connect({ service: 'writer', plan })
      await bus.ready()
      const published = Promise.allSettled(numbers(200).map((text) => bus.publish(messageOf({ key: 'work' }, text))))

      await bus.close()

      expect((await published).map(({ status }) => status)).toEqual(Array(200).fill('fulfilled'))
      await expect(bus.publish(messageOf({ key: 'work' }, 'late'))).rejects.toBeInstanceOf(ClosedError)
      expect(bus.state).toBe('closed')
      await untilReady(rig.connect({ service: 'reader', plan }), 'work', 200)
    })

    test('D4: after a cut connection publishing goes on by itself, nothing lost and in order', async () => {
      await using rig = await start()
      const bus = rig.connect({ service: 'writer', plan: planOf(queueType, { work: { hears: [] } }) })
      await bus.ready()
      const cutWhile: Promise<unknown>[] = []
      const texts = numbers(300)
      const publish = (text: string) => cutWhile.push(bus.publish(messageOf({ key: 'work' }, text)))
      bus.onState((state) => {
        if (state === 'connecting' && cutWhile.length === 100) for (const text of texts.slice(100)) publish(text)
      })

      for (const text of texts.slice(0, 100)) publish(text)
      await rig.cut('writer')
      await eventually(() => expect(cutWhile).toHaveLength(300))
      await Promise.all(cutWhile)

      const { deliveries } = await collect(bus, 'work')
      await eventually(() => expect(deliveries.map(textOf)).toContain('300'))
      // What was sent but not confirmed when the connection broke may have been stored twice.
      expect([...new Set(deliveries.map(textOf))]).toEqual(texts)
    })
  })
