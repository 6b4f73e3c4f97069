import { describe, expect, test } from 'vitest'
import { deadQueueOf, parkingQueue, parkingQueueOf, type QueueType } from '../../topology.ts'
import { type Broker, type Browse, type Browsed, ClosedError, TopologyDriftError } from '../broker.ts'
import { collect, eventually, messageOf, numbers, planOf, publishAll, type Rig, untilReady } from './contract-rig.ts'

const DEAD = deadQueueOf('work')

/** Promises about looking through queues that keep messages for people, and about queues that come and go. */
export const browsing = (start: () => Promise<Rig>, queueType: QueueType) => {
  const plan = planOf(queueType, { work: { hears: [] } })

  describe('browsing', () => {
    test('3,000 messages are seen in order; one is taken out of the middle, and the others are there afterwards', async () => {
      await using rig = await start()
      const bus = rig.connect({ service: 'reader', plan })
      await bury(bus, numbers(3_000))
      const browse = await open(bus)
      const seen: string[] = []
      for await (const browsed of browse) {
        seen.push(textOf(browsed))
        if (textOf(browsed) === '1500') browsed.remove()
      }
      expect(browse.count).toBe(3_000)
      expect(seen).toEqual(numbers(3_000))

      await browse.close()
      expect(await bus.inspect(DEAD)).toMatchObject({ messages: 2_999, consumers: 0 })
      const { texts } = await collect(bus, DEAD, { prefetch: 500 })
      await eventually(() => expect(texts()).toHaveLength(2_999))
      expect(texts().toSorted(byNumber)).toEqual(numbers(3_000).filter((text) => text !== '1500'))
    })

    test('what is removed is gone when it is closed, whatever is kept between it', async () => {
      await using rig = await start()
      const bus = rig.connect({ service: 'reader', plan })
      await bury(bus, numbers(1_500))
      const browse = await open(bus)
      for await (const browsed of browse) if (Number(textOf(browsed)) % 3 !== 0) browsed.remove()
      await browse.close()

      expect((await look(bus)).toSorted(byNumber)).toEqual(numbers(1_500).filter((text) => Number(text) % 3 === 0))
    })

    test('a message comes as it was sent, and can be removed long after it was seen', async () => {
      await using rig = await start()
      const bus = rig.connect({ service: 'reader', plan })
      const properties = { messageId: 'm-1', type: 'SAID', headers: { 'x-mine': 'yes' } }
      await bus.publish({ exchange: '', key: DEAD, body: Buffer.from('1'), properties })
      await bury(bus, numbers(1_200, 2))
      const browse = await open(bus)
      const all = await take(browse)
      expect(all[0]?.message).toMatchObject({ exchange: '', key: DEAD, body: Buffer.from('1'), properties })

      for (const browsed of all.slice(0, 2)) browsed.remove()
      all[0]?.remove()
      await browse.close()
      // It is back in the queue: too late.
      all[2]?.remove()

      expect((await look(bus)).toSorted(byNumber)).toEqual(numbers(1_199, 3))
    })

    test('nothing in it, or no such queue', async () => {
      await using rig = await start()
      const bus = rig.connect({ service: 'reader', plan })
      const browse = await open(bus)
      expect([browse.count, await textsOf(browse)]).toEqual([0, []])
      await browse.close()
      await browse.close()

      expect(await bus.browse('nowhere')).toBeUndefined()
      expect(bus.state).toBe('up')
    })

    test('sees what was there when it began: what comes meanwhile is for the next one', async () => {
      await using rig = await start()
      const bus = rig.connect({ service: 'reader', plan })
      await bury(bus, numbers(5))
      const browse = await open(bus)
      await bury(bus, numbers(5, 6))
      expect(await textsOf(browse)).toEqual(numbers(5))
      await browse.close()

      expect((await look(bus)).toSorted(byNumber)).toEqual(numbers(10))
    })

    test('stopped half-way it can go on, and closed half-way it ends and gives everything back', async () => {
      await using rig = await start()
      const bus = rig.connect({ service: 'reader', plan })
      await bury(bus, numbers(1_000))
      const browse = await open(bus)
      expect(await textsOf(browse, 10)).toEqual(numbers(10))
      expect(await textsOf(browse, 10)).toEqual(numbers(10, 11))

      const rest: string[] = []
      for await (const browsed of browse) {
        rest.push(textOf(browsed))
        if (rest.length === 10) await browse.close()
      }

      expect(rest).toEqual(numbers(10, 21))
      expect((await look(bus)).toSorted(byNumber)).toEqual(numbers(1_000))
    })

    test('asks for no more than a window ahead of who looks', async () => {
      await using rig = await start()
      const bus = rig.connect({ service: 'reader', plan })
      await bury(bus, numbers(2_000))
      const browse = await open(bus)
      await textsOf(browse, 100)
      const { texts } = await collect(bus, DEAD, { prefetch: 100 })
      // Whoever consumes beside it gets what it did not ask for.
      await eventually(() => expect(texts().length).toBeGreaterThanOrEqual(800))
      await browse.close()

      await eventually(() => expect(texts().toSorted(byNumber)).toEqual(numbers(2_000)))
    })

    test('what others hold is not seen: it ends without them', async () => {
      await using rig = await start()
      const bus = rig.connect({ service: 'reader', plan })
      await bury(bus, numbers(10))
      const held = await collect(bus, DEAD, { prefetch: 4, hold: true })
      await eventually(() => expect(held.deliveries).toHaveLength(4))
      await untilReady(bus, DEAD, 6)
      const browse = await open(bus)
      const seen = await textsOf(browse)
      await browse.close()

      expect([browse.count, seen]).toEqual([6, numbers(6, 5)])
    })

    test('the connection is lost half-way: who looks is told, what was removed is gone, and nothing else', async () => {
      await using rig = await start()
      const [reader, writer] = [rig.connect({ service: 'reader', plan }), rig.connect({ service: 'writer', plan })]
      await bury(writer, numbers(1_200))
      const browse = await open(reader)
      const seen: Browsed[] = []
      const looking = (async () => {
        for await (const browsed of browse) {
          seen.push(browsed)
          if (seen.length < 1_000) browsed.remove()
          if (seen.length !== 1_000) continue
          await rig.cut('reader')
          await eventually(() => expect(reader.state).toBe('connecting'))
        }
      })()

      await expect(looking).rejects.toThrow(/connection was lost/)
      seen.at(-1)?.remove()
      await browse.close()
      await eventually(async () => expect(await look(writer)).toContain('1000'))
      const left = (await look(writer)).toSorted(byNumber)
      // The last removals may have been on their way: as many as one window has.
      expect(left.slice(-201)).toEqual(numbers(201, 1_000))
      expect(Number(left[0])).toBeGreaterThan(0)
    })

    test('the queue is deleted half-way, or this side closed: who looks is told', async () => {
      await using rig = await start()
      const bus = rig.connect({ service: 'reader', plan })
      await bury(bus, numbers(1_000))
      const first = await open(bus)
      await textsOf(first, 1)
      await rig.deleteQueue(DEAD)
      await expect(textsOf(first)).rejects.toThrow(/deleted/)
      await first.close()

      await bus.declare({ name: 'kept', arguments: { 'x-queue-type': queueType } })
      await publishAll(
        bus,
        numbers(10).map((text) => messageOf({ key: 'kept' }, text)),
      )
      const second = await bus.browse('kept')
      if (!second) return expect.unreachable('there is a queue')
      await textsOf(second, 1)
      await bus.close()
      await expect(textsOf(second)).rejects.toThrow(ClosedError)
      await expect(bus.browse('kept')).rejects.toThrow(ClosedError)
    })
  })

  describe('queues that come and go', () => {
    const parking = parkingQueue('rule', 'work', queueType)
    const PARKED = parkingQueueOf('rule', 'work')
    const park = (bus: Broker, texts: readonly string[]) =>
      publishAll(
        bus,
        texts.map((text) => messageOf({ key: PARKED, mandatory: true }, text)),
      )

    test('declared twice is declared once, with what it holds; with other arguments it is drift and stays as it is', async () => {
      await using rig = await start()
      const bus = rig.connect({ service: 'reader', plan })
      await bus.declare(parking)
      await park(bus, ['1'])
      await bus.declare(parking)

      const error: unknown = await bus
        .declare({ name: PARKED, arguments: { ...parking.arguments, 'x-message-ttl': 1_000 } })
        .catch((thrown: unknown) => thrown)
      if (!(error instanceof TopologyDriftError)) return expect.unreachable('drift was not noticed')
      expect(error.drifts).toMatchObject([{ kind: 'queue', name: PARKED, argument: 'x-message-ttl', wanted: '1000' }])
      await untilReady(bus, PARKED, 1)
      expect(bus.state).toBe('up')
    })

    test('is removed when it is empty, and only then', async () => {
      await using rig = await start()
      const [bus, other] = [rig.connect({ service: 'reader', plan }), rig.connect({ service: 'writer', plan })]
      expect(await bus.removeEmpty(PARKED)).toBe(true)
      await bus.declare(parking)
      await park(bus, ['1'])
      expect(await bus.removeEmpty(PARKED)).toBe(false)

      const { deliveries, consumer } = await collect(other, PARKED, { hold: true })
      await eventually(() => expect(deliveries).toHaveLength(1))
      expect(await bus.removeEmpty(PARKED)).toBe(false)
      deliveries[0]?.requeue()
      await eventually(() => expect(deliveries).toHaveLength(2))
      deliveries[1]?.ack()
      await consumer.cancel()

      await eventually(async () => expect(await bus.removeEmpty(PARKED)).toBe(true))
      expect(await bus.inspect(PARKED)).toBeUndefined()
      expect(await bus.removeEmpty(PARKED)).toBe(true)
    })

    test('is not removed while somebody looks through it', async () => {
      await using rig = await start()
      const bus = rig.connect({ service: 'reader', plan })
      await bus.declare(parking)
      await park(bus, ['1'])
      const browse = await bus.browse(PARKED)
      if (!browse) return expect.unreachable('there is a queue')
      for await (const browsed of browse) {
        await untilReady(bus, PARKED, 0)
        expect(await bus.removeEmpty(PARKED)).toBe(false)
        browsed.remove()
      }
      await browse.close()

      await eventually(async () => expect(await bus.removeEmpty(PARKED)).toBe(true))
    })

    if (queueType === 'quorum')
      test('is not removed while a consumer that was cancelled holds something of it', async () => {
        await using rig = await start()
        const bus = rig.connect({ service: 'reader', plan })
        await bus.declare(parking)
        await park(bus, ['1'])
        const { deliveries, consumer } = await collect(bus, PARKED, { hold: true })
        await eventually(() => expect(deliveries).toHaveLength(1))
        await consumer.cancel()
        expect(await bus.removeEmpty(PARKED)).toBe(false)

        deliveries[0]?.ack()
        await eventually(async () => expect(await bus.removeEmpty(PARKED)).toBe(true))
      })
  })
}

async function open(bus: Broker): Promise<Browse> {
  const browse = await bus.browse(DEAD)
  if (!browse) throw new Error(`There is no ${DEAD}.`)
  return browse
}

const bury = (bus: Broker, texts: readonly string[]) =>
  publishAll(
    bus,
    texts.map((text) => messageOf({ key: DEAD, mandatory: true }, text)),
  )

/** Everything in the queue, which stays there. */
async function look(bus: Broker): Promise<string[]> {
  const browse = await open(bus)
  const texts = await textsOf(browse)
  await browse.close()
  return texts
}

async function take(browse: Browse, count = browse.count): Promise<Browsed[]> {
  const taken: Browsed[] = []
  for await (const browsed of browse) {
    taken.push(browsed)
    if (taken.length === count) break
  }
  return taken
}

const textsOf = async (browse: Browse, count?: number) => (await take(browse, count)).map(textOf)

const textOf = ({ message }: Browsed) => message.body.toString()

const byNumber = (a: string, b: string) => Number(a) - Number(b)
