import { type ConfirmChannel, type ConsumeMessage, connect, type GetMessage, type Options } from 'amqplib'
import { expect, test } from 'vitest'
import { testVhost } from '../../../test/support/vhost.ts'
import { receivedFrom } from '../amqp-consumer.ts'
import { moveMessages, windowFor } from '../amqp-move.ts'
import { AmqpMoveLink } from '../amqp-move-link.ts'
import { metaOf } from '../envelope.ts'
import { wireTo } from './contract-wire.ts'

/** Those on their way, and acks that a quorum queue had not got. */
const UNACKED_MAX = 512
/** Longer than a queue may be quiet before it is asked. */
const SILENT_MS = 1_300
const LARGE_BYTES = 4_194_304
const LOCK = 'ebs.test.lock'
const QUORUM = { durable: true, arguments: { 'x-queue-type': 'quorum' } }
const SINGLE = { durable: true, arguments: { 'x-queue-type': 'quorum', 'x-single-active-consumer': true } }
const CLASSIC = { durable: true, arguments: { 'x-queue-type': 'classic' } }

async function openRig() {
  const vhost = await testVhost()
  const model = await connect(vhost.url)
  const channel = await model.createConfirmChannel()
  const link = await AmqpMoveLink.open(vhost.url, 'test_move')
  return {
    ...{ vhost, channel, link },
    async send(queue: string, count: number, optionsOf: (i: number) => Options.Publish) {
      for (let i = 0; i < count; i++) channel.publish('', queue, Buffer.from(`{"n":${i}}`), optionsOf(i))
      await channel.waitForConfirms()
    },
    async [Symbol.asyncDispose]() {
      await link.close().catch(() => undefined)
      await model.close()
      await vhost[Symbol.asyncDispose]()
    },
  }
}

async function takeAll(channel: ConfirmChannel, queue: string): Promise<ConsumeMessage[]> {
  const all: ConsumeMessage[] = []
  const { messageCount } = await channel.checkQueue(queue)
  const take = (one: ConsumeMessage | null) => void (one && all.push(one))
  // One after the other would be a question each.
  const { consumerTag } = await channel.consume(queue, take, { noAck: true })
  await expect.poll(() => all.length).toBeGreaterThanOrEqual(messageCount)
  await channel.cancel(consumerTag)
  return all
}

/** Looked at, and put back. */
async function browsed(channel: ConfirmChannel, queue: string): Promise<ConsumeMessage[]> {
  const one = await channel.get(queue)
  if (!one) return []
  channel.nack(one)
  return [asConsumed(one)]
}

/** A message that was got has all that one has that was delivered, but the consumer's tag. */
const asConsumed = (one: GetMessage): ConsumeMessage => ({ ...one, fields: { ...one.fields, consumerTag: '' } })

/** Without what a quorum queue writes into each message that it gives. */
function headersOf(message: ConsumeMessage | undefined): Record<string, unknown> {
  const { 'x-delivery-count': _count, ...headers } = message?.properties.headers ?? {}
  return headers
}

test.each([
  { from: QUORUM, to: CLASSIC, what: 'quorum to classic' },
  { from: CLASSIC, to: QUORUM, what: 'classic to quorum' },
  { from: SINGLE, to: CLASSIC, what: 'quorum with a single active consumer to classic' },
])(
  '$what: 300 messages come once, in order, with all that they are and without what brokers write',
  async ({ from, to }) => {
    await using rig = await openRig()
    await rig.channel.assertQueue('q.dead', from)
    await rig.channel.assertQueue('q.dead.moving', to)
    await rig.channel.assertQueue('copied')
    await rig.send('q.dead', 300, (i) => ({
      ...{ messageId: `id-${i}`, type: 'TASK_CREATED', correlationId: 'c', replyTo: 'r', appId: 'a', priority: 3 },
      ...{
        timestamp: 1_700_000_000,
        contentType: 'application/json',
        contentEncoding: 'utf-8',
        persistent: i % 2 === 0,
      },
      headers: {
        ...{ 'x-ebs-key': 'task-requests', 'x-ebs-held': `held-${i}`, 'x-ebs-attempts': 3, stranger: { a: [1, true] } },
        ...{ 'x-death': [{ queue: 'q', count: 1 }], 'x-first-death-queue': 'q', 'x-delivery-count': 7 },
      },
    }))

    const moved = await rig.link.move({ from: 'q.dead', to: 'q.dead.moving', count: 300, isHolding: true })

    expect(moved).toEqual({ count: 300, isSilent: false })
    expect(await rig.link.count('q.dead')).toEqual({ messages: 0, consumers: 0 })
    const messages = await takeAll(rig.channel, 'q.dead.moving')
    expect(messages.map(({ properties }) => properties.messageId)).toEqual(
      Array.from({ length: 300 }, (_, i) => `id-${i}`),
    )
    expect(messages[7]?.content.toString()).toBe('{"n":7}')
    const [even, odd] = messages
    expect([even?.properties.deliveryMode, odd?.properties.deliveryMode]).toEqual([2, 1])
    expect(even?.properties).toMatchObject({
      ...{ messageId: 'id-0', type: 'TASK_CREATED', correlationId: 'c', replyTo: 'r', appId: 'a', priority: 3 },
      ...{ timestamp: 1_700_000_000, contentType: 'application/json', contentEncoding: 'utf-8' },
    })
    expect(headersOf(even)).toEqual({
      ...{ 'x-ebs-key': 'task-requests', 'x-ebs-held': 'held-0', 'x-ebs-attempts': 3, stranger: { a: [1, true] } },
    })
    expect(await takeAll(rig.channel, 'copied')).toEqual([])
  },
)

