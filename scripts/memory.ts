import { setTimeout as pause } from 'node:timers/promises'
import { datagen } from '../services/datagen/service.ts'
import { distributor } from '../services/distributor/service.ts'
import { gateway } from '../services/gateway/service.ts'
import { hub } from '../services/hub/service.ts'
import { processor } from '../services/processor/service.ts'
import { statistics } from '../services/statistics/service.ts'
import { MemoryBroker } from '../shared/bus/memory-broker.ts'
import type { ServiceConfig } from '../shared/service/config.ts'
import { ConfigError, ListenError } from '../shared/service/errors.ts'
import { type StartedService, startService } from '../shared/service/lifecycle.ts'
import type { ServiceDefinition } from '../shared/service/service.ts'
import type { SetUpConfig } from './config.ts'
import { EXIT_MISCONFIGURED } from './entry.ts'
import { exampleDefinitions, findPlaces } from './places.ts'
import { say } from './progress.ts'
import { listenForStop } from './stop-requests.ts'
import { whatToTry } from './what-to-try.ts'

/** Something that was started and can be stopped, whatever its configuration. */
type Stoppable = Pick<StartedService<ServiceConfig>, 'stop'>

/**
 * `EBS_BROKER=memory npm start`: all services in this process, on a broker in its memory. Nothing is installed or listened to
 * but the services' ports; what still waits at the end is forgotten. Resolves with the exit status.
 */
export async function startInMemory(config: SetUpConfig): Promise<number> {
  const startedAt = Date.now()
  const broker = new MemoryBroker()
  const places = await findPlaces(config)
  const { EBS_AMQP_URL, QUEUE_URL, EBS_AMQP_MANAGEMENT_URL, ...rest } = config.env
  const ports = Object.fromEntries(places.map(({ portVariable, port }) => [portVariable, String(port)]))
  const env = { ...rest, ...ports, ...exampleDefinitions(config) }
  const { failed, fail } = failure()
  const start = <C extends ServiceConfig>(definition: ServiceDefinition<C>): Promise<Stoppable> =>
    startService(definition, { env, connect: (options) => broker.connect(options), onFatal: fail })

  say('all services in one process, with a broker in memory: what still waits when it ends is forgotten')
  const started: Stoppable[] = []
  using requests = listenForStop(async () => {})
  let status = 0
  try {
    // Who counts comes up first, so that it hears everything.
    for (const launch of [
      () => start(statistics),
      () => start(hub),
      () => start(processor),
      () => start(distributor),
      () => start(datagen),
      () => start(gateway),
    ]) {
      started.unshift(await launch())
    }
    console.log(whatToTry({ config, places, managementUrl: undefined, isKept: false, tookMs: Date.now() - startedAt }))
    await Promise.race([requests.stopped, failed])
    say('stopping; Ctrl-C again ends it at once')
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof ListenError)) throw error
    console.error(error.message)
    status = EXIT_MISCONFIGURED
  }
  // From the source to the counting, and what is under way gets a chance to arrive.
  for (const service of started) {
    await service.stop()
    await untilIdle(broker)
  }
  say('stopped')
  return status
}

/** A demonstration's backlog takes a second or two; nobody waits longer for one that does not end. */
const IDLE_MS_MAX = 5_000
const LOOK_MS = 20

async function untilIdle(broker: MemoryBroker): Promise<void> {
  const giveUpAt = Date.now() + IDLE_MS_MAX
  while (!broker.isIdle() && Date.now() < giveUpAt) await pause(LOOK_MS)
}

/** A promise that only ever rejects, and the function that makes it. */
function failure() {
  let fail: (error: unknown) => void = () => {}
  const failed = new Promise<never>((_, reject) => {
    fail = reject
  })
  return { failed, fail }
}
