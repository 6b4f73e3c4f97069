import type { EventEmitter } from 'node:events'
import { openTracing } from '../tracing/sdk.ts'
import type { ServiceConfig } from './config.ts'
import { type Launch, type LaunchOptions, launch, type Started } from './launch.ts'
import type { ServiceDefinition } from './service.ts'
import type { StopOutcome } from './stop.ts'

export type StartedService<C extends ServiceConfig> = Started & {
  readonly config: C
  stop(): Promise<StopOutcome>
}

/** Starts a service inside this process, without touching the process: for several in one, and for tests. */
export async function startService<C extends ServiceConfig>(
  definition: ServiceDefinition<C>,
  options: LaunchOptions<C>,
): Promise<StartedService<C>> {
  const launched = launch(definition, options)
  try {
    return { ...(await launched.started), config: launched.config, stop: launched.stop }
  } catch (error) {
    await launched.stop()
    throw error
  }
}

/** The outside of a process; tests pass their own. */
export type Process = {
  /** Emits signals, `disconnect`, `uncaughtException` and `unhandledRejection`. */
  readonly events: EventEmitter
  readonly exit: (code: number) => void
  /** Writes a text for a person to stderr. */
  readonly print: (text: string) => void
}

const thisProcess: Process = {
  events: process,
  exit: (code) => process.exit(code),
  print: (text) => void process.stderr.write(`${text}\n`),
}

/** `hopeless`: starting again does not help, a person has to change something first; `npm start` then ends. */
const exitCode = { stopped: 0, failed: 1, hopeless: 2 } as const

/**
 * The whole life of a service's process. SIGTERM, SIGINT or the end of the parent process stop it in order: exit 0, or 1 when
 * the time ran out. A mistake in the configuration, or a store that starting again cannot open, ends it with 2; anything else that it
 * cannot live with, with 1.
 */
export async function runService<C extends ServiceConfig>(
  definition: ServiceDefinition<C>,
  options: LaunchOptions<C>,
  { events, exit, print }: Process = thisProcess,
): Promise<void> {
  let launched: Launch<C> | undefined
  const crash = (error: unknown) => {
    launched?.log.fatal({ err: error }, `${definition.name} cannot go on`)
    exit(exitCode.failed)
  }
  const end = (error: unknown) => {
    const code = error instanceof Error ? forPeople.get(error.name) : undefined
    if (!(error instanceof Error) || code === undefined) return crash(error)
    print(`${definition.name}: ${error.message}`)
    exit(code)
  }
  try {
    launched = launch(definition, { openTracing, ...options, onFatal: end })
  } catch (error) {
    return end(error)
  }
  const { started, stop, log } = launched
  const isStopping = stopOnSignals(events, {
    stop: async (why) => {
      log.info(`${definition.name} stops: ${why}`)
      const outcome = await stop()
      if (outcome === 'clean') log.info(`${definition.name} has stopped`)
      exit(outcome === 'clean' ? exitCode.stopped : exitCode.failed)
    },
    atOnce: (why) => {
      log.warn(`${definition.name} was told twice to stop (${why}) and ends at once`)
      exit(exitCode.failed)
    },
  })
  for (const event of ['uncaughtException', 'unhandledRejection']) events.on(event, crash)
  try {
    await started
  } catch (error) {
    // A start that was interrupted by a signal has failed by our own will.
    if (isStopping()) return
    await stop()
    end(error)
  }
}

/**
 * Errors whose message is written for the person who starts the service, a stack trace would only hide it; and the exit code of each. What
 * the broker refuses may be put right while this one is tried again, and so may a lock, a disk that is full or one that is away.
 */
const forPeople: ReadonlyMap<string, number> = new Map([
  ['ConfigError', exitCode.hopeless],
  ['HopelessStoreError', exitCode.hopeless],
  ['ListenError', exitCode.hopeless],
  ['LockedStoreError', exitCode.failed],
  ['NewerTopologyError', exitCode.failed],
  ['TopologyDriftError', exitCode.failed],
  ['UnopenedStoreError', exitCode.failed],
  ['UnsupportedBrokerError', exitCode.failed],
  ['UnusableDatabaseError', exitCode.hopeless],
])

/** Ctrl-C reaches every process of a terminal, and the supervisor then sends SIGTERM: together they are one wish. */
const SAME_WISH_MS = 1_000

type StopActions = { readonly stop: (why: string) => Promise<void>; readonly atOnce: (why: string) => void }

/** Stops at the first signal; the same signal again, or another one later, ends at once. Gives whether it is stopping. */
function stopOnSignals(events: EventEmitter, { stop, atOnce }: StopActions): () => boolean {
  let first: { signal: string; atMs: number } | undefined
  for (const signal of ['SIGTERM', 'SIGINT']) {
    events.on(signal, () => {
      if (!first) {
        first = { signal, atMs: Date.now() }
        void stop(signal)
      } else if (first.signal === signal || Date.now() - first.atMs > SAME_WISH_MS) atOnce(signal)
    })
  }
  events.on('disconnect', () => {
    if (first) return
    first = { signal: 'disconnect', atMs: Date.now() }
    void stop('the process that started it is gone')
  })
  return () => first !== undefined
}
