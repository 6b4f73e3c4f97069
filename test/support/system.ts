import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { connect } from 'amqplib'
import { onTestFinished } from 'vitest'
import { z } from 'zod'
import { describeExit, type Exit } from '../../scripts/running.ts'
import type { ServiceName } from '../../scripts/services.ts'
import { migrations as shopMigrations } from '../../services/processor/shop/schema.ts'
import { openStatistics } from '../../services/statistics/store.ts'
import { hubMigrations } from '../../shared/store/sqlite-hub-store.ts'
import { SqliteStore } from '../../shared/store/sqlite-store.ts'
import { type Answer, type Ask, ask } from './http.ts'
import { ServiceProcess } from './service-process.ts'
import { systemFolder } from './system-folder.ts'
import { parseTotals, type Totals } from './totals.ts'
import { type TestVhost, testVhost } from './vhost.ts'

/** A message made by hand; without properties it is what a person pastes into the management UI. */
export type HandMade = {
  readonly key: string
  /** Text and bytes as they are, anything else as JSON. */
  readonly body: unknown
  readonly properties?: Readonly<Record<string, unknown>>
}

export type SystemOptions = {
  /** One process each; a name that comes twice is two replicas: `processor`, `processor-2`. */
  readonly services?: readonly ServiceName[]
  readonly env?: Readonly<Record<string, string>>
  /** Missing: one of its own on the tests' broker, deleted with the system. */
  readonly vhost?: TestVhost
  /** Do not wait until the services say that they are running: their broker is not there. */
  readonly isBrokerAway?: boolean
}

/** ebs as processes on a virtual host and a data folder of its own. */
export type System = AsyncDisposable & {
  readonly vhost: TestVhost
  readonly processes: readonly ServiceProcess[]
  /** Where its databases are. */
  readonly dataDir: string
  /** The process of this name, such as `processor-2`. */
  process(name: string): ServiceProcess
  /** Starts one more process of a service; resolves when it is running. */
  start(service: ServiceName, env?: Readonly<Record<string, string>>): Promise<ServiceProcess>
  /** The totals, from the first statistics process that runs. */
  statistics(): Promise<Totals>
  /** How many events of each type were counted. */
  events(): Promise<Record<string, number>>
  /** Rows of `stats.db`, read as any program would, beside the running statistics. */
  rows<T extends z.ZodType>(schema: T, sql: string): Promise<z.output<T>[]>
  /** The same of `hub.db`. */
  hubRows<T extends z.ZodType>(schema: T, sql: string): Promise<z.output<T>[]>
  /** The same of `shop.db`, the other system of the example journeys. */
  shopRows<T extends z.ZodType>(schema: T, sql: string): Promise<z.output<T>[]>
  /** Sends a request to the process of this name, such as `gateway-2`. */
  ask(name: string, path: string, request?: Ask): Promise<Answer>
  /** Makes this many objects with one request, of this tenant if there is one; gives the status. */
  createObjects(count: number, idempotencyKey?: string, tenant?: string): Promise<number>
  /** Publishes on the exchange `ebs`; whether a queue took it. */
  publish(message: HandMade): Promise<boolean>
  /** Publishes many, in order, over a connection of its own; there only their headers are taken of the properties. */
  publishMany(messages: readonly HandMade[]): Promise<void>
}

const everyService = ['datagen', 'distributor', 'processor', 'hub', 'statistics'] as const
const STOP_MS_MAX = 20_000
const STOPPED: Exit = { code: 0, signal: null }

/** Starts a system inside a test. A process that does not stop in order, or is left behind, fails the test. */
export const startSystem = (options: SystemOptions = {}): Promise<System> =>
  startIn(systemFolder(), options, onTestFinished)

/**
 * Starts a system in a folder that has `data` and `log`. What `onEnd` is told is to be done after its disposal, also if it never
 * started: it kills what is left, and rejects with all that was not in order.
 */
