import { describe, expect, test } from 'vitest'
import type { VirtualClock } from '../../clock.ts'
import type { Delivery, Message, Received } from '../broker.ts'
import { type Handlers, subscribe } from '../consumer.ts'
import { againProperties, metaOf } from '../envelope.ts'
import { releasedHeader } from '../replay-headers.ts'
import { eventually, retryPolicy, sites, testPlan, virtualSite } from './bus-fixture.ts'
import { ruleOf } from './fake-rules.ts'
import { replayed, sidelineOn, task } from './sideline-fixture.ts'

const work = { queue: 'work', retry: retryPolicy({ retries: 0 }) }

describe.each(sites)('two lanes, $site', ({ open }) => {
  test('S7: what comes back is handled beside live messages, by the same handlers, under the name of the queue', async () => {
    await using site = await open()
    const broker = site.connect()
    const handled: string[] = []
    const bus = site.bus(broker)
    await subscribe(bus, {
      ...work,
      handlers: {
        TASK_CREATED: ({ data }) => {
          handled.push(data.task.id)
          return []
        },
      },
    })
    for (const n of [1, 2, 3]) await broker.publish(replayed(n))
    for (const n of [4, 5, 6]) await broker.publish(task(n))

    await eventually(() => expect(handled.toSorted()).toEqual(['t1', 't2', 't3', 't4', 't5', 't6']))
    expect(bus.recorder.lines.filter((line) => line === 'consumed work')).toHaveLength(6)
    await eventually(async () =>
      expect([await broker.inspect('work'), await broker.inspect('work.replay')]).toMatchObject([
        { messages: 0, consumers: 1 },
        { messages: 0, consumers: 1 },
      ]),
    )
  })

  test('R2: three trips through a parking queue and back: nothing of the broker travels along, and none is lost', async () => {
    await using site = await open()
    const broker = site.connect()
    const sideline = sidelineOn(broker)
    const handled: number[] = []
    await subscribe(site.bus(broker, { rules: sideline.rules }), {
      ...work,
      handlers: {
        TASK_CREATED: (_event, { attempt }) => {
          handled.push(attempt)
          return []
        },
      },
    })
    const park = async (trip: number) => {
      await sideline.restore('r1', 'work')
      sideline.set({ rule: ruleOf('r1', { episode: trip }), matches: () => true })
    }
    await park(1)
    await broker.publish(task(1))
    const trips: Delivery[] = []
    for (const trip of [1, 2, 3]) {
      const consumer = await broker.consume(parking, { prefetch: 1 }, (delivery) => void trips.push(delivery))
      await eventually(() => expect(trips).toHaveLength(trip))
      await consumer.cancel()
      const [delivery] = trips.slice(-1)
      if (!delivery) throw new Error('nothing was parked')
      if (trip < 3) await park(trip + 1)
      await broker.publish(release(delivery.message, trip))
      delivery.ack()
    }
    await eventually(() => expect(handled).toEqual([1]))

    const headers = trips.map(({ message }) => message.properties.headers)
    expect(headers.map((all) => all['x-ebs-rule'])).toEqual(['r1#1', 'r1#2', 'r1#3'])
    expect(new Set(headers.map((all) => all['x-ebs-held'])).size).toBe(3)
    expect(headers.flatMap((all) => Object.keys(all).filter((name) => /death|delivery-count|CC/.test(name)))).toEqual(
      [],
    )
    expect((await broker.inspect(parking))?.messages).toBe(0)
  })
})

const parking = 'ebs.sideline.r1.work'

/** A parked message on its way back, as the hub sends it. */
function release(message: Received, trip: number): Message {
  const { released } = metaOf(message)
  const headers = {
    'x-ebs-replay': `job${trip}/${message.properties.headers['x-ebs-held']}`,
    'x-ebs-released': releasedHeader(released, `r1#${trip}`),
    'x-ebs-attempt': 1,
  }
  return {
    exchange: '',
    key: 'work.replay',
    mandatory: true,
    body: message.body,
    properties: againProperties(message, message.properties.type, headers),
  }
}

describe('a long replay', () => {
  /** Handlers that take so long on a clock that the test turns, and when they have handled which task. */
  function timed(clock: VirtualClock, tookMs: number) {
    const handled: { readonly id: string; readonly atMs: number }[] = []
    const handlers: Handlers = {
      TASK_CREATED: async ({ data }) => {
        await new Promise<void>((resolve) => clock.after(tookMs, resolve))
        handled.push({ id: data.task.id, atMs: clock.now() })
        return []
      },
    }
    return { handled, handlers }
  }

  test('S7: has every place of an idle consumer, and a live message waits for the next place at most', async () => {
    const { site, clock } = virtualSite(testPlan(false))
    await using _ = site
    const broker = site.connect()
    const { handled, handlers } = timed(clock, 100)
    await subscribe(site.bus(broker), { ...work, handlers, prefetch: 4 })
    for (let n = 1; n <= 40; n++) await broker.publish(replayed(n))
    await clock.advance(250)
    expect(handled).toHaveLength(8)

    const sentMs = clock.now()
    await broker.publish(task(99))
    await clock.advance(2_000)
    const live = handled.find(({ id }) => id === 't99')
    expect((live?.atMs ?? 0) - sentMs).toBeLessThanOrEqual(200)
    expect(handled).toHaveLength(41)
  })

  test('S7: while live messages come they take no longer, and the replay gets what they leave', async () => {
    const { site, clock } = virtualSite(testPlan(false))
    await using _ = site
    const broker = site.connect()
    const { handled, handlers } = timed(clock, 100)
    await subscribe(site.bus(broker), { ...work, handlers, prefetch: 8 })
    for (let n = 1; n <= 500; n++) await broker.publish(replayed(1_000 + n))
    const sentMs = new Map<string, number>()
    for (let n = 1; n <= 400; n++) {
      sentMs.set(`t${n}`, clock.now())
      await broker.publish(task(n))
      await clock.advance(50)
    }
    await clock.advance(200)

    const lateMs = handled.flatMap(({ id, atMs }) => {
      const sent = sentMs.get(id)
      return sent === undefined ? [] : [atMs - sent]
    })
    expect(lateMs).toHaveLength(400)
    expect(Math.max(...lateMs)).toBeLessThanOrEqual(200)
    expect(handled.length - 400).toBeGreaterThan(100)
  })
})
