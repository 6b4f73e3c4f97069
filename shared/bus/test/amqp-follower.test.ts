import type { Channel } from 'amqplib'
import { connect } from 'amqplib'
import { expect, test, vi } from 'vitest'
import { testVhost } from '../../../test/support/vhost.ts'
import { AmqpFollower } from '../amqp-follower.ts'
import { AmqpNodes } from '../amqp-nodes.ts'
import { eventually, numbers } from './contract-rig.ts'

const NOTES = 'notes'

test('nothing that was read stays unacknowledged, however little it is: RabbitMQ would close the channel after half an hour', async () => {
  await using vhost = await testVhost()
  const model = await connect(vhost.url)
  const writer = await model.createConfirmChannel()
  await writer.assertQueue(NOTES, { durable: true, arguments: { 'x-queue-type': 'stream' } })
  const write = (text: string) => writer.publish('', NOTES, Buffer.from(text))
  const heard: string[] = []
  const follower = new AmqpFollower({
    stream: NOTES,
    onMessage: ({ body }) => void heard.push(body.toString()),
    mark: (end) => end.mark(new AmqpNodes(vhost.url), 'mark'),
    onStopped: () => undefined,
  })
  for (const text of numbers(250)) write(text)
  await writer.waitForConfirms()
  const acked = ackedOn(await watched(model))
  await follower.attach(model, (reason) => expect.unreachable(reason))
  expect(heard).toHaveLength(250)

  // With the marker by which the end was found.
  await eventually(() => expect(acked()).toBe(251))
  write('251')
  await eventually(() => expect(acked()).toBe(252))

  // One is read and not acked yet: it does not matter any more.
  write('252')
  await eventually(() => expect(heard).toHaveLength(252))
  await follower.stop()
  await model.close()
})

type Model = Awaited<ReturnType<typeof connect>>

/** The channel that is made next. */
async function watched(model: Model): Promise<Channel> {
  const channel = await model.createChannel()
  vi.spyOn(model, 'createChannel').mockResolvedValueOnce(channel)
  return channel
}

/** Tag of the last delivery that was acked with all before it. */
function ackedOn(channel: Channel): () => number {
  const spy = vi.spyOn(channel, 'ack')
  return () => {
    const [message, isAll] = spy.mock.lastCall ?? []
    return isAll === true ? (message?.fields.deliveryTag ?? 0) : 0
  }
}
