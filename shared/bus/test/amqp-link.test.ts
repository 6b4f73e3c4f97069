import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { expect, onTestFinished, test, vi } from 'vitest'
import { testVhost } from '../../../test/support/vhost.ts'
import { connectAgain } from '../amqp-link.ts'
import { AmqpNodes } from '../amqp-nodes.ts'

/** Where class and method of a frame stand, and those of connection.close. */
const METHOD = { begin: 7, end: 11 }
const CLOSE = Buffer.from([0, 10, 0, 50])

/** A broker that goes away when it hears a goodbye, without an answer; `said` is called with each thing that it says. */
async function leaving(brokerUrl: string, said: () => void) {
  const url = new URL(brokerUrl)
  const [host, port] = [url.hostname, Number(url.port)]
  const goodbyes = vi.fn()
  const server = createServer((near) => {
    const far = connect({ host, port })
    const ignore = (socket: Socket) => socket.on('error', () => undefined)
    ignore(near)
    ignore(far)
    far.on('data', (bytes) => {
      said()
      near.write(bytes)
    })
    near.on('close', () => far.destroy())
    near.on('data', (bytes) => {
      if (bytes.subarray(METHOD.begin, METHOD.end).equals(CLOSE)) {
        goodbyes()
        near.end()
      } else far.write(bytes)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
  })
  const address = server.address()
  url.port = String(typeof address === 'object' && address ? address.port : '')
  return { url: url.href, goodbyes }
}

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
  const broker = await leaving(vhost.url, () => {
    heard++
    if (heard === said) close()
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
  const broker = await leaving(vhost.url, () => undefined)
  const setup = vi.fn(async () => undefined).mockRejectedValueOnce(new Error('not yet'))
  const link = await connectAgain(new AmqpNodes(broker.url), { name: 'again', setup })
  const reasons: string[] = []
  link.connection.on('connect-failed', ({ message }: Error) => reasons.push(message))

  await link.connection.waitForConnect()

  expect(reasons).toEqual(['not yet'])
  expect(setup).toHaveBeenCalledTimes(2)
  await link.close()
})
