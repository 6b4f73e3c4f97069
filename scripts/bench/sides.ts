import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type ChannelModel, connect } from 'amqplib'
import { topologyPlan } from '../../shared/topology.ts'
import { serviceNodeFlags } from '../service-process.ts'
import { queueType } from './config.ts'
import { undoneOnInterrupt } from './interrupt.ts'
import { declarePlan } from './lateness.ts'
import { type BenchProcess, startProcess } from './processes.ts'
import { type BenchBroker, type BenchVhost, createVhost } from './vhost.ts'

export const sideNames = ['floor', 'ebs'] as const
export type SideName = (typeof sideNames)[number]

const READY_MS_MAX = 30_000
const POLL_MS = 25
/** The end of the logs is enough to see why. */
const LOG_CHARS_MAX = 4_000
const DECLARE_CHANNELS = 8
/** What a process consumes shows that it is ready. */
const services = { distributor: 'distributor_consume', processor: 'process_consume', statistics: 'statistics' } as const

const folderOf = { floor: './floor/', ebs: '../../services/' } as const
const scriptOf = (side: SideName, service: string) =>
  fileURLToPath(new URL(`${folderOf[side]}${service}${side === 'ebs' ? '/main' : ''}.js`, import.meta.url))

/** Whether the services of a side are built. */
export const isBuilt = (side: SideName) => Object.keys(services).every((name) => existsSync(scriptOf(side, name)))

/** A side that runs: its services against a vhost and a data folder of their own. */
export type Running = {
  readonly amqpUrl: string
  readonly dataDir: string
  readonly processes: readonly BenchProcess[]
  /** From the start of the processes until all of them consumed. */
  readonly readyMs: number
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Starts the three services of a side. `empty` leaves the vhost without topology, so that the services have to declare it;
 * `nodeArgs` go to the Node of every service, behind the flags that `npm start` gives it.
 */
export async function startSide(
  broker: BenchBroker,
  side: SideName,
  { empty = false, nodeArgs = [] }: { readonly empty?: boolean; readonly nodeArgs?: readonly string[] } = {},
): Promise<Running> {
  const vhost = await createVhost(broker, side)
  const dataDir = await mkdtemp(join(tmpdir(), `ebs-bench-${side}-`))
  const processes: BenchProcess[] = []
  const dispose = undoneOnInterrupt(async () => {
    await Promise.all(processes.map((each) => each.stop()))
    await vhost[Symbol.asyncDispose]()
    await rm(dataDir, { recursive: true })
  })
  try {
    if (!empty) await declarePlan(vhost.amqpUrl, topologyPlan(queueType), DECLARE_CHANNELS)
    const env = environmentOf(vhost, dataDir)
    const startedAt = performance.now()
    for (const name of Object.keys(services))
      processes.push(
        await startProcess({
          name,
          args: [...serviceNodeFlags, ...nodeArgs, scriptOf(side, name)],
          folder: dataDir,
          env,
        }),
      )
    await untilConsumed(vhost.amqpUrl, Object.values(services))
    const readyMs = performance.now() - startedAt
    return { amqpUrl: vhost.amqpUrl, dataDir, processes, readyMs, [Symbol.asyncDispose]: dispose }
  } catch (cause) {
    const logs = await Promise.all(processes.map(({ name }) => readFile(join(dataDir, `${name}.log`), 'utf8')))
    await dispose()
    throw new Error(`The ${side} side did not start:\n${logs.join('').slice(-LOG_CHARS_MAX)}`, { cause })
  }
}

/** Port 0 lets the system choose, so that a running system on the usual ports is not in the way. */
const environmentOf = (vhost: BenchVhost, dataDir: string) => ({
  EBS_AMQP_URL: vhost.amqpUrl,
  EBS_AMQP_MANAGEMENT_URL: vhost.managementUrl,
  EBS_DATA_DIR: dataDir,
  EBS_QUEUE_TYPE: queueType,
  EBS_LOG_LEVEL: 'warn',
  EBS_TASK_MS_MIN: '0',
  EBS_TASK_MS_MAX: '0',
  EBS_DISTRIBUTOR_PORT: '0',
  EBS_PROCESSOR_PORT: '0',
  EBS_STATISTICS_PORT: '0',
})

async function untilConsumed(amqpUrl: string, queues: readonly string[]): Promise<void> {
  const connection = await connect(amqpUrl)
  const giveUpAt = performance.now() + READY_MS_MAX
  for (const queue of queues)
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
