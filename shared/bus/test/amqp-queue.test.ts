import { connect } from 'amqplib'
import { expect, test, vi } from 'vitest'
import { testVhost } from '../../../test/support/vhost.ts'
import { countIn, removeEmptyQueue } from '../amqp-queue.ts'

const QUORUM = { durable: true, arguments: { 'x-queue-type': 'quorum' } }
const ok = (messageCount: number, consumerCount = 0) => ({ queue: 'q', messageCount, consumerCount })

/** Answers one after the other, each after so many ms. */
function channelThatAnswers(...answers: readonly (readonly [tookMs: number, messages: number])[]) {
  const left = [...answers]
  return {
    checkQueue: vi.fn(async () => {
      const [tookMs, messages] = left.length > 1 ? (left.shift() ?? [0, 0]) : (left[0] ?? [0, 0])
      vi.advanceTimersByTime(tookMs)
      return ok(messages)
    }),
  }
}

test.each([
  { what: 'an empty queue that answers at once', answers: [[1, 0]], messages: 0, looks: 1 },
  { what: 'a slow answer that names messages', answers: [[900, 7]], messages: 7, looks: 1 },
  {
    what: 'an answer that was made up for it, twice',
    answers: [
      [250, 0],
      [251, 0],
      [3, 7],
    ],
    messages: 7,
    looks: 3,
  },
] as const)('counts $what', async ({ answers, messages, looks }) => {
  vi.useFakeTimers({ toFake: ['performance'] })
  const channel = channelThatAnswers(...answers)

  expect(await countIn(channel, 'q')).toEqual({ messages, consumers: 0 })

  expect(channel.checkQueue).toHaveBeenCalledTimes(looks)
  vi.useRealTimers()
})

test('a queue that never answers is not taken for empty', async () => {
  vi.useFakeTimers({ toFake: ['performance'] })

  await expect(countIn(channelThatAnswers([250, 0]), 'q')).rejects.toThrow('does not say how much is in q')

  vi.useRealTimers()
})

test('a queue is not removed on the word of a count: its message says that it is there', async () => {
  await using vhost = await testVhost()
  const model = await connect(vhost.url)
  const channel = await model.createConfirmChannel()
  await channel.assertQueue('q', QUORUM)
  channel.sendToQueue('q', Buffer.from('kept'))
  await channel.waitForConfirms()
  const create = model.createChannel.bind(model)
  // As the broker counts for a queue that is silent for a moment.
  const spy = vi.spyOn(model, 'createChannel').mockImplementation(async () => {
    const made = await create()
    vi.spyOn(made, 'checkQueue').mockResolvedValue(ok(0))
    return made
  })

  const isRemoved = await removeEmptyQueue(model, 'q')

  spy.mockRestore()
  expect(isRemoved).toBe(false)
  await expect.poll(async () => (await channel.checkQueue('q')).messageCount).toBe(1)
  await channel.purgeQueue('q')
  expect(await removeEmptyQueue(model, 'q')).toBe(true)
  await model.close()
})
