/** RabbitMQ's management API, as far as it is asked by services. Its numbers are gathered every five seconds. */

import { vhostIn } from '../service/amqp-urls.ts'

const ANSWER_MS_MAX = 2_000

export type ManagementApi = { readonly managementUrl: string; readonly amqpUrl: string }

/**
 * Asks for a path below the virtual host's queues: `''` is all of them, `/name` one. `query` begins with `?`. Undefined when there is no
 * such queue. Throws when it does not answer, or not with success.
 */
export async function askQueues({ managementUrl, amqpUrl }: ManagementApi, path: string, query = ''): Promise<unknown> {
  const { username, password, origin, pathname } = new URL(managementUrl)
  const queues = `${pathname.replace(/\/$/, '')}/api/queues/${encodeURIComponent(vhostIn(amqpUrl))}`
  const credentials = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')
  const response = await fetch(`${origin}${queues}${path}${query}`, {
    headers: { ...(username && { authorization: `Basic ${credentials}` }) },
    signal: AbortSignal.timeout(ANSWER_MS_MAX),
  })
  if (response.status === 404) return undefined
  if (!response.ok) throw new Error(`The management API answered ${response.status} for the queues${path}.`)
  return response.json()
}
