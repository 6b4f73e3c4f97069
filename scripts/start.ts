import { join } from 'node:path'
import { findBroker } from './broker/find-broker.ts'
import type { FoundBroker } from './broker/found-broker.ts'
import { findOtherSystem, saysOtherSystem } from './broker/other-system.ts'
import { killOwnNode } from './broker/private-node.ts'
import type { ServicePlace, SetUpConfig } from './config.ts'
import { EXIT_MISCONFIGURED, runScript } from './entry.ts'
import { findPlaces, serviceEnvironment, urlOf } from './places.ts'
import { say, showProgress } from './progress.ts'
import { untilAllReady } from './readiness.ts'
import { compiledService, serviceProcess } from './service-process.ts'
import { listenForStop } from './stop-requests.ts'
import { type System, superviseSystem } from './supervisor.ts'
import { whatToTry } from './what-to-try.ts'

/** The broker belongs to another system: nothing is wrong with the configuration, and once that is gone this one can start. */
const EXIT_OCCUPIED = 1

/** `npm start`: a broker, all services, and their life until Ctrl-C. Resolves with the exit status. */
async function start(config: SetUpConfig): Promise<number> {
  const startedAt = Date.now()
  const folder = join(config.root, '.ebs', 'broker')
  let system: System | undefined
  using stop = listenForStop(async () => {
    await system?.kill()
    await killOwnNode(folder)
  })
  const { signal } = stop
  const places = await findPlaces(config)
  let broker: FoundBroker
  try {
    broker = await findBroker({ config, purpose: 'start', folder, signal })
    const others = await othersOn(broker, config, signal)
    if (others.length > 0) {
      console.error(saysOtherSystem(broker.amqpUrl, others))
      return stop.exitStatus(EXIT_OCCUPIED)
    }
  } catch (error) {
    if (!signal.aborted) throw error
    say('stopped')
    return stop.exitStatus(0)
  }
  system = superviseSystem({
    services: places.map((place) =>
      serviceProcess(compiledService(config, place.name, serviceEnvironment(config, broker, place))),
    ),
    broker: broker.owned,
    say,
  })
  const { managementUrl, owned } = broker
  // What can be started again has its data on our disk; a container takes it along.
  const isKept = owned === undefined || owned.restart !== undefined
  void announce(config, places, { managementUrl, isKept, startedAt, signal })
  const hopeless = await Promise.race([stop.stopped, system.hopeless])
  say(hopeless ? `${hopeless} cannot run like this, it says why above: stopping` : 'stopping; Ctrl-C again kills')
  await showProgress('stopping', system.stop())
  say('stopped')
  return stop.exitStatus(hopeless ? EXIT_MISCONFIGURED : 0)
}

/**
 * Queues of another system that works on this broker. One that is ours has none: what a killed supervisor of this folder has left stops by
 * itself, and has the same databases. One that is not up cannot be asked.
 */
const othersOn = async ({ owned, isUp, amqpUrl }: FoundBroker, { amqpTls }: SetUpConfig, signal: AbortSignal) =>
  owned || !isUp ? [] : findOtherSystem({ amqpUrl, tls: amqpTls, signal })

type About = {
  readonly managementUrl: string | undefined
  /** The broker's data outlives the system. */
  readonly isKept: boolean
  readonly startedAt: number
  readonly signal: AbortSignal
}

/** Says what to try as soon as all services are ready. */
async function announce(config: SetUpConfig, places: readonly ServicePlace[], about: About): Promise<void> {
  const urls = new Map(places.map((place) => [place.name, urlOf(place, config.host)] as const))
  if (!(await untilAllReady(urls, about.signal))) return
  const { managementUrl, isKept, startedAt } = about
  console.log(whatToTry({ config, places, managementUrl, isKept, tookMs: Date.now() - startedAt }))
}

await runScript(async (config) => {
  if (config.forced === 'memory') return (await import('./memory.ts')).startInMemory(config)
  return start(config)
})
