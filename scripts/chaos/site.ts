import { appendFileSync, chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findFreePort } from '../broker/free-port.ts'
import { killOwnNode } from '../broker/private-node.ts'
import { findRabbitmqServer } from '../broker/programs.ts'
import { NoBrokerError } from '../broker/ways.ts'
import type { SetUpConfig } from '../config.ts'
import { untilAllReady } from '../readiness.ts'
import { compiledService } from '../service-process.ts'
import { isServiceName, type ServiceName } from '../services.ts'
import { type System, superviseSystem } from '../supervisor.ts'
import { type Disk, openDisk } from './disk.ts'
import { type ProcessName, processNames, type StoreName, storeNames } from './faults.ts'
import { bootChaosNode, type ChaosNode } from './node.ts'
import { serviceSettings } from './settings.ts'
import { type Death, type WatchedProcess, watchedProcess } from './watched-process.ts'

/** What is killed is back soon, because the next fault does not wait; `npm start` waits longer when something dies again and again. */
const backoff = { firstMs: 500, maxMs: 2_000, steadyMs: 5_000 }

/** ebs as `npm start` runs it, with stand-ins and a broker of its own, in a folder of its own. */
export type Site = {
  readonly folder: string
  readonly node: ChaosNode
  readonly processes: ReadonlyMap<ProcessName, WatchedProcess>
  readonly disks: ReadonlyMap<StoreName, Disk>
  /** Folder of a service's database. */
  dataOf(service: ServiceName): string
  urlOf(name: ProcessName): string
  /** Ends of processes, in order of time. */
  deaths(): readonly Death[]
  /** Resolves when every process says that it is ready; false when the signal came first. */
  untilReady(signal: AbortSignal): Promise<boolean>
  /** Every process goes on, and every disk has room. */
  heal(): Promise<void>
  /** Stops services and broker in order. */
  stop(): Promise<void>
  /** Ends everything at once. */
  kill(): Promise<void>
  /** Unmounts disks; the folder stays when it is evidence. */
  clear(keep: boolean): Promise<void>
}

export async function openSite(config: SetUpConfig, minutes: number, signal: AbortSignal): Promise<Site> {
  const program = findRabbitmqServer(config.path)
  if (program === undefined)
    throw new NoBrokerError(
      'There is no rabbitmq-server here to run a node of our own with: install it (Debian: apt-get install rabbitmq-server).',
    )
  const folder = mkdtempSync(join(tmpdir(), 'ebs-chaos-'))
  // The user that the node runs as must get there.
  chmodSync(folder, 0o755)
  for (const name of ['log', 'data']) mkdirSync(join(folder, name))
  const nodeFolder = join(folder, 'node')
  const disks = new Map<StoreName, Disk>()
  let system: System | undefined
  let clearing: Promise<void> | undefined
  const clearAll = async (keep: boolean) => {
    for (const disk of disks.values()) await disk.close(keep)
    if (!keep) rmSync(folder, { recursive: true, force: true })
  }
  // Once: somebody may lose patience while it is under way.
  const clear = (keep: boolean) => {
    clearing ??= clearAll(keep)
    return clearing
  }
  try {
    for (const name of storeNames) disks.set(name, await openDisk(join(folder, 'data', name), minutes))
    const node = await bootChaosNode({ folder: nodeFolder, program, path: config.path }, signal)
    let isStopping = false
    const ports = new Map<ProcessName, number>()
    for (const name of processNames) ports.set(name, await findFreePort(undefined, [...ports.values()]))
    const urlOf = (name: ProcessName) => `http://127.0.0.1:${ports.get(name)}`
    const dataOf = (service: ServiceName) => join(folder, 'data', service)
    const processes = new Map(
      processNames.map((name) => {
        const service = serviceOf(name)
        const env = {
          ...foreignVariables(config),
          ...serviceSettings(service),
          EBS_AMQP_URL: node.amqpUrl,
          EBS_AMQP_MANAGEMENT_URL: node.managementUrl,
          EBS_DATA_DIR: dataOf(service),
          EBS_HOST: '127.0.0.1',
          [`EBS_${service.toUpperCase()}_PORT`]: String(ports.get(name)),
        }
        const logFile = join(folder, 'log', `${name}.log`)
        const watched = { name, service: compiledService(config, service, env), logFile, isStopping: () => isStopping }
        return [name, watchedProcess(watched)] as const
      }),
    )
    const supervisorLog = join(folder, 'log', 'supervisor.log')
    const say = (line: string) => appendFileSync(supervisorLog, `${new Date().toISOString()} ${line}\n`)
    const started = superviseSystem({ services: [...processes.values()], broker: node.owned, say, backoff })
    system = started
    const heal = async () => {
      node.goOn()
      for (const one of processes.values()) one.signal('SIGCONT')
      for (const disk of disks.values()) await disk.free()
    }
    return {
      folder,
      node,
      processes,
      disks,
      dataOf,
      urlOf,
      deaths: () => [...processes.values()].flatMap(({ deaths }) => deaths).sort((a, b) => a.atMs - b.atMs),
      untilReady: (stopped) => untilAllReady(new Map(processNames.map((name) => [name, urlOf(name)])), stopped),
      heal,
      async stop() {
        isStopping = true
        await heal()
        await started.stop()
      },
      async kill() {
        isStopping = true
        await started.kill()
        await killOwnNode(nodeFolder)
      },
      clear,
    }
  } catch (error) {
    await system?.kill()
    await killOwnNode(nodeFolder)
    await clear(false)
    throw error
  }
}

/** `hub-2` is a replica of `hub`. */
function serviceOf(name: ProcessName): ServiceName {
  const service = name.replace(/-\d+$/, '')
  if (!isServiceName(service)) throw new Error(`There is no service ${service}.`)
  return service
}

/** What is the user's own for ebs would change what is tested. */
const foreignVariables = ({ env }: SetUpConfig) =>
  Object.fromEntries(Object.entries(env).filter(([name]) => name !== 'QUEUE_URL' && !name.startsWith('EBS_')))
