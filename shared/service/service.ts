import type { Broker, ConnectOptions } from '../bus/broker.ts'
import type { Clock } from '../clock.ts'
import type { Env, ServiceConfig } from './config.ts'
import type { Health } from './health.ts'
import type { Http } from './http.ts'
import type { Logger } from './log.ts'
import type { Metrics } from './metrics.ts'
import type { Recorder } from './recorder.ts'

/** A service as data: what it is called, how it is configured, and how it starts. */
export type ServiceDefinition<C extends ServiceConfig> = {
  readonly name: string
  readonly title: string
  /** Serves an API: `/openapi.json` and `/docs` too. */
  readonly docs?: boolean
  /** With EBS_AUTH=jwt, tokens are asked for on loopback, too. Otherwise only where other machines can call: whoever is on this one needs none. */
  readonly asksOnLoopback?: boolean
  /** Throws ConfigError. */
  readonly config: (env?: Env) => C
  /**
   * Registers routes, connects, consumes. It may wait for the broker: health and metrics are served meanwhile, and other
   * requests are answered 503 until it resolves.
   */
  start(context: ServiceContext<C>): Promise<RunningService>
}

export type ServiceContext<C extends ServiceConfig> = {
  readonly config: C
  /** What a service goes by, for waits too: a simulation passes its own. */
  readonly clock: Clock
  readonly log: Logger
  /** Not yet open: routes can be added until `start` resolves. */
  readonly http: Http
  readonly health: Health
  readonly metrics: Metrics
  readonly recorder: Recorder
  /**
   * Connects to the broker that the caller chose, with this topology. The service is ready only while the broker is up; a
   * broker that can never be used (drift, too old) ends the service; it is closed after the service has stopped.
   */
  connect(plan: ConnectOptions['plan']): Broker
  /** Aborted as soon as the service is told to stop: requests that only wait are to be answered then, because a stop waits for them. */
  readonly stopping: AbortSignal
}

export type RunningService = {
  /**
   * Stops taking, finishes what is in flight, then closes stores. No HTTP request is under way when it is called; the broker is
   * still there and is closed afterwards. What is in flight has `withinMs`, after which the rest goes back to the broker.
   */
  stop(withinMs: number): Promise<void>
}

/** Makes a broker connection; `connectAmqp` and the in-memory broker are wrapped into it. */
export type Connect<C extends ServiceConfig = ServiceConfig> = (
  options: ConnectOptions,
  service: { readonly config: C; readonly log: Logger; readonly recorder: Recorder },
) => Broker
