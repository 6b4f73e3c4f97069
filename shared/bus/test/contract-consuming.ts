import { describe, expect, test } from 'vitest'
import { deadQueueOf, type QueueType } from '../../topology.ts'
import { type Broker, ClosedError } from '../broker.ts'
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

const fill = (bus: Broker, texts: readonly string[]) =>
  publishAll(
    bus,
    texts.map((text) => messageOf({ key: 'work' }, text)),
  )

/** Promises about messages on their way out. */
export const consuming = (start: () => Promise<Rig>, queueType: QueueType) =>
  describe('consuming', () => {
    const plan = planOf(queueType, { work: { hears: [] }, other: { hears: [] } })
    /** Only quorum queues count how often a message came back. */
    const returns = (count: number) => (queueType === 'quorum' ? count : 0)

    test('whoever begins to consume when this side is closed, or waits for it then, is told so', async () => {
      await using rig = await start()
      const bus = rig.connect({ service: 'reader', plan })
      await bus.ready()
      const waiting = expect(bus.consume('not there yet', { prefetch: 1 }, () => {})).rejects.toThrow(ClosedError)
      await bus.close()

      await waiting
      await expect(bus.consume('work', { prefetch: 1 }, () => {})).rejects.toThrow(ClosedError)
      await expect(bus.listen('reader_reply.1', () => {})).rejects.toThrow(ClosedError)
    })

    test('D7: prefetch bounds what is unsettled', async () => {
      await using rig = await start()
      const bus = rig.connect({ service: 'reader', plan })
      await fill(bus, numbers(10))
      const { deliveries } = await collect(bus, 'work', { prefetch: 2, hold: true })
      await untilReady(bus, 'work', 8)
      await passThrough(bus)
      expect(deliveries.map(textOf)).toEqual(numbers(2))

      deliveries[0]?.ack()
      await untilReady(bus, 'work', 7)
      await passThrough(bus)

      expect(deliveries.map(textOf)).toEqual(numbers(3))
    })

    test('setPrefetch moves the bound, up and down', async () => {
      await using rig = await start()
      const bus = rig.connect({ service: 'reader', plan })
      await fill(bus, numbers(10))
      const { consumer, deliveries } = await collect(bus, 'work', { prefetch: 2, hold: true })
      await eventually(() => expect(deliveries).toHaveLength(2))

      // Over RabbitMQ what was unsettled before does not count; once it is settled, the new bound holds.
      await consumer.setPrefetch(5)
      for (const delivery of deliveries.slice(0, 2)) delivery.ack()
      await untilReady(bus, 'work', 3)
      await passThrough(bus)
      expect(deliveries.map(textOf)).toEqual(numbers(7))

      await consumer.setPrefetch(1)
      for (const delivery of deliveries.slice(2, 7)) delivery.ack()
      await untilReady(bus, 'work', 2)
      await passThrough(bus)
      expect(deliveries.map(textOf)).toEqual(numbers(8))
    })

    test('competing consumers share the work, one that holds its share does not stop the others', async () => {
      await using rig = await start()
      const bus = rig.connect({ service: 'reader', plan })
      const slow = await collect(bus, 'work', { prefetch: 1, hold: true })
      const quick = await collect(bus, 'work', { prefetch: 1 })
      const quicker = await collect(bus, 'work', { prefetch: 1 })

      await fill(bus, numbers(30))
      await eventually(() => expect([slow, quick, quicker].flatMap(({ texts }) => texts())).toHaveLength(30))

      expect(slow.deliveries).toHaveLength(1)
      expect(quick.deliveries.length).toBeGreaterThan(5)
      expect(quicker.deliveries.length).toBeGreaterThan(5)
      expect(await bus.inspect('work')).toMatchObject({ messages: 0, consumers: 3 })
    })

    test('what is returned comes back before anything newer and says that it was here', async () => {
      await using rig = await start()
      const bus = rig.connect({ service: 'reader', plan })
      await fill(bus, numbers(3))
      const { deliveries } = await collect(bus, 'work', { prefetch: 1, hold: true })

      for (let n = 1; n <= 3; n++) {
        await eventually(() => expect(deliveries).toHaveLength(n))
        deliveries[n - 1]?.requeue()
      }
      await eventually(() => expect(deliveries).toHaveLength(4))

      expect(deliveries.map(textOf)).toEqual(['1', '1', '1', '1'])
      expect(deliveries.map(({ redelivered }) => redelivered)).toEqual([false, true, true, true])
    })

    test('a delivery is settled once: the second time is a bug and throws', async () => {
      await using rig = await start()
      const bus = rig.connect({ service: 'reader', plan })
      await fill(bus, ['1'])
      const { deliveries } = await collect(bus, 'work', { hold: true })
      await eventually(() => expect(deliveries).toHaveLength(1))

      deliveries[0]?.ack()

      expect(() => deliveries[0]?.ack()).toThrow(/settled twice/)
      expect(() => deliveries[0]?.requeue()).toThrow(/settled twice/)
    })

    test('D4: after a cut connection the unsettled come back in order and consuming goes on by itself', async () => {
      await using rig = await start()
      const [writer, reader] = [rig.connect({ service: 'writer', plan }), rig.connect({ service: 'reader', plan })]
      await fill(writer, numbers(5))
      const { deliveries } = await collect(reader, 'work', { prefetch: 3, hold: true })
      await eventually(() => expect(deliveries).toHaveLength(3))
      deliveries[1]?.ack()
      await eventually(() => expect(deliveries).toHaveLength(4))
      await untilReady(writer, 'work', 1)

      await rig.cut('reader')
      await eventually(() => expect(deliveries).toHaveLength(7))
      // These belong to the connection that is gone: nothing happens.
      for (const old of deliveries.slice(0, 4)) old.ack()
      deliveries[0]?.requeue()
      for (const again of deliveries.slice(4)) again.ack()
      await eventually(() => expect(deliveries).toHaveLength(8))

      expect(deliveries.slice(4).map(textOf)).toEqual(['1', '3', '4', '5'])
      expect(deliveries.slice(4).map(({ redelivered }) => redelivered)).toEqual([true, true, true, false])
      expect(deliveries.slice(4).map((delivery) => delivery.returns)).toEqual([1, 1, 1, 0].map(returns))
    })

    test('cancel ends the deliveries, and what is unsettled can still be settled', async () => {
      await using rig = await start()
      const bus = rig.connect({ service: 'reader', plan })
      await fill(bus, numbers(3))
      const first = await collect(bus, 'work', { prefetch: 2, hold: true })
      await eventually(() => expect(first.deliveries).toHaveLength(2))

      await first.consumer.cancel()
      first.deliveries[0]?.ack()
      first.deliveries[1]?.requeue()
      await untilReady(bus, 'work', 2)

      const second = await collect(bus, 'work')
      await eventually(() => expect(second.texts()).toEqual(['2', '3']))
      expect(first.deliveries).toHaveLength(2)
    })

    test('a cancelled consumer does not come back with a new connection', async () => {
      await using rig = await start()
      const [writer, reader] = [rig.connect({ service: 'writer', plan }), rig.connect({ service: 'reader', plan })]
      await fill(writer, ['1'])
      const first = await collect(reader, 'work', { hold: true })
      await eventually(() => expect(first.deliveries).toHaveLength(1))
      await first.consumer.cancel()
      const other = await collect(reader, 'other')

      await rig.cut('reader')
      await writer.publish(messageOf({ key: 'other' }, 'after'))
      await eventually(() => expect(other.texts()).toEqual(['after']))

      await untilReady(writer, 'work', 1)
      expect(await writer.inspect('work')).toMatchObject({ messages: 1, consumers: 0 })
      expect(first.deliveries).toHaveLength(1)
    })

    test('close gives what is unsettled back to the others', async () => {
      await using rig = await start()
      const [writer, reader] = [rig.connect({ service: 'writer', plan }), rig.connect({ service: 'reader', plan })]
      await fill(writer, numbers(4))
      const { deliveries } = await collect(reader, 'work', { prefetch: 3, hold: true })
      await eventually(() => expect(deliveries).toHaveLength(3))
      deliveries[0]?.ack()

      await reader.close()

      const other = await collect(writer, 'work')
      await eventually(() => expect(other.texts()).toEqual(['2', '3', '4']))
    })

    test('a single active consumer gets everything; when it is cancelled the next one takes over', async () => {
      await using rig = await start()
      const single = planOf(queueType, { work: { hears: [], singleActive: true }, other: { hears: [] } })
      const bus = rig.connect({ service: 'reader', plan: single })
      const first = await collect(bus, 'work', { prefetch: 2 })
      const second = await collect(bus, 'work', { prefetch: 2 })
      await fill(bus, numbers(20))
      await eventually(() => expect(first.texts()).toEqual(numbers(20)))
      expect(second.deliveries).toHaveLength(0)

      await first.consumer.cancel()
      await fill(bus, numbers(5, 21))
      await eventually(() => expect(second.texts()).toEqual(numbers(5, 21)))

      expect(first.deliveries).toHaveLength(20)
    })

    test('a single active consumer whose connection is cut hands over with what it had not settled', async () => {
      await using rig = await start()
      const single = planOf(queueType, { work: { hears: [], singleActive: true } })
      const [active, standBy] = ['active', 'standby'].map((service) => rig.connect({ service, plan: single }))
      if (!active || !standBy) throw new Error('two connections were asked for')
      const first = await collect(active, 'work', { prefetch: 2, hold: true })
      const second = await collect(standBy, 'work', { prefetch: 1 })
      await fill(standBy, numbers(4))
      await eventually(() => expect(first.deliveries).toHaveLength(2))

      await rig.cut('active')

      await eventually(() => expect(second.texts()).toEqual(numbers(4)))
      expect(first.deliveries).toHaveLength(2)
    })

    test('inspect counts what is ready and who consumes; there is no such queue: undefined', async () => {
      await using rig = await start()
      const bus = rig.connect({ service: 'reader', plan })
      await bus.ready()
      expect(await bus.inspect('work')).toMatchObject({ messages: 0, consumers: 0 })
      expect(await bus.inspect('nowhere')).toBeUndefined()

      await fill(bus, numbers(3))
      const held = await collect(bus, 'work', { prefetch: 1, hold: true })
      await eventually(() => expect(held.deliveries).toHaveLength(1))

      await eventually(async () => expect(await bus.inspect('work')).toMatchObject({ messages: 2, consumers: 1 }))
      const { unsettled = 'not told' } = (await bus.inspect('work')) ?? {}
      expect(['not told', 1]).toContain(unsettled)
      expect(await bus.inspect(deadQueueOf('work'))).toMatchObject({ messages: 0, consumers: 0 })
    })
  })

/** A message makes its way through another queue: whatever was on its way before has arrived by then. */
async function passThrough(bus: Broker): Promise<void> {
  const { consumer, deliveries } = await collect(bus, 'other')
  await bus.publish(messageOf({ key: 'other' }, 'through'))
  await eventually(() => expect(deliveries).toHaveLength(1))
  await consumer.cancel()
}
