import { connect } from 'amqplib'
import { expect, onTestFinished, test } from 'vitest'
import { testVhost } from '../../../test/support/vhost.ts'
import { exchanges } from '../../topology.ts'
import { AmqpListener } from '../amqp-listener.ts'
import { ClosedError } from '../broker.ts'
import { eventually } from './bus-fixture.ts'

const OWN = 'asker_reply.1'

/** A connection of amqplib, and a listener on it. */
async function listening() {
  const vhost = await testVhost()
  const model = await connect(vhost.url)
  onTestFinished(async () => {
    await model.close()
    await vhost[Symbol.asyncDispose]()
  })
  const heard: string[] = []
  const listener = new AmqpListener({
    queue: OWN,
    onMessage: ({ body }) => void heard.push(body.toString()),
    log: undefined,
    onStopped: () => void heard.push('stopped'),
  })
  const channel = await model.createConfirmChannel()
  await channel.assertExchange(exchanges.direct, 'topic')
  const send = async (text: string) => {
    channel.publish('', OWN, Buffer.from(text))
    await channel.waitForConfirms()
  }
  return { url: vhost.url, model, listener, heard, channel, send }
}

test('a queue that was deleted under it is declared again, and the connection goes on', async () => {
  const { model, listener, heard, channel, send } = await listening()
  await listener.attach(model)
  await send('1')
  await eventually(() => expect(heard).toEqual(['1']))

  await channel.deleteQueue(OWN)
  await eventually(() => expect(listener.isUp).toBe(false))
  await eventually(() => expect(listener.isUp).toBe(true))
  await send('2')

  await eventually(() => expect(heard).toEqual(['1', '2']))
})

test('a connection that is gone already: waits for the next one, without an error', async () => {
  const { url, model, listener, heard, send } = await listening()
  const gone = await connect(url)
  await gone.close()
  await listener.attach(gone)
  expect(listener.isUp).toBe(false)

  await listener.attach(model)
  await send('1')

  await eventually(() => expect(heard).toEqual(['1']))
})

test('stopped while it is being attached: nothing is left, and who waits for it is told', async () => {
  const { model, listener, heard, channel } = await listening()
  const attaching = listener.attach(model)
  await listener.stop()
  await attaching
  await listener.attach(model)

  await expect(listener.attached).rejects.toThrow(ClosedError)
  await eventually(async () => expect((await channel.assertQueue(OWN, { exclusive: true })).consumerCount).toBe(0))
  expect([heard, listener.isUp]).toEqual([['stopped'], false])
})
