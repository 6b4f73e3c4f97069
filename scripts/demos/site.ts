import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { queueType } from '../bench/config.ts'
import { undoneOnInterrupt } from '../bench/interrupt.ts'
import { type BenchProcess, startProcess } from '../bench/processes.ts'
import { assertBuilt, ebsProgram } from '../bench/services.ts'
import { type BenchBroker, createVhost } from '../bench/vhost.ts'
import { findFreePort } from '../broker/free-port.ts'
import { type Api, openApi } from '../cli/api.ts'
import { untilAllReady } from '../readiness.ts'
import { serviceNodeFlags } from '../service-process.ts'
import { commandLine, type Ebs } from './command-line.ts'

const READY_MS_MAX = 60_000
/** The end of the logs is enough to see why. */
const LOG_CHARS_MAX = 4_000

/** What a demo runs, with the queue that shows that it does. */
const programs = {
  hub: ebsProgram('hub', 'hub_consume'),
  statistics: ebsProgram('statistics', 'statistics'),
  processor: ebsProgram('processor', 'process_consume'),
  distributor: ebsProgram('distributor', 'distributor_consume'),
  datagen: ebsProgram('datagen', 'datagen_consume'),
} as const
type DemoService = keyof typeof programs

export type Env = Readonly<Record<string, string>>

/** ebs on a virtual host, a data folder and ports of its own, beside whatever else runs here. */
export type Site = AsyncDisposable & {
  readonly amqpUrl: string
  /** For whoever wants to look from elsewhere. */
  readonly addresses: readonly string[]
  readonly ebs: Ebs
  api(service: DemoService): Api
  /** Stops the processor and starts one with these settings; resolves when it works. */
  deploy(env: Env): Promise<void>
  /** The page of a queue in the management UI. */
  pageOf(queue: string): string
  hasQueue(queue: string): Promise<boolean>
}

/** Starts all services, the processor with settings of its own. */
export async function openSite(broker: BenchBroker, { name, env, processor }: SiteOptions): Promise<Site> {
  assertBuilt(Object.values(programs))
  const vhost = await createVhost(broker, name, 'ebs-demo')
  const folder = await mkdtemp(join(tmpdir(), `ebs-demo-${name}-`))
  const running = new Map<DemoService, BenchProcess>()
  const dispose = undoneOnInterrupt(async () => {
    await Promise.all([...running.values()].map((one) => one.stop()))
    await vhost[Symbol.asyncDispose]()
    await rm(folder, { recursive: true })
  })
  try {
    const ports = new Map<DemoService, number>()
    for (const service of names) ports.set(service, await findFreePort(undefined, [...ports.values()]))
    const urlOf = (service: DemoService) => `http://127.0.0.1:${ports.get(service)}`
    const common = {
      EBS_AMQP_URL: vhost.amqpUrl,
      EBS_AMQP_MANAGEMENT_URL: vhost.managementUrl,
      EBS_DATA_DIR: folder,
      EBS_QUEUE_TYPE: queueType,
      EBS_LOG_LEVEL: 'warn',
      ...env,
    }
    const start = async (service: DemoService, own: Env = {}) => {
      const place = { EBS_HOST: '127.0.0.1', [`EBS_${service.toUpperCase()}_PORT`]: String(ports.get(service)) }
      const args = [...serviceNodeFlags, programs[service].script]
      running.set(service, await startProcess({ name: service, args, folder, env: { ...common, ...own, ...place } }))
    }
    const untilReady = async (services: readonly DemoService[]) => {
      const urls = new Map(services.map((service) => [service, urlOf(service)]))
      if (await untilAllReady(urls, AbortSignal.timeout(READY_MS_MAX))) return
      const logs = await Promise.all(services.map((service) => readFile(join(folder, `${service}.log`), 'utf8')))
      throw new Error(`Not ready within ${READY_MS_MAX / 1_000} s:\n${logs.join('').slice(-LOG_CHARS_MAX)}`)
    }
    for (const service of names) await start(service, service === 'processor' ? processor : {})
    await untilReady(names)
    const ui = publicUrl(vhost.managementUrl)
    return {
      amqpUrl: vhost.amqpUrl,
      addresses: [
        `ebs runs in the virtual host ${vhost.name}.`,
        `From another terminal: export EBS_HUB_URL=${urlOf('hub')}`,
        `The management UI: ${ui} (${loginOf(vhost.managementUrl)})`,
      ],
      ebs: commandLine(Object.fromEntries(names.map((one) => [`EBS_${one.toUpperCase()}_URL`, urlOf(one)]))),
      api: (service) => openApi(service, urlOf(service)),
      async deploy(own) {
        await running.get('processor')?.stop()
        await start('processor', own)
        await untilReady(['processor'])
      },
      pageOf: (queue) => `${ui}/#/queues/${encodeURIComponent(vhost.name)}/${encodeURIComponent(queue)}`,
      hasQueue: async (queue) => (await vhost.queueNames()).includes(queue),
      [Symbol.asyncDispose]: dispose,
    }
  } catch (error) {
    await dispose()
    throw error
  }
}

export type SiteOptions = {
  /** A word for the names of vhost and data folder. */
  readonly name: string
  readonly env: Env
  readonly processor: Env
}

const names: readonly DemoService[] = ['hub', 'statistics', 'processor', 'distributor', 'datagen']

/** Only the well-known password is shown. */
function loginOf(managementUrl: string): string {
  const { username, password } = new URL(managementUrl)
  return username === 'guest' && password === 'guest' ? 'guest/guest' : `user ${username}`
}

/** Without user and password. */
function publicUrl(managementUrl: string): string {
  const url = new URL(managementUrl)
  url.username = ''
  url.password = ''
  return url.href.replace(/\/$/, '')
}
