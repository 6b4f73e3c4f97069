import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { datagen } from '../../services/datagen/service.ts'
import { distributor } from '../../services/distributor/service.ts'
import { gateway } from '../../services/gateway/service.ts'
import { hub } from '../../services/hub/service.ts'
import { processor } from '../../services/processor/service.ts'
import { statistics } from '../../services/statistics/service.ts'
import type { Broker } from '../../shared/bus/broker.ts'
import { MemoryBroker } from '../../shared/bus/memory-broker.ts'
import { VirtualClock } from '../../shared/clock.ts'
import type { ServiceConfig } from '../../shared/service/config.ts'
import type { Http } from '../../shared/service/http.ts'
import { type StartedService, startService } from '../../shared/service/lifecycle.ts'
import { createLog } from '../../shared/service/log.ts'
import type { ServiceDefinition } from '../../shared/service/service.ts'
import { topologyPlan } from '../../shared/topology.ts'
import type { ServiceName } from '../services.ts'

/** Services with an API of their own. */
export const apis = ['gateway', 'datagen', 'hub', 'statistics'] as const
export type Api = (typeof apis)[number]

/** At once most things are done; whoever waits for a deadline is not waited for in small steps. Timers run one by one in any step. */
const STEP_MS_MAX = 500
/** While the machine itself is waited for (files, sockets), deadlines must not rush past. */
export const REAL_STEP_MS = 2
/** Any port: many sites may be up at once. */
const ports = Object.fromEntries(
  ['GATEWAY', 'DATAGEN', 'HUB', 'STATISTICS', 'DISTRIBUTOR', 'PROCESSOR'].map((name) => [`EBS_${name}_PORT`, '0']),
)
/** Short ways to the end of everything, so that a run sees ends: few tasks, few retries, work that takes no time. */
const settings = {
  EBS_TASKS_PER_OBJECT: '2',
  EBS_OBJECT_DEADLINE_MS: '60000',
  EBS_RETRY_RETRIES: '2',
  EBS_RETRY_MIN_MS: '100',
  EBS_TASK_MS_MAX: '0',
  EBS_FLOW_BACKEND_MS_MAX: '0',
  // More are answered 503: bounds what one request may ask for.
  EBS_OUTBOX_ROWS_MAX: '200',
}

/** The disk is not what is asked here, and an fsync per request is most of what a run would take. */
const folderOfScratch = () => (existsSync('/dev/shm') ? '/dev/shm' : tmpdir())

/** All services in this process, as they are, on a broker in memory and a clock that stands still between requests. */
export class Site implements AsyncDisposable {
  readonly broker: MemoryBroker
  readonly clock: VirtualClock
  /** A stranger's connection. */
  readonly stranger: Broker
  readonly #services = new Map<string, Pick<StartedService<ServiceConfig>, 'http' | 'url' | 'stop'>>()
  readonly #folder = mkdtempSync(join(folderOfScratch(), 'ebs-fuzz-'))
  /** What services said that they cannot live with, and what nobody caught. */
  readonly fatal: string[] = []
  readonly #onCrash = (error: unknown) => void this.fatal.push(`nobody caught ${describe(error)}`)

  private constructor(startMs: number) {
    this.clock = new VirtualClock(startMs)
    this.broker = new MemoryBroker({ clock: this.clock })
    this.stranger = this.broker.connect({ service: 'stranger', plan: topologyPlan('quorum') })
    process.on('uncaughtException', this.#onCrash)
    process.on('unhandledRejection', this.#onCrash)
  }

  /** With variables of the environment besides its own. */
  static async open(more: Readonly<Record<string, string>> = {}): Promise<Site> {
    const site = new Site(START_MS)
    try {
      const env = { ...ports, ...settings, EBS_DATA_DIR: site.#folder, ...more }
      // Who counts comes up first, so that it hears everything.
      await site.#start(statistics, env)
      await site.#start(hub, env)
      await site.#start(processor, env)
      await site.#start(distributor, env)
      await site.#start(datagen, env)
      await site.#start(gateway, env)
      return site
    } catch (error) {
      await site[Symbol.asyncDispose]()
      throw error
    }
  }

  http(service: ServiceName): Http {
    return this.#of(service).http
  }

  url(api: Api): string {
    return this.#of(api).url
  }

  /** Lets time pass until this has settled; throws when it has not within so much virtual time. */
  async during<T>(waiting: Promise<T>, virtualMsMax: number, stepMsMax: number = STEP_MS_MAX): Promise<T> {
    const endMs = this.clock.now() + virtualMsMax
    let settled = false
    let stepMs = 0
    const done = () => {
      settled = true
    }
    waiting.then(done, done)
    while (!settled) {
      if (this.clock.now() > endMs) throw new Error(`no end after ${virtualMsMax} ms of virtual time`)
      await this.clock.advance(stepMs)
      stepMs = Math.min(stepMsMax, stepMs * 2 + 1)
    }
    return await waiting
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // From the source to the counting.
    for (const service of [...this.#services.values()].reverse())
      await this.during(service.stop(), Number.POSITIVE_INFINITY, REAL_STEP_MS)
    await this.during(this.stranger.close(), Number.POSITIVE_INFINITY, REAL_STEP_MS)
    rmSync(this.#folder, { recursive: true, force: true })
    process.off('uncaughtException', this.#onCrash)
    process.off('unhandledRejection', this.#onCrash)
  }

  #of(name: ServiceName) {
    const service = this.#services.get(name)
    if (!service) throw new Error(`${name} is not up`)
    return service
  }

  async #start<C extends ServiceConfig>(definition: ServiceDefinition<C>, env: Readonly<Record<string, string>>) {
    const starting = startService(definition, {
      env,
      clock: this.clock,
      connect: (options) => this.broker.connect(options),
      log: createLog({ service: definition.name, level: 'silent' }),
      onFatal: (error) => this.fatal.push(`${definition.name} cannot go on: ${describe(error)}`),
    })
    this.#services.set(definition.name, await this.during(starting, Number.POSITIVE_INFINITY, REAL_STEP_MS))
  }
}

/** Any time will do; the same one for each run, so that a run can be repeated. */
const START_MS = Date.parse('2026-01-01T00:00:00Z')

const describe = (error: unknown) => (error instanceof Error ? (error.stack ?? error.message) : String(error))
