import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { Registry } from 'prom-client'
import type { Broker } from '../../shared/bus/broker.ts'
import type { MemoryBroker } from '../../shared/bus/memory-broker.ts'
import type { Clock } from '../../shared/clock.ts'
import type { Env, ServiceConfig } from '../../shared/service/config.ts'
import { createHealth } from '../../shared/service/health.ts'
import { createHttp, type Http } from '../../shared/service/http.ts'
import type { Logger } from '../../shared/service/log.ts'
import type { Metrics } from '../../shared/service/metrics.ts'
import { silentRecorder } from '../../shared/service/recorder.ts'
import { counterFamily, durationFamily } from '../../shared/service/series.ts'
import type { RunningService, ServiceDefinition } from '../../shared/service/service.ts'
import type { Plan } from '../../shared/topology.ts'
import { LaterRoutes } from './later-routes.ts'
import { type BrokerAround, MortalBroker } from './mortal-broker.ts'
import type { FileOwner, MortalFiles } from './mortal-files.ts'

/** One service of the system, and how it is started: its own type of configuration stays its own. */
export type Launcher = (context: LaunchContext) => Promise<RunningService>

type LaunchContext = {
  readonly env: Env
  readonly clock: Clock
  readonly log: Logger
  readonly connect: (plan: Plan) => Broker
  readonly stopping: AbortSignal
  /** It has started, and this opens its API. */
  readonly onHttp: (open: () => Promise<Http>) => void
}

/** The real definition, without a port: requests are injected. */
export function launcherOf<C extends ServiceConfig>(definition: ServiceDefinition<C>): Launcher {
  return async ({ env, connect, onHttp, ...context }) => {
    const { name, title, config } = definition
    const shared = { log: context.log, health: createHealth(), metrics: quietMetrics() }
    const routes = new LaterRoutes()
    const running = await definition.start({
      ...{ ...context, ...shared, http: routes.http, connect, config: config(env), recorder: silentRecorder },
    })
    onHttp(() => routes.open(() => createHttp({ name, title, ...shared, requestsPerMinuteMax: false })))
    return running
  }
}

export type ProcessOptions = {
  /** Of the place where it runs, such as `hub-1`. */
  readonly name: string
  readonly launcher: Launcher
  readonly env: Env
  readonly clock: Clock
  readonly log: Logger
  readonly memory: MemoryBroker
  readonly files: MortalFiles
  /** Files of all processes lie in `<root>/disk`; each knows them under a folder of its own. */
  readonly root: string
  readonly latenessMs: () => number
  readonly isStoreOut: () => boolean
  readonly onPoint: (point: Parameters<BrokerAround['onPoint']>[0] | Parameters<FileOwner['onPoint']>[0]) => void
  readonly around: Pick<BrokerAround, 'onPublish' | 'onDelivery' | 'onDeclared'>
  /** It cannot go on, and ends by itself. */
  readonly onFailed: (error: unknown) => void
}

let incarnations = 0

/** A process of a service, as real as it gets inside this one: killed, it does nothing more, and its files are as the disk has them. */
export class SimProcess {
  readonly name: string
  isAlive = true
  /** Opens its API; there from when it has started. */
  http: (() => Promise<Http>) | undefined
  readonly #options: ProcessOptions
  readonly #owner: FileOwner
  readonly #stopping = new AbortController()
  #link: Broker | undefined

  constructor(options: ProcessOptions) {
    const { name, root, files, launcher, env, log, isStoreOut, onPoint } = options
    this.name = name
    this.#options = options
    const folder = join(root, `${name}.${++incarnations}`)
    mkdirSync(join(root, 'disk'), { recursive: true })
    symlinkSync(join(root, 'disk'), folder)
    this.#owner = { folder, onPoint, isAlive: () => this.isAlive, isOut: isStoreOut }
    files.add(this.#owner)
    launcher({
      ...{ log, clock: this.#clock(), stopping: this.#stopping.signal },
      env: { ...env, EBS_DATA_DIR: folder },
      connect: (plan) => this.#connect(plan),
      onHttp: (http) => {
        this.http = http
      },
    }).catch((error: unknown) => {
      if (this.isAlive) options.onFailed(error)
    })
  }

  /** As kill -9. */
  kill(): void {
    if (!this.isAlive) return
    this.isAlive = false
    const { memory, files } = this.#options
    memory.cut(this.name)
    this.#link?.close(0).catch(() => undefined)
    this.#stopping.abort()
    files.bury(this.#owner)
  }

  #connect(plan: Plan): Broker {
    const { memory, around, onPoint } = this.#options
    const link = memory.connect({ service: this.name, plan })
    around.onDeclared(plan)
    this.#link = link
    return new MortalBroker(link, { ...around, onPoint, isAlive: () => this.isAlive })
  }

  #clock(): Clock {
    const { clock, latenessMs } = this.#options
    return {
      now: () => clock.now(),
      after: (delayMs, run) =>
        clock.after(delayMs + latenessMs(), () => {
          if (this.isAlive) run()
        }),
    }
  }
}

/** Counts into nowhere: what metrics say is tested elsewhere, and measuring node itself costs more than the rest of a start. */
function quietMetrics(): Metrics {
  const registry = new Registry()
  return {
    recorder: silentRecorder,
    contentType: registry.contentType,
    text: () => registry.metrics(),
    gauge: () => undefined,
    gaugeBy: () => undefined,
    counter: (named) => counterFamily({ ...named, registry }),
    durations: (named) => durationFamily({ ...named, registry }),
    requestDone: () => undefined,
  }
}
