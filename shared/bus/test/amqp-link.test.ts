import { expect, onTestFinished, test, vi } from 'vitest'
import { testVhost } from '../../../test/support/vhost.ts'
import { connectAgain } from '../amqp-link.ts'
import { AmqpNodes } from '../amqp-nodes.ts'
import { leavingBroker } from './leaving-broker.ts'

test.each([
  ['before it speaks', 0],
  ['while it greets', 1],
  ['while it says how large a frame may be', 2],
  ['while it opens the virtual host', 3],
])('a connection that is closed while it is made, %s, and lost just then, ends no process', async (_when, said) => {
  await using vhost = await testVhost()
  const uncaught = vi.fn()
  process.on('uncaughtException', uncaught)
  onTestFinished(() => {
    process.off('uncaughtException', uncaught)
  })
  let closing: Promise<void> | undefined
  let heard = 0
  const close = () => {
    closing ??= link.close()
  }
  const broker = await leavingBroker(vhost.url, {
    said() {
      heard++
      if (heard === said) close()
      return undefined
    },
  })
  const setup = vi.fn(async () => undefined)
  const link = await connectAgain(new AmqpNodes(broker.url), { name: 'closed', setup })
  if (said === 0) setImmediate(close)

  await vi.waitFor(() => expect(closing).toBeDefined())
  await closing
  await vi.waitFor(() => expect(broker.goodbyes).toHaveBeenCalledOnce(), 5_000)
  await new Promise((resolve) => setImmediate(resolve))

  expect(setup).not.toHaveBeenCalled()
  expect(uncaught).not.toHaveBeenCalled()
})

test('a connection whose setup fails, and which is lost before it has ended, is made again', async () => {
  await using vhost = await testVhost()
  const broker = await leavingBroker(vhost.url)
  const setup = vi.fn(async () => undefined).mockRejectedValueOnce(new Error('not yet'))
  const link = await connectAgain(new AmqpNodes(broker.url), { name: 'again', setup })
  const reasons: string[] = []
  link.connection.on('connect-failed', ({ message }: Error) => reasons.push(message))

  await link.connection.waitForConnect()

  expect(reasons).toEqual(['not yet'])
  expect(setup).toHaveBeenCalledTimes(2)
  await link.close()
})
