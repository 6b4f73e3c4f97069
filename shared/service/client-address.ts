import { isIP } from 'node:net'
import type { FastifyInstance, FastifyRequest } from 'fastify'

declare module 'fastify' {
  interface FastifyRequest {
    /** An IP address: of whoever connects, or of whom a proxy that is trusted says it is. */
    clientAddress: string
  }
}

/**
 * Remembers of every request from where it came. To be called before other hooks are added: a socket that is destroyed has no address any
 * more, and is as soon as nonsense follows the head of a request in the same packet.
 */
export function rememberClients(app: FastifyInstance): void {
  app.decorateRequest('clientAddress', '')
  app.addHook('onRequest', (request, _reply, done) => {
    request.clientAddress = clientAddressOf(request)
    done()
  })
}

/** What is no address was said by a proxy that is trusted: then it counts as that proxy's own. Empty when nothing is known. */
export function clientAddressOf({ ip, ips = [ip] }: Pick<FastifyRequest, 'ip' | 'ips'>): string {
  return ips.map(addressIn).findLast((address) => address !== undefined) ?? ''
}

const IN_BRACKETS = /^\[([^\]]+)\](:\d{1,5})?$/
const WITH_PORT = /^([\d.]+):\d{1,5}$/

/** Some proxies add the client's port, which is another one for each connection. */
function addressIn(said: string | undefined): string | undefined {
  const text = said?.trim() ?? ''
  const [, address = text] = IN_BRACKETS.exec(text) ?? WITH_PORT.exec(text) ?? []
  return isIP(address) === 0 ? undefined : address
}