test('a message without properties keeps its key and with it its id; of one that the broker dead-lettered it is known when it died', async () => {
  await using rig = await openRig()
  const { channel, link } = rig
  await channel.assertExchange('ebs', 'topic')
  await channel.assertQueue('q.dead', QUORUM)
  await channel.assertQueue('q.dead.moving', QUORUM)
  await channel.assertQueue('q', { durable: true, deadLetterExchange: '', deadLetterRoutingKey: 'q.dead' })
  await channel.bindQueue('q', 'ebs', 'objects')
  channel.publish('ebs', 'objects', Buffer.from('{"type":"OBJECT_CREATED"}'))
  await channel.waitForConfirms()
  const plain = await channel.get('q')
  if (plain) channel.nack(plain, false, false)
  await expect.poll(async () => (await channel.checkQueue('q.dead')).messageCount).toBe(1)
  const [before] = await browsed(channel, 'q.dead')

  await link.move({ from: 'q.dead', to: 'q.dead.moving', count: 1, isHolding: true })
  await link.move({ from: 'q.dead.moving', to: 'q.dead', count: 1, isHolding: true })

  const [after] = await takeAll(channel, 'q.dead')
  expect(headersOf(after)).toEqual({
    'x-ebs-key': 'q.dead',
    'x-ebs-origin': ' q.dead',
    'x-ebs-last-failed-at': expect.stringMatching(/^20\d\d-.*Z$/),
  })
  expect(before && after && [metaOf(receivedFrom(after)).id]).toEqual(before && [metaOf(receivedFrom(before)).id])
})

test('cut off in the middle every message is in one of the two queues, and what is in both was on its way', async () => {
  await using rig = await openRig()
  const { channel, link } = rig
  await channel.assertQueue('from', QUORUM)
  await channel.assertQueue('to', QUORUM)
  await rig.send('from', 1_000, (i) => ({ messageId: `${i}`, persistent: true }))

  const moving = link.move({ from: 'from', to: 'to', count: 1_000, isHolding: false })
  const rejected = expect(moving).rejects.toThrow(/ended after \d+ messages: .+ None is lost/)
  await expect.poll(async () => (await channel.checkQueue('to')).messageCount).toBeGreaterThan(100)
  await link.close()
  await rejected

  const moved = (await takeAll(channel, 'to')).map(({ properties }) => Number(properties.messageId))
  const left: number[] = []
  await expect
    .poll(async () =>
      left.push(...(await takeAll(channel, 'from')).map(({ properties }) => Number(properties.messageId))),
    )
    .toBeGreaterThanOrEqual(1_000 - moved.length)
  expect(new Set([...moved, ...left]).size).toBe(1_000)
  expect(moved.length + left.length - 1_000).toBeLessThanOrEqual(UNACKED_MAX)
})

