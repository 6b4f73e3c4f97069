import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { onTestFinished, vi } from 'vitest'

/** Where class and method of a frame stand, and those of connection.close. */
const METHOD = { begin: 7, end: 11 }
const CLOSE = Buffer.from([0, 10, 0, 50])

type Behaviour = {
  /** Called with each thing that it says; gives after how many bytes of it the connection is cut, if it is. */
  readonly said?: (bytes: Buffer) => number | undefined
  /** What it does instead of an answer. */
  readonly manner?: 'leaves' | 'stays'
}

/** A broker behind a wire: it does not answer a goodbye, and never ends a connection because the other side did. Those who have said goodbye are in `left`. */
export async function leavingBroker(brokerUrl: string, { said = () => undefined, manner = 'leaves' }: Behaviour = {}) {
  const url = new URL(brokerUrl)
  const [host, port] = [url.hostname, Number(url.port)]
  const goodbyes = vi.fn()
  const left: Socket[] = []
  const sockets = new Set<Socket>()
  let isMute = false
  const server = createServer({ allowHalfOpen: true }, (near) => {
    sockets.add(near)
    const far = connect({ host, port })
    // 'close' follows and does what is to be done; without a listener Node would end the process.
    for (const socket of [near, far]) socket.on('error', () => undefined)
    far.on('data', (bytes) => {
      if (isMute) return
      const bytesMax = said(bytes)
      near.write(bytes.subarray(0, bytesMax))
      if (bytesMax !== undefined) near.destroySoon()
    })
    near.on('close', () => {
      sockets.delete(near)
      far.destroy()
    })
    near.on('data', (bytes) => {
      if (bytes.subarray(METHOD.begin, METHOD.end).equals(CLOSE)) {
        goodbyes()
        left.push(near)
        if (manner === 'leaves') near.end()
      } else far.write(bytes)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const address = server.address()
  url.port = String(typeof address === 'object' && address ? address.port : '')
  return {
    url: url.href,
    goodbyes,
    left,
    /** From now on nothing that it says comes through. */
    hush() {
      isMute = true
    },
    cut() {
      for (const socket of sockets) socket.destroy()
    },
  }
}
