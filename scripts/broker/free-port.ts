import { createServer } from 'node:net'

/** Whether nobody listens on the port of the loopback address. */
export const isPortFree = async (port: number) => (await portOf(port)) !== undefined

/** A free port of the loopback address: the preferred one if it is free, else one that the system picks. */
export async function findFreePort(preferred?: number): Promise<number> {
  const port = (preferred === undefined ? undefined : await portOf(preferred)) ?? (await portOf(0))
  if (port === undefined) throw new Error('This machine has no free TCP port on 127.0.0.1.')
  return port
}

/** Listens for a moment; the port that was got, or undefined when it is taken. */
function portOf(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(undefined))
    server.listen({ host: '127.0.0.1', port }, () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' ? address?.port : undefined))
    })
  })
}