test('what comes late is waited for: a wire that is silent for longer than a queue is quiet ends no move', async () => {
  await using rig = await openRig()
  await using wire = await wireTo(rig.vhost.url)
  await rig.channel.assertQueue('from', QUORUM)
  await rig.channel.assertQueue('to', CLASSIC)
  await rig.send('from', 300, (i) => ({ messageId: `${i}` }))
  const model = await connect(wire.url)
  const open = model.createConfirmChannel.bind(model)
  model.createConfirmChannel = async () => {
    const channel = await open()
    wire.hush()
    setTimeout(wire.unhush, SILENT_MS)
    return channel
  }

  const moved = await moveMessages(model, { from: 'from', to: 'to', count: 300, isHolding: false })

  expect(moved).toEqual({ count: 300, isSilent: false })
  const ids = (await takeAll(rig.channel, 'to')).map(({ properties }) => properties.messageId)
  expect(ids).toEqual(Array.from({ length: 300 }, (_, i) => `${i}`))
  await model.close()
})

test('a queue that has less than was thought is left when it says that it is empty', async () => {
  await using rig = await openRig()
  await rig.channel.assertQueue('from', QUORUM)
  await rig.channel.assertQueue('to', QUORUM)
  await rig.send('from', 20, () => ({}))

  expect(await rig.link.move({ from: 'from', to: 'to', count: 30, isHolding: false })).toEqual({
    ...{ count: 20, isSilent: false },
  })
  expect(await rig.link.count('to')).toEqual({ messages: 20, consumers: 0 })
})

test('messages that are larger than the first are taken a few at a time, in order', async () => {
  await using rig = await openRig()
  await rig.channel.assertQueue('from', CLASSIC)
  await rig.channel.assertQueue('to', CLASSIC)
  // 16 of them are a window.
  const large = Buffer.alloc(LARGE_BYTES)
  for (let i = 0; i < 28; i++)
    rig.channel.publish('', 'from', i < 10 ? Buffer.from('{}') : large, { messageId: `${i}` })
  await rig.channel.waitForConfirms()

  expect(await rig.link.move({ from: 'from', to: 'to', count: 28, isHolding: false })).toEqual({
    ...{ count: 28, isSilent: false },
  })

  const ids = (await takeAll(rig.channel, 'to')).map(({ properties }) => properties.messageId)
  expect(ids).toEqual(Array.from({ length: 28 }, (_, i) => `${i}`))
})

test.each([
  { largestBytes: 0, window: 256 },
  { largestBytes: 262_144, window: 256 },
  { largestBytes: 1_048_576, window: 64 },
  { largestBytes: 12_582_912, window: 5 },
  { largestBytes: 134_217_728, window: 1 },
])('of messages of $largestBytes bytes $window are on their way', ({ largestBytes, window }) => {
  expect(windowFor(largestBytes)).toBe(window)
})

test('a queue that is not there takes nothing, and what was to be moved stays', async () => {
  await using rig = await openRig()
  await rig.channel.assertQueue('from', CLASSIC)
  await rig.send('from', 10, () => ({ persistent: true }))

  const moving = rig.link.move({ from: 'from', to: 'nowhere', count: 10, isHolding: false })

  await expect(moving).rejects.toThrow('Moving from from to nowhere ended after 0 messages: nowhere is gone.')
  await expect.poll(() => rig.link.count('from')).toEqual({ messages: 10, consumers: 0 })
})

test.each([
  { type: 'classic', options: CLASSIC, isQuorum: false },
  { type: 'quorum', options: QUORUM, isQuorum: true },
])('a $type queue is removed only when it is empty and not consumed', async ({ options, isQuorum }) => {
  await using rig = await openRig()
  const { channel, link } = rig
  const how = { isQuorum, evenUsed: false }
  await channel.assertQueue('q', options)
  await rig.send('q', 1, () => ({}))

  expect(await link.remove('q', how)).toBe(false)
  await takeAll(channel, 'q')
  await channel.consume('q', () => undefined, { consumerTag: 'c' })
  expect(await link.remove('q', how)).toBe(false)
  await channel.cancel('c')
  await expect.poll(() => link.remove('q', how)).toBe(true)
  expect(await link.count('q')).toBeUndefined()
})

test('one that holds the lock keeps others out, until its connection ends', async () => {
  await using rig = await openRig()
  const other = await AmqpMoveLink.open(rig.vhost.url, 'test_other')

  expect(await rig.link.lock(LOCK, 'ann (why)', 'a')).toBe(true)
  expect(await other.lock(LOCK, 'bob', 'b')).toBe(false)
  await rig.link.close()
  await expect.poll(() => other.lock(LOCK, 'bob', 'b')).toBe(true)
  await other.close()
})
