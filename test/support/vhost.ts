import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import { testConfig } from '../config.ts'
import { letGo, takeLetGo } from './let-go.ts'

/** Management shows a new connection within this time; its statistics come every 5 s. */
const LISTED_MS_MAX = 10_000
const ASK_AGAIN_MS = 50

/** Of each payload: what a person looks at. */
const PEEK_BYTES_MAX = 4_096

/**
 * A virtual host is deleted this long after its test. RabbitMQ 3.10 loses all its quorum queues when one with at-least-once
 * dead-lettering is deleted while the process that does it is still starting (rabbit_fifo_dlx_sup gives up).
 */
export const LET_GO_MS = 10_000
/** Deleting one takes the broker some 0.6 s. */
const REMOVED_AT_ONCE = 2

/** All virtual hosts of one test run begin with this; workers are children of the run's main process. */
export const vhostPrefix = (mainPid: number) => `test-${mainPid}-`

/** One virtual host of the tests' broker: nothing that happens in it touches another test. */
export type TestVhost = AsyncDisposable & {
  readonly url: string
  readonly name: string
  /** Of its broker, with user and password. */
  readonly managementUrl: string
  /** Calls the management API, for example `('GET', '/api/overview')`; gives the parsed answer. Throws on a status of 400 or more. */
  management(method: string, path: string, body?: unknown): Promise<unknown>
  /** Closes every connection whose name contains this, as an operator would; waits until there is one. */
  closeConnections(nameFilter?: string): Promise<void>
  deleteQueue(name: string): Promise<void>
  /** Messages ready in a queue, counted by the queue itself: management's own numbers are up to 5 s old. */
  depth(queue: string): Promise<number>
  /** Looks at the first messages of a queue, long payloads cut, and leaves them there; each look counts as a delivery. */
  peek(queue: string, count: number): Promise<PeekedMessage[]>
}

type Urls = { readonly amqpUrl: string; readonly managementUrl: string }

const peekedSchema = z.object({
  exchange: z.string(),
  routing_key: z.string(),
  redelivered: z.boolean(),
  payload: z.string(),
  message_count: z.number(),
  properties: z.preprocess(
    // Without any property RabbitMQ's JSON has an empty list here.
    (value) => (Array.isArray(value) ? {} : value),
    z.looseObject({ headers: z.record(z.string(), z.unknown()).optional() }),
  ),
})
export type PeekedMessage = z.infer<typeof peekedSchema>

const connectionsSchema = z.array(
  z.object({ name: z.string(), vhost: z.string().optional(), user_provided_name: z.string().optional() }),
)

/** Makes a virtual host with a name of its own on the tests' broker or another, open to the user of the urls; deleted some time after its disposal. */
export async function testVhost({ amqpUrl, managementUrl }: Urls = testConfig()): Promise<TestVhost> {
  const name = `${vhostPrefix(process.ppid)}${randomUUID()}`
  const user = new URL(managementUrl).username
  const management = (method: string, path: string, body?: unknown) => call(managementUrl, { method, path, body })
  await management('PUT', `/api/vhosts/${name}`)
  await management('PUT', `/api/permissions/${name}/${user}`, { configure: '.*', write: '.*', read: '.*' })

  const get = async (queue: string, count: number) => {
    const path = `/api/queues/${name}/${encodeURIComponent(queue)}/get`
    const answer = await management('POST', path, {
      count,
      ackmode: 'ack_requeue_true',
      encoding: 'auto',
      truncate: PEEK_BYTES_MAX,
    })
    return z.array(peekedSchema).parse(answer)
  }

  return {
    name,
    managementUrl,
    url: withVhost(amqpUrl, name),
    management,
    async closeConnections(nameFilter = '') {
      const giveUpAt = Date.now() + LISTED_MS_MAX
      let listed: z.infer<typeof connectionsSchema> = []
      while (listed.length === 0) {
        if (Date.now() > giveUpAt) throw new Error(`There is no connection of '${nameFilter}' to close in ${name}.`)
        await pause(ASK_AGAIN_MS)
        const all = connectionsSchema.parse(await management('GET', `/api/vhosts/${name}/connections`))
        listed = all.filter((connection) => connection.user_provided_name?.includes(nameFilter))
      }
      for (const connection of listed)
        await management('DELETE', `/api/connections/${encodeURIComponent(connection.name)}`)
    },
    async deleteQueue(queue) {
      await management('DELETE', `/api/queues/${name}/${encodeURIComponent(queue)}`)
    },
    async depth(queue) {
      const [first] = await get(queue, 1)
      return first ? first.message_count + 1 : 0
    },
    peek: get,
    async [Symbol.asyncDispose]() {
      // A broker of a test's own ends with it.
      if (managementUrl !== testConfig().managementUrl) return
      await letGo(process.ppid, name)
      for (const left of await takeLetGo(process.ppid, { agoMs: LET_GO_MS, limit: REMOVED_AT_ONCE }))
        await management('DELETE', `/api/vhosts/${left}`)
    },
  }
}

type Call = { readonly method: string; readonly path: string; readonly body: unknown }

/** Calls the management API; throws on a status of 400 or more. */
export async function call(managementUrl: string, { method, path, body }: Call): Promise<unknown> {
  const { origin, username, password } = new URL(managementUrl)
  const response = await fetch(`${origin}${path}`, {
    method,
    headers: {
      authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
      'content-type': 'application/json',
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path} was answered ${response.status}: ${text}`)
  return text === '' ? undefined : JSON.parse(text)
}

function withVhost(amqpUrl: string, name: string): string {
  const url = new URL(amqpUrl)
  url.pathname = `/${name}`
  return url.href
}
