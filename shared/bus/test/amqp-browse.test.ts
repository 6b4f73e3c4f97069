import { expect, test } from 'vitest'
import { testVhost } from '../../../test/support/vhost.ts'
import { deadQueueOf } from '../../topology.ts'
import { connectAmqp } from '../amqp-broker.ts'
import { numbers, planOf, publishAll, untilReady } from './contract-rig.ts'

const plan = planOf('quorum', { work: { hears: [] } })
const DEAD = deadQueueOf('work')

test('of large messages only a few are asked for ahead of who looks, and all of them are seen', async () => {
  await using vhost = await testVhost()
  const bus = connectAmqp(vhost.url, { service: 'reader', plan })
  const body = Buffer.alloc(2 * 1_024 * 1_024, 'x')
  const message = (text: string) => ({ exchange: '', key: DEAD, body, properties: { messageId: text } })
  await publishAll(bus, numbers(40).map(message))
  const browse = await bus.browse(DEAD)
  if (!browse) return expect.unreachable('there is a queue')
  const seen: (string | undefined)[] = []

  for await (const { message } of browse) {
    seen.push(message.properties.messageId)
    // 16 because nothing is known of them, and 16 more because that is 32 MiB.
    if (seen.length === 1) await untilReady(bus, DEAD, 24)
    if (seen.length === 18) await untilReady(bus, DEAD, 8)
  }

  expect(seen).toEqual(numbers(40))
  await browse.close()
  await untilReady(bus, DEAD, 40)
  await bus.close()
})

test('in order, what is not removed keeps its order', async () => {
  await using vhost = await testVhost()
  const bus = connectAmqp(vhost.url, { service: 'writer', plan })
  const reader = connectAmqp(vhost.url, { service: 'reader', plan })
  await publishAll(
    bus,
    numbers(200).map((text) => ({ exchange: '', key: DEAD, body: Buffer.from(text), properties: {} })),
  )
  const look = async (from: typeof bus, count: number) => {
    const browse = await from.browse(DEAD, { inOrder: true })
    if (!browse) return expect.unreachable('there is a queue')
    const seen: string[] = []
    for await (const { message, remove } of browse) {
      seen.push(message.body.toString())
      if (seen.length <= 5) remove()
      if (seen.length === count) break
    }
    return { browse, seen }
  }

  const first = await look(bus, 100)
  expect(first.seen).toEqual(numbers(100))
  await first.browse.close()
  const second = await look(reader, 100)
  expect(second.seen).toEqual(numbers(100, 6))
  await second.browse.close()
  await reader.close()
  await untilReady(bus, DEAD, 190)
  const third = await look(bus, 190)
  expect(third.seen).toEqual(numbers(190, 11))
  await third.browse.close()
  await bus.close()
})

test('in order, what goes back comes before what others sent meanwhile, and before what was on its way', async () => {
  await using vhost = await testVhost()
  const bus = connectAmqp(vhost.url, { service: 'writer', plan })
  const send = (texts: readonly string[]) =>
    publishAll(
      bus,
      texts.map((text) => ({ exchange: '', key: DEAD, body: Buffer.from(text), properties: {} })),
    )
  // More than the one consumer holds: each that is removed makes room for one more.
  await send(numbers(300))
  const browse = await bus.browse(DEAD, { inOrder: true })
  if (!browse) return expect.unreachable('there is a queue')
  for await (const { remove } of browse) {
    remove()
    break
  }
  await send(['late'])
  await browse.close()

  const texts: string[] = []
  await bus.consume(DEAD, { prefetch: 500 }, (delivery) => {
    texts.push(delivery.message.body.toString())
    delivery.ack()
  })
  await expect.poll(() => texts.length).toBe(300)
  expect(texts).toEqual([...numbers(299, 2), 'late'])
  await bus.close()
})
