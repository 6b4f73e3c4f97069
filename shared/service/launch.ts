import { setMaxListeners } from 'node:events'
import type { Broker, ConnectOptions } from '../bus/broker.ts'
import { type Clock, systemClock } from '../clock.ts'
import type { OpenedTracing, openTracing } from '../tracing/sdk.ts'
import type { CheckToken } from './auth-token.ts'
import { watchBroker } from './broker-watch.ts'
import type { Env, ServiceConfig } from './config.ts'
import { unavailable } from './errors.ts'
import { createHealth, type Health } from './health.ts'
import { createHttp, type Http } from './http.ts'
import { createLog, type Logger } from './log.ts'
import { isLoopback } from './loopback.ts'
import { createMetrics } from './metrics.ts'
import { REQUESTS_PER_MINUTE_MAX } from './rate-limits.ts'
import type { Recorder } from './recorder.ts'
import { type HttpServer, openServer } from './server.ts'
import type { Connect, RunningService, ServiceDefinition } from './service.ts'
import { type StopOutcome, stopInOrder } from './stop.ts'

export type LaunchOptions<C extends ServiceConfig> = {
  readonly connect: Connect<C>
  /** When missing: the process' own. */
  readonly env?: Env
  /** When missing: the system's. */
  readonly clock?: Clock
  readonly log?: Logger
  /** When missing: Prometheus metrics. */
  readonly recorder?: Recorder
  /** Registers an SDK for spans when the configuration asks for one: for whoever owns the process. Missing: nobody does. */
  readonly openTracing?: typeof openTracing
  /** Told when a service that had started cannot go on, such as when its broker turns out to be unusable. */
  readonly onFatal?: (error: unknown) => void
}

export type Started = { readonly url: string; readonly http: Http; readonly health: Health }

export type Launch<C extends ServiceConfig> = {
  readonly config: C
  readonly log: Logger
  /** Resolves when started, rejects with what went wrong. */
  readonly started: Promise<Started>
  /** Stops in order, also while still starting; called again it gives the same outcome. */
  stop(): Promise<StopOutcome>
}

/** Of the time to stop, the share that HTTP requests under way get, so that consumers keep the rest. */
const HTTP_SHARE = 0.5
/** Kept for closing stores, channels and connections in order once the work in flight has had its time. */
const CLOSING_MS = 4_000
const CLOSING_SHARE = 0.2

