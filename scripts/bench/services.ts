import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type ChannelModel, connect } from 'amqplib'
import { exchanges, type Plan, type QueueName, queues, topologyPlan } from '../../shared/topology.ts'
import { serviceNodeFlags } from '../service-process.ts'
import { queueType } from './config.ts'
import { undoneOnInterrupt } from './interrupt.ts'
import { declarePlan } from './lateness.ts'
import { type BenchProcess, startProcess } from './processes.ts'
import { type BenchBroker, type BenchVhost, createVhost } from './vhost.ts'

const READY_MS_MAX = 30_000
const POLL_MS = 25
/** The end of the logs is enough to see why. */
const LOG_CHARS_MAX = 4_000
const DECLARE_CHANNELS = 8

/** A compiled program; what it consumes shows that it is ready. */
export type Program = { readonly name: string; readonly script: string; readonly queue: string }

const compiled = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/** One of the bare programs. */
export const floorProgram = (name: string, queue: string): Program => ({
  name,
  queue,
  script: compiled(`./floor/${name}.js`),
})

/** One of the services of the product. */
export const ebsProgram = (name: string, queue: QueueName): Program => ({
  name,
  queue,
  script: compiled(`../../services/${name}/main.js`),
})

export const hubProgram = ebsProgram('hub', 'hub_consume')

/** Throws when one of them is not there. */
export function assertBuilt(programs: readonly Program[]): void {
  const missing = programs.filter(({ script }) => !existsSync(script)).map(({ name }) => name)
  if (missing.length > 0) throw new Error(`Not built: ${missing.join(', ')}. Build with: npm run build`)
}

export type StartOptions = {
  /** A word for the names of vhost and data folder. */
  readonly purpose: string
  readonly programs: readonly Program[]
  /** Queues that are to hear nothing: those of services that do not run and would only fill. */
  readonly deaf?: readonly QueueName[]
  /** Leaves the vhost without topology, so that the services have to declare it. */
  readonly empty?: boolean
  /** Queues to declare in place of the product's topology, with the one key that each hears on its exchange. */
  readonly bare?: readonly { readonly queue: string; readonly key: string }[]
  /** Besides what all programs get. */
  readonly env?: Readonly<Record<string, string>>
  /** For the Node of every program, behind the flags that `npm start` gives it. */
  readonly nodeArgs?: readonly string[]
}

/** Programs that run against a vhost and a data folder of their own. */
export type Running = {
  readonly amqpUrl: string
  readonly dataDir: string
  readonly processes: readonly BenchProcess[]
  /** From the start of the processes until all of them consumed. */
  readonly readyMs: number
  /** Ends the processes and starts them on the same vhost and data; gives back the ms until all of them consumed. */
  startAgain(): Promise<number>
  [Symbol.asyncDispose](): Promise<void>
}

/** Starts programs and waits until they consume. */
export async function startServices(broker: BenchBroker, options: StartOptions): Promise<Running> {
  const { purpose, programs, deaf = [], empty = false, bare } = options
  assertBuilt(programs)
  const vhost = await createVhost(broker, purpose)
  const { amqpUrl } = vhost
  const dataDir = await mkdtemp(join(tmpdir(), `ebs-bench-${purpose}-`))
  const processes: BenchProcess[] = []
  const stop = () => Promise.all(processes.splice(0).map((each) => each.stop()))
  const dispose = undoneOnInterrupt(async () => {
    await stop()
    await vhost[Symbol.asyncDispose]()
    await rm(dataDir, { recursive: true })
  })
  const start = async () => {
    const startedAt = performance.now()
    for (const program of programs) processes.push(await startProgram(program, options, vhost, dataDir))
    await untilConsumed(
      amqpUrl,
      programs.map(({ queue }) => queue),
    )
    const readyMs = performance.now() - startedAt
    // After the start, because every service declares all bindings.
    if (deaf.length > 0) await unbind(amqpUrl, deaf)
    return readyMs
  }
  try {
    if (!empty) await declarePlan(amqpUrl, bare ? barePlan(bare) : topologyPlan(queueType), DECLARE_CHANNELS)
    const readyMs = await start()
    const startAgain = async () => {
      await stop()
      return start()
    }
    return { amqpUrl, dataDir, processes, readyMs, startAgain, [Symbol.asyncDispose]: dispose }
  } catch (cause) {
    const logs = await Promise.all(processes.map(({ name }) => readFile(join(dataDir, `${name}.log`), 'utf8')))
    await dispose()
    throw new Error(`The programs for ${purpose} did not start:\n${logs.join('').slice(-LOG_CHARS_MAX)}`, { cause })
  }
}

const startProgram = (
  { name, script }: Program,
  { nodeArgs = [], programs, env = {} }: StartOptions,
  vhost: BenchVhost,
  dataDir: string,
) =>
  startProcess({
    name,
    args: [...serviceNodeFlags, ...nodeArgs, script],
    folder: dataDir,
    env: { ...environmentOf(vhost, dataDir, programs), ...env },
  })

/** Port 0 lets the system choose, so that a running system on the usual ports is not in the way. Work takes no time of its own. */
const environmentOf = (vhost: BenchVhost, dataDir: string, programs: readonly Program[]) => ({
  EBS_AMQP_URL: vhost.amqpUrl,
  EBS_AMQP_MANAGEMENT_URL: vhost.managementUrl,
  EBS_DATA_DIR: dataDir,
  EBS_QUEUE_TYPE: queueType,
  EBS_LOG_LEVEL: 'warn',
  EBS_TASK_MS_MIN: '0',
  EBS_TASK_MS_MAX: '0',
  EBS_FLOW_BACKEND_MS_MIN: '0',
  EBS_FLOW_BACKEND_MS_MAX: '0',
  ...Object.fromEntries(programs.map(({ name }) => [`EBS_${name.toUpperCase()}_PORT`, '0'])),
})

/** Queues of the measured type on an exchange of the same name and kind as the product's, and nothing else. */
const barePlan = (rows: NonNullable<StartOptions['bare']>): Plan => ({
  exchanges: [{ name: exchanges.events, type: 'topic', arguments: {} }],
  queues: [...new Set(rows.map(({ queue }) => queue))].map((name) => ({
    name,
    arguments: { 'x-queue-type': queueType },
  })),
  bindings: rows.map(({ queue, key }) => ({ source: exchanges.events, destination: queue, to: 'queue', key })),
})

async function unbind(amqpUrl: string, deaf: readonly QueueName[]): Promise<void> {
  const connection = await connect(amqpUrl)
  const channel = await connection.createChannel()
  for (const queue of deaf)
    for (const key of queues[queue].hears) await channel.unbindQueue(queue, exchanges.events, key)
  await channel.close()
  await connection.close()
}

async function untilConsumed(amqpUrl: string, names: readonly string[]): Promise<void> {
  const connection = await connect(amqpUrl)
  const giveUpAt = performance.now() + READY_MS_MAX
  for (const queue of names)
    while ((await consumersOf(connection, queue)) === 0) {
      if (performance.now() > giveUpAt) throw new Error(`Nothing consumed ${queue} within ${READY_MS_MAX} ms.`)
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    }
  await connection.close()
}

/** 0 also while there is no such queue: asking for it costs the channel. */
async function consumersOf(connection: ChannelModel, queue: string): Promise<number> {
  const channel = await connection.createChannel()
  channel.on('error', () => undefined)
  try {
    const { consumerCount } = await channel.checkQueue(queue)
    await channel.close()
    return consumerCount
  } catch {
    return 0
  }
}
