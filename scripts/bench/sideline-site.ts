import { randomUUID } from 'node:crypto'
import { type ChannelModel, connect } from 'amqplib'
import { z } from 'zod'
import { type BusClient, openBusClient } from './bus-client.ts'
import { afterMs, paced } from './lateness.ts'
import { type Spread, spreadOf } from './quantile.ts'
import { ebsProgram, hubProgram, type Running, startServices } from './services.ts'
import type { BenchBroker } from './vhost.ts'

const POLL_MS = 20
/** Longer than any part of the benchmark takes on a slow machine. */
const WAIT_MS_MAX = 600_000
/** The last answers of a load may take that long. */
const LATE_MS_MAX = 30_000
const CONTENT_CHARS = 300

/** Processor and hub on a vhost of their own, and an operator who sets tasks of one tenant aside. */
export type SidelineSite = AsyncDisposable & {
  readonly amqpUrl: string
  /** Starts a rule on `process_consume` and waits until every consumer applies it. */
  start(id: string, filter: string): Promise<void>
  /** Resolves a rule and waits until everything it had parked was handled. */
  resolve(id: string): Promise<void>
  /** Fills `process_consume` with this many tasks, those of the tenants in turn, while the processor stands still. */
  preload(tenants: readonly string[], count: number): Promise<void>
  /** Lets the processor run and gives the ms until `isOver`. */
  run(isOver: () => boolean | Promise<boolean>): Promise<number>
  /** Polls until `isOver`. */
  until(isOver: () => boolean | Promise<boolean>): Promise<void>
  /** Tasks of this tenant that were finished so far. */
  finished(tenant: string): number
  /** Messages ready in a queue. */
  depth(queue: string): Promise<number>
  /** Sends tasks of these tenants in turn at an even rate and says how long those of `watched` took until they were finished, ms. */
  load(tenants: readonly string[], load: { rate: number; total: number; watched: readonly string[] }): Promise<Spread>
}

export async function openSidelineSite(broker: BenchBroker): Promise<SidelineSite> {
  const running = await startServices(broker, {
    purpose: 'sideline',
    programs: [hubProgram, ebsProgram('processor', 'process_consume')],
    deaf: ['statistics', 'distributor_consume', 'datagen_consume'],
  })
  const client = await openBusClient(running.amqpUrl)
  const asking = await connect(running.amqpUrl)
  // A channel that ends with an error tells its connection, too.
  asking.on('error', () => undefined)
  const rules = await watchRules(client)
  const tasks = await watchTasks(client)
  const processor = processOf(running, 'processor')
  const until = async (isOver: () => boolean | Promise<boolean>) => {
    const giveUpAt = performance.now() + WAIT_MS_MAX
    while (!(await isOver())) {
      if (performance.now() > giveUpAt) throw new Error(`Not over within ${WAIT_MS_MAX} ms.`)
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    }
  }
  const by = { actor: 'bench', reason: 'benchmark' }
  return {
    amqpUrl: running.amqpUrl,
    until,
    finished: (tenant) => tasks.finished(tenant),
    depth: (queue) => depthOf(asking, queue),
    async start(id, filter) {
      client.publish({ type: 'SIDELINE_COMMAND', action: 'start', id, filter, queues: ['process_consume'], ...by })
      await until(() => rules.get(id) === 'active')
    },
    async resolve(id) {
      client.publish({ type: 'SIDELINE_COMMAND', action: 'resolve', id, canary: 0, ...by })
      await until(() => rules.get(id) === 'closed')
    },
    async preload(tenants, count) {
      processor.signal('SIGSTOP')
      for (let n = 0; n < count; n++) tasks.send(tenants[n % tenants.length] ?? '')
      await client.confirmed()
    },
    async run(isOver) {
      const startMs = performance.now()
      processor.signal('SIGCONT')
      await until(isOver)
      return performance.now() - startMs
    },
    async load(tenants, { rate, total, watched }) {
      tasks.forget()
      await paced(rate, total, (n) => tasks.send(tenants[n % tenants.length] ?? ''))
      await client.confirmed()
      const isOver = () => watched.every((tenant) => tasks.waiting(tenant) === 0)
      const giveUpAt = performance.now() + LATE_MS_MAX
      while (!isOver() && performance.now() < giveUpAt) await afterMs(POLL_MS, new AbortController().signal)
      return spreadOf(watched.flatMap((tenant) => tasks.latenciesMs(tenant)))
    },
    async [Symbol.asyncDispose]() {
      await asking.close()
      await client[Symbol.asyncDispose]()
      await running[Symbol.asyncDispose]()
    },
  }
}

/** 0 also when there is no such queue, as behind a rule that was closed: asking for it costs the channel. */
async function depthOf(connection: ChannelModel, queue: string): Promise<number> {
  const channel = await connection.createChannel()
  channel.on('error', () => undefined)
  try {
    const { messageCount } = await channel.checkQueue(queue)
    await channel.close()
    return messageCount
  } catch {
    return 0
  }
}

function processOf({ processes }: Running, name: string) {
  const found = processes.find((one) => one.name === name)
  if (!found) throw new Error(`There is no process ${name}.`)
  return found
}

/** The last status that was told of each rule. */
async function watchRules(client: BusClient): Promise<ReadonlyMap<string, string>> {
  const statuses = new Map<string, string>()
  const schema = z.object({ id: z.string(), status: z.string() })
  await client.hear(['sidelines.changed'], schema, ({ id, status }) => void statuses.set(id, status))
  return statuses
}

/** Sends tasks whose ids begin with their tenant, and hears when they are finished. */
async function watchTasks(client: BusClient) {
  const sentAtMs = new Map<string, number>()
  const finished = new Map<string, number>()
  const latencies = new Map<string, number[]>()
  await client.hear(['tasks.finished'], z.object({ taskId: z.string() }), ({ taskId }) => {
    const [tenant = ''] = taskId.split('/')
    finished.set(tenant, (finished.get(tenant) ?? 0) + 1)
    const sent = sentAtMs.get(taskId)
    if (sent === undefined) return
    sentAtMs.delete(taskId)
    latencies.set(tenant, [...(latencies.get(tenant) ?? []), performance.now() - sent])
  })
  return {
    finished: (tenant: string) => finished.get(tenant) ?? 0,
    waiting: (tenant: string) => [...sentAtMs.keys()].filter((id) => id.startsWith(`${tenant}/`)).length,
    latenciesMs: (tenant: string) => latencies.get(tenant) ?? [],
    forget() {
      sentAtMs.clear()
      latencies.clear()
    },
    send(tenant: string) {
      const id = `${tenant}/${randomUUID()}`
      const createdAt = new Date().toISOString()
      const object = { id: `o-${id}`, tenant, name: id, content: 'x'.repeat(CONTENT_CHARS), createdAt }
      sentAtMs.set(id, performance.now())
      const task = { id, objectId: object.id, index: 1, of: 1, tenant }
      client.publish({ type: 'TASK_CREATED', task, object })
    },
  }
}
