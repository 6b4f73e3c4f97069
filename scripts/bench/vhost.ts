import { z } from 'zod'
import { undoneOnInterrupt } from './interrupt.ts'

/** A broker that a benchmark may use: both urls as the environment has them. */
export type BenchBroker = { readonly amqpUrl: string; readonly managementUrl: string }

/** The broker gathers its statistics every 5 s. */
const STATISTICS_POLL_MS = 500

const overview = z.object({ rabbitmq_version: z.string() })
const nodes = z.array(z.object({ os_pid: z.string().optional() }))
const queueRows = z.array(
  z.object({ name: z.string(), memory: z.number().optional(), messages: z.number().optional() }),
)

/** A vhost made for one benchmark or demo and removed with it, so that nothing of the user's is touched. */
export type BenchVhost = {
  readonly amqpUrl: string
  readonly managementUrl: string
  readonly name: string
  /** Bytes of the queue processes of this vhost alone, so that neighbours on the broker do not count; waits until all are known. */
  queueBytes(): Promise<number>
  messages(): Promise<number>
  queueNames(): Promise<readonly string[]>
  [Symbol.asyncDispose](): Promise<void>
}

export async function createVhost(broker: BenchBroker, purpose: string, prefix = 'ebs-bench'): Promise<BenchVhost> {
  const name = `${prefix}-${purpose}-${process.pid}-${Date.now()}`
  const amqpUrl = new URL(broker.amqpUrl)
  const user = decodeURIComponent(amqpUrl.username) || 'guest'
  amqpUrl.pathname = `/${name}`
  await call(broker, `vhosts/${name}`, { method: 'PUT' })
  await call(broker, `permissions/${name}/${user}`, {
    method: 'PUT',
    body: JSON.stringify({ configure: '.*', write: '.*', read: '.*' }),
  })
  const queues = async () => queueRows.parse(await call(broker, `queues/${name}`, { method: 'GET' }))
  return {
    amqpUrl: amqpUrl.href,
    managementUrl: broker.managementUrl,
    name,
    queueBytes: async () => {
      for (;;) {
        const rows = await queues()
        if (rows.every(({ memory }) => memory !== undefined))
          return rows.reduce((sum, row) => sum + (row.memory ?? 0), 0)
        await new Promise((resolve) => setTimeout(resolve, STATISTICS_POLL_MS))
      }
    },
    messages: async () => (await queues()).reduce((sum, { messages = 0 }) => sum + messages, 0),
    queueNames: async () => (await queues()).map((queue) => queue.name),
    [Symbol.asyncDispose]: undoneOnInterrupt(async () => {
      await call(broker, `vhosts/${name}`, { method: 'DELETE' })
    }),
  }
}

/** Version of the broker and the process to watch, which a node knows some seconds after its start. */
export async function describeBroker(broker: BenchBroker): Promise<{ version: string; pid: number }> {
  const { rabbitmq_version: version } = overview.parse(await call(broker, 'overview', { method: 'GET' }))
  for (;;) {
    const [node] = nodes.parse(await call(broker, 'nodes', { method: 'GET' }))
    if (node?.os_pid !== undefined) return { version, pid: Number(node.os_pid) }
    await new Promise((resolve) => setTimeout(resolve, STATISTICS_POLL_MS))
  }
}

async function call(broker: BenchBroker, path: string, init: RequestInit): Promise<unknown> {
  const url = new URL(`${broker.managementUrl.replace(/\/$/, '')}/api/${path}`)
  const credentials = `${decodeURIComponent(url.username) || 'guest'}:${decodeURIComponent(url.password) || 'guest'}`
  url.username = ''
  url.password = ''
  const response = await fetch(url, {
    ...init,
    headers: {
      authorization: `Basic ${Buffer.from(credentials).toString('base64')}`,
      'content-type': 'application/json',
    },
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${init.method} ${url.pathname} answered ${response.status}: ${text}`)
  return text === '' ? undefined : JSON.parse(text)
}
