import { describe, expect, test } from 'vitest'
import { deadQueueOf, exchanges, type Plan, type QueueType, rungQueue, unroutedQueue } from '../../topology.ts'
import type { Broker } from '../broker.ts'
import { delayRoute } from '../ladder.ts'
import {
  collect,
  eventually,
  messageOf,
  numbers,
  planOf,
  publishAll,
  type Rig,
  reducedPlan,
  textOf,
  untilReady,
} from './contract-rig.ts'
import { keepRungs } from './reduced-plans.ts'

/** Promises about messages that expire, and about the delay ladder that is made of them. */
export const expiring = (start: () => Promise<Rig>, queueType: QueueType) =>
  describe('expiring', () => {
    const queues = { work: { hears: [] }, 'a.work': { hears: [] } }
    const ladder = keepRungs(reducedPlan(queueType, { queues, withLadder: true }), ['100ms', '50ms'])

    test('R2: a delayed message walks its rungs, keeps what it carries and comes to one queue only', async () => {
      await using rig = await start()
      const bus = rig.connect({ service: 'hub', plan: ladder })
      const [work, namesake] = [await collect(bus, 'work'), await collect(bus, 'a.work')]
      const properties = { messageId: 'm-1', type: 'MADE', headers: { 'x-ebs-attempt': 2 } }
      const sentAt = Date.now()

      await bus.publish({ ...delayRoute(150, 'work'), body: Buffer.from('late'), properties })
      await eventually(() => expect(work.deliveries).toHaveLength(1))
      expect(Date.now() - sentAt).toBeGreaterThanOrEqual(150)

      const message = work.deliveries[0]?.message
      expect(message).toMatchObject({ exchange: exchanges.deliver, body: Buffer.from('late'), properties })
      expect(message?.properties.headers['x-death']).toMatchObject([
        { queue: rungQueue('50ms'), reason: 'expired', count: 1 },
        { queue: rungQueue('100ms'), reason: 'expired', count: 1, exchange: 'ebs.delay.100ms' },
      ])
      expect(message?.properties.headers).toMatchObject({ 'x-first-death-queue': rungQueue('100ms') })
      expect(namesake.deliveries).toHaveLength(0)
      expect(await bus.inspect(unroutedQueue)).toMatchObject({ messages: 0 })
    })

    test('R2: the earliest due comes first, and what is due at the same time keeps its order', async () => {
      await using rig = await start()
      const bus = rig.connect({ service: 'hub', plan: ladder })
      const { texts } = await collect(bus, 'work')

      await publishDelayed(bus, 150, ['150'])
      await publishDelayed(bus, 50, numbers(20))
      await publishDelayed(bus, 0, ['now'])
      await eventually(() => expect(texts()).toHaveLength(22))

      expect(texts()).toEqual(['now', ...numbers(20), '150'])
    })

    test('a delayed message whose queue was deleted ends in ebs.unrouted and holds nobody up', async () => {
      await using rig = await start()
      const bus = rig.connect({ service: 'hub', plan: ladder })
      await bus.ready()
      await rig.deleteQueue('a.work')

      await bus.publish(messageOf(delayRoute(100, 'a.work'), 'homeless'))
      await publishDelayed(bus, 100, ['1'])
      const [work, unrouted] = [await collect(bus, 'work'), await collect(bus, unroutedQueue)]
      await eventually(() => expect([work.texts(), unrouted.texts()]).toEqual([['1'], ['homeless']]))
      await publishDelayed(bus, 100, ['2'])

      await eventually(() => expect(work.texts()).toEqual(['1', '2']))
    })

    test('what expires in a queue without a dead-letter exchange vanishes, and the queue goes on', async () => {
      await using rig = await start()
      const plan = planOf(queueType, { questions: { hears: [], ttlMs: 100 } })
      const bus = rig.connect({ service: 'hub', plan })

      await publishAll(bus, [messageOf({ key: 'questions' }, '1'), messageOf({ key: 'questions' }, '2')])
      await untilReady(bus, 'questions', 0)
      const { texts } = await collect(bus, 'questions')
      await bus.publish(messageOf({ key: 'questions' }, '3'))

      await eventually(() => expect(texts()).toEqual(['3']))
      expect(await bus.inspect(deadQueueOf('questions'))).toMatchObject({ messages: 0 })
    })

    test('R2: one message published again without its deaths makes three trips and arrives from each', async () => {
      await using rig = await start()
      const bus = rig.connect({ service: 'hub', plan: ladder })
      const trips: string[] = []
      await bus.consume('work', { prefetch: 1 }, (delivery) => {
        trips.push(textOf(delivery))
        const again = messageOf(delayRoute(100, 'work'), textOf(delivery))
        if (trips.length > 3) delivery.ack()
        else bus.publish(again).then(() => delivery.ack(), expect.unreachable)
      })

      await bus.publish(messageOf({ key: 'work' }, 'traveller'))

      await eventually(() => expect(trips).toEqual(Array(4).fill('traveller')))
      await untilReady(bus, rungQueue('100ms'), 0)
    })

    test('a message that goes in a circle with nobody taking it is dropped when it closes the circle', async () => {
      await using rig = await start()
      const bus = rig.connect({ service: 'hub', plan: circle(queueType) })
      const seen = await collect(bus, 'seen')

      await bus.publish(messageOf({ key: 'circle.a' }, '1'))
      await eventually(() => expect(seen.texts()).toEqual(['1']))
      await bus.publish(messageOf({ key: 'circle.a' }, '2'))
      await eventually(() => expect(seen.texts()).toHaveLength(2))
      await bus.publish(messageOf({ key: 'circle.a' }, '3'))
      await eventually(() => expect(seen.texts()).toHaveLength(3))

      expect(seen.texts()).toEqual(['1', '2', '3'])
      // `circle.a` names a dead-letter exchange and no key, so the message keeps its own.
      expect(seen.deliveries[0]?.message).toMatchObject({ exchange: 'circle', key: 'circle.a' })
    })
  })

