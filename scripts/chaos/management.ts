import { z } from 'zod'

const ANSWER_MS_MAX = 10_000

/** Of the first virtual host, `/`, which a node of one's own has to itself. */
const VHOST = '%2F'

const connections = z.array(z.object({ name: z.string() }))
const nodes = z.array(z.object({ mem_alarm: z.boolean().optional() }))
const queueRows = z.array(
  z.object({
    name: z.string(),
    messages_ready: z.number().optional(),
    messages_unacknowledged: z.number().optional(),
  }),
)
const overview = z.object({ message_stats: z.looseObject({ redeliver: z.number().optional() }).optional() })
const looked = z.array(
  z.object({
    payload: z.string(),
    // Without any property RabbitMQ's JSON has an empty list here.
    properties: z.preprocess(
      (value) => (Array.isArray(value) ? {} : value),
      z.looseObject({ type: z.string().optional(), headers: z.record(z.string(), z.unknown()).optional() }),
    ),
  }),
)
export type Looked = z.infer<typeof looked>[number]

/** Messages of a queue; undefined as long as the broker has not counted them. */
export type Depth = { readonly name: string; readonly ready: number; readonly unsettled: number } | undefined

/** The management API of a node of one's own, as an operator's tools use it. */
export type Management = {
  /** Closes every connection; gives how many. */
  closeConnections(): Promise<number>
  hasMemoryAlarm(): Promise<boolean>
  depths(): Promise<readonly Depth[]>
  /** Messages that were delivered again since the node was started, some seconds old. */
  redelivered(): Promise<number>
  /** Looks at the first messages of a queue and puts them back. */
  look(queue: string, count: number): Promise<readonly Looked[]>
}

export function openManagement(managementUrl: string): Management {
  const call = (method: string, path: string, body?: unknown) => callApi(managementUrl, { method, path, body })
  return {
    async closeConnections() {
      const open = connections.parse(await call('GET', '/api/connections?columns=name'))
      // One that has gone meanwhile is as good as closed.
      await Promise.allSettled(open.map(({ name }) => call('DELETE', `/api/connections/${encodeURIComponent(name)}`)))
      return open.length
    },
    hasMemoryAlarm: async () =>
      nodes.parse(await call('GET', '/api/nodes?columns=mem_alarm')).some(({ mem_alarm }) => mem_alarm === true),
    async depths() {
      const columns = 'name,messages_ready,messages_unacknowledged'
      const rows = queueRows.parse(await call('GET', `/api/queues/${VHOST}?columns=${columns}`))
      return rows.map(({ name, messages_ready: ready, messages_unacknowledged: unsettled }) =>
        ready === undefined || unsettled === undefined ? undefined : { name, ready, unsettled },
      )
    },
    redelivered: async () => overview.parse(await call('GET', '/api/overview')).message_stats?.redeliver ?? 0,
    async look(queue, count) {
      const how = { count, ackmode: 'ack_requeue_true', encoding: 'auto' }
      return looked.parse(await call('POST', `/api/queues/${VHOST}/${encodeURIComponent(queue)}/get`, how))
    },
  }
}

type Call = { readonly method: string; readonly path: string; readonly body: unknown }

async function callApi(managementUrl: string, { method, path, body }: Call): Promise<unknown> {
  const { origin, username, password } = new URL(managementUrl)
  const response = await fetch(`${origin}${path}`, {
    method,
    headers: {
      authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
      'content-type': 'application/json',
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(ANSWER_MS_MAX),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path} was answered ${response.status}: ${text}`)
  return text === '' ? undefined : JSON.parse(text)
}
