import { type ChannelModel, connect } from 'amqplib'
import { expect, test, vi } from 'vitest'
import { z } from 'zod'
import { type TestVhost, testVhost } from '../../../test/support/vhost.ts'
import { connectAmqp } from '../amqp-broker.ts'
import { AmqpConsumer } from '../amqp-consumer.ts'
import { collect, eventually, messageOf, numbers, planOf, publishAll, untilReady } from './contract-rig.ts'

const plan = planOf('quorum', { work: { hears: [] } })

/** The management API tells of consumers every five seconds. */
const LISTED = { timeout: 15_000, interval: 250 }

test('operators see the tag of a consumer: from the start, with another prefetch and on the next connection', async () => {
  await using vhost = await testVhost()
  const bus = connectAmqp(vhost.url, { service: 'tagged', plan })
  await bus.consume('work', { prefetch: 7, tag: 'first@here' }, () => {})
  const second = await bus.consume('work', { prefetch: 7, tag: 'second@here' }, () => {})
  await second.setPrefetch(9)
  const areSeen = async () => expect((await tagsOf(vhost)).toSorted()).toEqual(['first@here 7', 'second@here 9'])
  await vi.waitFor(areSeen, LISTED)

  await vhost.closeConnections('tagged_consume')
  await vi.waitFor(async () => expect(await tagsOf(vhost)).toEqual([]), LISTED)
  await vi.waitFor(areSeen, LISTED)
  await bus.close()
})

/** The same connection, but for channels: each has ended before whoever asked for it hears of it. */
const endingEarly = (model: ChannelModel): ChannelModel =>
  new Proxy(model, {
    get(target, name) {
      if (name !== 'createChannel') return Reflect.get(target, name)
      return async () => {
        const channel = await target.createChannel()
        await channel.close()
        return channel
      }
    },
  })

test('a connection that is cut while the consumer is being set up leaves nothing behind: on the next one its prefetch can change', async () => {
  await using vhost = await testVhost()
  const model = await connect(vhost.url)
  await (await model.createChannel()).assertQueue('work')
  const consumer = new AmqpConsumer('work', { prefetch: 3, tag: 'own' }, () => {})
  await expect(consumer.attach(endingEarly(model), () => {})).rejects.toThrow()

  await consumer.attach(model, () => {})
  await consumer.setPrefetch(4)

  await consumer.close()
  await model.close()
})

test('a prefetch that changes while messages are held leaves them alone, and a channel that holds nothing any more is closed', async () => {
  await using vhost = await testVhost()
  const bus = connectAmqp(vhost.url, { service: 'tagged', plan })
  await publishAll(
    bus,
    numbers(20).map((text) => messageOf({ key: 'work' }, text)),
  )
  const deliveries: string[] = []
  const acks: (() => void)[] = []
  const consumer = await bus.consume('work', { prefetch: 3, tag: 'own' }, (delivery) => {
    deliveries.push(delivery.message.body.toString())
    acks.push(() => delivery.ack())
  })
  await eventually(() => expect(deliveries).toEqual(numbers(3)))
  await consumer.setPrefetch(4)
  await consumer.setPrefetch(5)
  // What an earlier channel holds does not count: 3, then 4, then 5.
  await eventually(() => expect(deliveries).toEqual(numbers(12)))
  await vi.waitFor(async () => expect(await channelsOf(vhost)).toBe(3), LISTED)

  for (const ack of acks.splice(0)) ack()
  await eventually(() => expect(deliveries).toEqual(numbers(17)))
  await consumer.setPrefetch(6)
  // The one before this change was in use until now.
  await vi.waitFor(async () => expect(await channelsOf(vhost)).toBe(2), LISTED)
  await eventually(() => expect(deliveries).toEqual(numbers(20)))
  for (const ack of acks.slice(0, -3)) ack()
  await bus.close()

  const other = connectAmqp(vhost.url, { service: 'other', plan })
  // What was acked on any of them is gone.
  await untilReady(other, 'work', 3)
  const { texts } = await collect(other, 'work')
  await eventually(() => expect(texts()).toEqual(numbers(3, 18)))
  await other.close()
})

const consumersSchema = z.array(z.object({ consumer_tag: z.string(), prefetch_count: z.number() }))

const tagsOf = async (vhost: TestVhost) =>
  consumersSchema
    .parse(await vhost.management('GET', `/api/consumers/${vhost.name}`))
    .map((consumer) => `${consumer.consumer_tag} ${consumer.prefetch_count}`)

/** Channels that hold or consume something. */
const channelsOf = async (vhost: TestVhost) =>
  z
    .array(
      z.object({ user: z.string(), name: z.string(), connection_details: z.object({ name: z.string().optional() }) }),
    )
    .parse(await vhost.management('GET', `/api/vhosts/${vhost.name}/channels`)).length - PUBLISHING

/** The channel of the other connection. */
const PUBLISHING = 1