/** Promises about messages that nobody could finish. */
export const crashing = (start: () => Promise<Rig>, queueType: QueueType) =>
  test('R6: a message whose consumers are lost more often than the delivery limit goes to the dead queue', async () => {
    await using rig = await start()
    const plan = limited(queueType, 2)
    const [reader, watcher] = [rig.connect({ service: 'reader', plan }), rig.connect({ service: 'watcher', plan })]
    await publishAll(watcher, [messageOf({ key: 'fragile' }, 'breaks'), messageOf({ key: 'fragile' }, 'fine')])
    const returns: number[] = []
    const fine: string[] = []
    await reader.consume('fragile', { prefetch: 1 }, (delivery) => {
      if (textOf(delivery) === 'fine') {
        fine.push('fine')
        return delivery.ack()
      }
      returns.push(delivery.returns)
      // What a message does that takes its consumer down with it.
      void rig.cut('reader')
    })

    const dead = await collect(watcher, deadQueueOf('fragile'))
    await eventually(() => expect(dead.texts()).toEqual(['breaks']))
    await eventually(() => expect(fine).toEqual(['fine']))

    expect(returns).toEqual([0, 1, 2])
    expect(dead.deliveries[0]?.message.key).toBe(deadQueueOf('fragile'))
    expect(dead.deliveries[0]?.message.properties.headers['x-death']).toMatchObject([
      // RabbitMQ notes the exchange by which it came on the wire.
      {
        ...{ queue: 'fragile', reason: 'delivery_limit', count: 1 },
        exchange: expect.stringMatching(/^(ebs\.direct)?$/),
      },
    ])
  })

const publishDelayed = (bus: Broker, delayMs: number, texts: readonly string[]) =>
  publishAll(
    bus,
    texts.map((text) => messageOf(delayRoute(delayMs, 'work'), text)),
  )

/** Two queues that dead-letter into each other; `seen` gets a copy of what dies in the first. */
function circle(queueType: QueueType): Plan {
  const type = { 'x-queue-type': queueType, 'x-message-ttl': 20 }
  return planOf(
    queueType,
    {},
    {
      exchanges: [{ name: 'circle', type: 'fanout', arguments: {} }],
      queues: [
        { name: 'seen', arguments: { 'x-queue-type': queueType } },
        { name: 'circle.a', arguments: { ...type, 'x-dead-letter-exchange': 'circle' } },
        {
          name: 'circle.b',
          arguments: { ...type, 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'circle.a' },
        },
      ],
      bindings: [
        { source: 'circle', destination: 'seen', to: 'queue', key: '' },
        { source: 'circle', destination: 'circle.b', to: 'queue', key: '' },
      ],
    },
  )
}

const limited = (queueType: QueueType, limit: number): Plan =>
  planOf(
    queueType,
    {},
    {
      queues: [
        { name: deadQueueOf('fragile'), arguments: { 'x-queue-type': queueType } },
        {
          name: 'fragile',
          arguments: {
            'x-queue-type': queueType,
            'x-delivery-limit': limit,
            'x-dead-letter-exchange': '',
            'x-dead-letter-routing-key': deadQueueOf('fragile'),
            'x-dead-letter-strategy': 'at-least-once',
            'x-overflow': 'reject-publish',
          },
        },
      ],
    },
  )
