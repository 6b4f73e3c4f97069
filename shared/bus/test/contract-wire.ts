import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** A wire to a broker that can be cut. */
export type Wire = AsyncDisposable & {
  /** The broker's url, by way of this wire. */
  readonly url: string
  /** Breaks every connection that runs over it, at once and without a goodbye; new ones are let through. */
  cut(): void
  /** From now on nothing that the broker says comes through, on the connections that are there. */
  hush(): void
  /** What it has said since, and says from now on, comes through again. */
  unhush(): void
}

/** Listens on a free port and passes everything on to the broker of this url. */
export async function wireTo(brokerUrl: string): Promise<Wire> {
  const url = new URL(brokerUrl)
  const [host, port] = [url.hostname, Number(url.port || 5672)]
  const sockets = new Set<Socket>()
  const pairs = new Map<Socket, Socket>()
  const keep = (socket: Socket, other: Socket) => {
    sockets.add(socket)
    socket.on('close', () => {
      sockets.delete(socket)
      other.destroy()
    })
    // 'close' follows and does what is to be done; without a listener Node would end the process.
    socket.on('error', () => undefined)
  }
  const server = createServer({ noDelay: true }, (near) => {
    const far = connect({ host, port, noDelay: true })
    keep(near, far)
    keep(far, near)
    pairs.set(far, near)
    far.on('close', () => pairs.delete(far))
    near.pipe(far).pipe(near)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The wire has no port to listen on.')
  url.hostname = '127.0.0.1'
  url.port = String(address.port)
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }

  return {
    url: url.href,
    cut,
    hush() {
      for (const [far, near] of pairs) far.unpipe(near)
    },
    unhush() {
      for (const [far, near] of pairs) far.pipe(near)
    },
    async [Symbol.asyncDispose]() {
      cut()
      server.close()
      await once(server, 'close')
    },
  }
}