export async function startIn(
  folder: string,
  { services = everyService, env = {}, ...options }: SystemOptions,
  onEnd: (end: () => Promise<void>) => void,
): Promise<System> {
  const vhost = options.vhost ?? (await testVhost())
  const processes: ServiceProcess[] = []
  const complaints: string[] = []

  onEnd(async () => {
    const left = processes.filter(({ isAlive }) => isAlive)
    await Promise.all(left.map((one) => one.kill()))
    complaints.push(...left.map(({ name }) => `${name} was left running`))
    if (complaints.length > 0) throw new Error(`${complaints.join('; ')}. Logs: ${folder}`)
  })

  const add = (service: ServiceName, own: Readonly<Record<string, string>> = {}) => {
    const replica = processes.filter((one) => one.service === service).length + 1
    const name = replica === 1 ? service : `${service}-${replica}`
    const added = new ServiceProcess({
      service,
      name,
      logFile: join(folder, 'log', `${name}.log`),
      env: {
        EBS_AMQP_URL: vhost.url,
        EBS_AMQP_MANAGEMENT_URL: vhost.managementUrl,
        EBS_DATA_DIR: join(folder, 'data'),
        [`EBS_${service.toUpperCase()}_PORT`]: '0',
        // Queues and consumers of activities, which only stories about journeys need; they say EBS_ACTIVITIES.
        ...(service === 'processor' && { EBS_ACTIVITIES: 'none' }),
        ...env,
        ...own,
      },
    })
    processes.push(added)
    return added
  }
  const find = (isWanted: (one: ServiceProcess) => boolean, wanted: string) => {
    const found = processes.find(isWanted)
    if (!found) throw new Error(`This system has no ${wanted}.`)
    return found
  }
  const running = (service: ServiceName) => find((one) => one.service === service && one.isAlive, `running ${service}`)

  const dispose = async () => {
    complaints.push(...(await stopAll(processes.filter(({ isAlive }) => isAlive))))
    if (!options.vhost) await vhost[Symbol.asyncDispose]()
  }
  for (const service of services) add(service)
  try {
    if (!options.isBrokerAway) await Promise.all(processes.map((one) => one.running()))
  } catch (error) {
    await dispose()
    throw error
  }

  return {
    vhost,
    processes,
    dataDir: join(folder, 'data'),
    process: (name) => find((one) => one.name === name, name),
    async start(service, own) {
      const added = add(service, own)
      await added.running()
      return added
    },
    statistics: async () => parseTotals((await ask(`${running('statistics').url}/api/statistics`)).json),
    async events() {
      const { items } = eventsAnswer.parse((await ask(`${running('statistics').url}/api/events?limit=1000`)).json)
      const byType: Record<string, number> = {}
      for (const { type, count } of items) byType[type] = (byType[type] ?? 0) + count
      return byType
    },
    rows: async (schema, sql) => readAll(await openStatistics(join(folder, 'data', 'stats.db')), schema, sql),
    hubRows: async (schema, sql) => readAll(await openHub(join(folder, 'data', 'hub.db')), schema, sql),
    shopRows: async (schema, sql) => readAll(await openShop(join(folder, 'data', 'shop.db')), schema, sql),
    ask: (name, path, request) => ask(`${find((one) => one.name === name, name).url}${path}`, request),
    async createObjects(count, idempotencyKey = randomUUID(), tenant = undefined) {
      const headers = { 'idempotency-key': idempotencyKey }
      const wish = tenant === undefined ? { method: 'POST' } : { json: { tenant } }
      const answer = await ask(`${running('datagen').url}/api/objects?count=${count}`, { ...wish, headers })
      return answer.status
    },
    publish: (message) => publish(vhost, message),
    publishMany: (messages) => publishMany(vhost, messages),
    [Symbol.asyncDispose]: dispose,
  }
}

const eventsAnswer = z.object({ items: z.array(z.object({ type: z.string(), count: z.number() })) })

const openShop = (path: string) => SqliteStore.open({ path, migrations: shopMigrations })
const openHub = (path: string) => SqliteStore.open({ path, migrations: hubMigrations })

async function readAll<T extends z.ZodType>(store: SqliteStore, schema: T, sql: string): Promise<z.output<T>[]> {
  try {
    return store.read.all(schema, sql)
  } finally {
    await store.close()
  }
}

/** Stops them as an operator would, and says what did not stop in order. */
async function stopAll(processes: readonly ServiceProcess[]): Promise<string[]> {
  const stopped = processes.map(async (one) => {
    const timer = setTimeout(() => one.signal('SIGKILL'), STOP_MS_MAX)
    const exit = await one.kill('SIGTERM')
    clearTimeout(timer)
    return exit.code === STOPPED.code ? [] : [`${one.name} did not stop in order: ${describeExit(exit)}`]
  })
  return (await Promise.all(stopped)).flat()
}

const bytesOf = ({ body }: HandMade) =>
  Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))

async function publish(vhost: TestVhost, message: HandMade): Promise<boolean> {
  const { key, properties = {} } = message
  const answer = await vhost.management('POST', `/api/exchanges/${encodeURIComponent(vhost.name)}/ebs/publish`, {
    routing_key: key,
    properties,
    payload: bytesOf(message).toString('base64'),
    payload_encoding: 'base64',
  })
  return z.object({ routed: z.boolean() }).parse(answer).routed
}

const headed = z.object({ headers: z.record(z.string(), z.unknown()) }).partial()

async function publishMany(vhost: TestVhost, messages: readonly HandMade[]): Promise<void> {
  const connection = await connect(vhost.url)
  try {
    const channel = await connection.createConfirmChannel()
    for (const message of messages)
      channel.publish('ebs', message.key, bytesOf(message), {
        ...headed.parse(message.properties ?? {}),
        persistent: true,
      })
    await channel.waitForConfirms()
  } finally {
    await connection.close()
  }
}
