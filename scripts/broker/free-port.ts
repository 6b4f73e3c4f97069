import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/** Whether nobody listens on the port of the loopback address: listens there for a moment. */
export const isPortFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ host: '127.0.0.1', port }, () => server.close(() => resolve(true)))
  })

/** Below those that Linux (32768), macOS and Windows (49152) hand out by themselves, without RabbitMQ's own 15672 and 25672. */
const CHOSEN_FIRST = 16_000
const CHOSEN_END = 25_000
const TRIES_MAX = 50

/**
 * A free port of the loopback address: the preferred one if it is free, else any that the system does not hand out by itself. One of those
 * could go to another program, which asks for any port or connects somewhere, before it is listened on. None of `chosen`.
 */
export async function findFreePort(preferred?: number, chosen: readonly number[] = []): Promise<number> {
  if (preferred !== undefined && (await isPortFree(preferred))) return preferred
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const port = randomInt(CHOSEN_FIRST, CHOSEN_END)
    if (!chosen.includes(port) && (await isPortFree(port))) return port
  }
  throw new Error(`This machine has no free TCP port on 127.0.0.1 between ${CHOSEN_FIRST} and ${CHOSEN_END}.`)
}