/** Reads the configuration (throws ConfigError) and begins to start. */
export function launch<C extends ServiceConfig>(
  definition: ServiceDefinition<C>,
  options: LaunchOptions<C>,
): Launch<C> {
  const { name, title, docs = false } = definition
  const config = definition.config(options.env)
  const log = options.log ?? createLog({ service: name, level: config.logLevel })
  const onFatal = options.onFatal ?? ((error: unknown) => log.fatal({ err: error }, `${name} cannot go on`))
  const health = createHealth()
  const metrics = createMetrics()
  const recorder = options.recorder ?? metrics.recorder
  const brokerFailure = failureSignal()
  const stopSignal = new AbortController()
  // Every waiting request listens to it: there is nothing suspicious about many.
  setMaxListeners(0, stopSignal.signal)

  let phase: 'starting' | 'running' | 'stopping' = 'starting'
  let broker: Broker | undefined
  let running: RunningService | undefined
  let server: HttpServer | undefined
  let closed: Http | undefined
  let http: Http | undefined
  let tracing: OpenedTracing | undefined

  health.add('service', () => (phase === 'running' ? true : phase))
  for (const warning of config.warnings) log.warn(warning)

  function connect(plan: ConnectOptions['plan']): Broker {
    if (broker) throw new Error(`${name} called connect twice; one broker serves the whole service.`)
    if (phase === 'stopping') throw new Error(`${name} was stopped before it connected.`)
    broker = options.connect({ service: name, plan }, { config, log, recorder })
    const fail = (error: unknown) => {
      if (phase === 'starting') brokerFailure.raise(error)
      // While stopping it is this side that closed the broker.
      if (phase === 'running') onFatal(error)
    }
    watchBroker(broker, { health, metrics, log, fail })
    return broker
  }

  async function start(): Promise<Started> {
    // Before everything else, so that nothing is missed.
    if (config.tracing) tracing = await options.openTracing?.(config.tracing, { service: name, log })
    const { trustProxy, subjectRequestsPerMinuteMax, authFailuresPerMinuteMax } = config
    const shared = { name, title, log, health, metrics, trustProxy }
    const refuse = () => unavailable(`${name} is ${phase}.`)
    closed = await createHttp({ ...shared, requestsPerMinuteMax: false, closed: refuse })
    await closed.ready()
    const { host, port, portVariable } = config
    server = await openServer({ host, port, portVariable, listener: closed.routing })
    http = await createHttp({
      ...shared,
      docs,
      requestsPerMinuteMax: config.requestsPerMinuteMax ?? (isLoopback(host) ? false : REQUESTS_PER_MINUTE_MAX),
      isLoopbackLimited: config.requestsPerMinuteMax !== undefined,
      ...{ subjectRequestsPerMinuteMax, authFailuresPerMinuteMax },
      auth: await openCheck(),
    })
    running = await definition.start({
      config,
      clock: options.clock ?? systemClock,
      log,
      http,
      health,
      metrics,
      recorder,
      connect,
      stopping: stopSignal.signal,
    })
    await http.ready()
    if (phase === 'starting') {
      phase = 'running'
      server.use(http.routing)
      log.info({ url: server.url }, `${name} is running`)
    }
    return { url: server.url, http, health }
  }

  /** Loaded only when it is needed, because it takes memory. */
  async function openCheck(): Promise<CheckToken | undefined> {
    if (!config.auth || (isLoopback(config.host) && !definition.asksOnLoopback)) return undefined
    const { tokenCheck } = await import('./auth-token.ts')
    return tokenCheck(config.auth, { log })
  }

  const starting = start()
  let stopping: Promise<StopOutcome> | undefined

  function stop(): Promise<StopOutcome> {
    const wasStarting = phase === 'starting'
    phase = 'stopping'
    health.stop()
    const deadline = Date.now() + config.shutdownTimeoutMs
    const reserveMs = Math.min(CLOSING_MS, config.shutdownTimeoutMs * CLOSING_SHARE)
    let brokerClosed: Promise<void> | undefined
    const closeBroker = async () => {
      brokerClosed ??= broker?.close(Math.max(0, deadline - Date.now() - reserveMs))
      await brokerClosed
    }
    stopping ??= stopInOrder(log, config.shutdownTimeoutMs, {
      'answer the requests under way': async () => {
        if (closed) server?.use(closed.routing)
        stopSignal.abort()
        const idle = await server?.drain(config.shutdownTimeoutMs * HTTP_SHARE)
        if (idle === false) log.warn('some requests are still unanswered')
      },
      'finish starting': async () => {
        // A start that waits for the broker would wait for ever; closing the broker ends it. Its error is told by `started`.
        if (wasStarting) await closeBroker()
        await Promise.allSettled([starting])
      },
      'stop the service': async () => running?.stop(Math.max(0, deadline - Date.now() - reserveMs)),
      'close the broker': closeBroker,
      'close http': async () => {
        await server?.close()
        await http?.close()
        await closed?.close()
      },
      'send the last spans': async () => tracing?.stop(),
    })
    return stopping
  }

  return { config, log, started: Promise.race([starting, brokerFailure.raised]), stop }
}

/** A promise that only ever rejects, and the function that makes it. */
function failureSignal() {
  let raise: (error: unknown) => void = () => {}
  const raised = new Promise<never>((_, reject) => {
    raise = reject
  })
  return { raised, raise }
}
