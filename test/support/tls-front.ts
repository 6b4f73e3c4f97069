import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { createServer, type TLSSocket } from 'node:tls'
import type { CertificateFiles } from './certificates.ts'

/** TLS in front of a broker that has none. */
export type TlsFront = AsyncDisposable & {
  /** The broker's url, by way of this: `amqps://`. */
  readonly url: string
}

/** Listens on a free port with this certificate, and lets in who shows one that `clientCa` has signed. */
export async function tlsFront(
  brokerUrl: string,
  { cert, key }: CertificateFiles,
  clientCa: string,
): Promise<TlsFront> {
  const url = new URL(brokerUrl)
  const [host, port] = [url.hostname, Number(url.port || 5672)]
  const sockets = new Set<TLSSocket>()
  const server = createServer(
    { cert: readFileSync(cert), key: readFileSync(key), ca: readFileSync(clientCa), requestCert: true },
    (near) => {
      const far = connect({ host, port })
      sockets.add(near)
      near.on('close', () => {
        sockets.delete(near)
        far.destroy()
      })
      far.on('close', () => near.destroy())
      // 'close' follows; without a listener Node would end the process.
      for (const socket of [near, far]) socket.on('error', () => undefined)
      near.pipe(far).pipe(near)
    },
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The front has no port to listen on.')
  url.host = `localhost:${address.port}`
  return {
    url: url.href.replace(/^amqp:/, 'amqps:'),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
