import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ListenError } from '../shared/service/errors.ts'
import { openServer } from '../shared/service/server.ts'
import type { FoundBroker } from './broker/found-broker.ts'
import type { ServicePlace, SetUpConfig } from './config.ts'

/** The services of a supervisor that was just killed need a moment to finish and leave their ports. */
const LEAVING_MS_MAX = 3_000
const AGAIN_MS = 100

/** Other ports alone would let two systems work on one broker, and on one folder. */
const ANOTHER_START =
  'Another `npm start` may be running: stop that. Two side by side need more than other ports: a broker or virtual host each (EBS_AMQP_URL=amqp://user:password@host:5672/other), and in one folder a data folder each (EBS_DATA_DIR).'

/**
 * Makes sure that every service can listen before any is started, because a stranger on its port would pass for it; and gives
 * a service whose port is 0 a free one, so that this process knows where to ask for it. Throws ListenError, which names every
 * variable to change.
 */
export async function findPlaces(
  { services, host }: SetUpConfig,
  leavingMsMax = LEAVING_MS_MAX,
): Promise<readonly ServicePlace[]> {
  const untilMs = Date.now() + leavingMsMax
  const results = await Promise.allSettled(services.map((place) => tryPlace(place, host, untilMs)))
  const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []))
  const messages = failures.map((failure) => {
    if (failure instanceof ListenError) return failure.message
    throw failure
  })
  if (messages.length > 0)
    throw new ListenError([...messages, ...(failures.some(isTaken) ? [ANOTHER_START] : [])].join('\n'))
  return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
}

const isTaken = ({ cause }: { readonly cause?: unknown }) =>
  cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE'

async function tryPlace(place: ServicePlace, host: string, untilMs: number): Promise<ServicePlace> {
  const { port, portVariable } = place
  for (;;) {
    try {
      const server = await openServer({ host, port, portVariable, listener: () => {} })
      await server.close()
      return { ...place, port: Number(new URL(server.url).port) || port }
    } catch (error) {
      if (Date.now() > untilMs) throw error
      await sleep(AGAIN_MS)
    }
  }
}

/** Where a service on this machine is reached: a host such as 0.0.0.0 or :: means all addresses, loopback among them. */
export function urlOf({ port }: ServicePlace, host: string): string {
  const reached = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  return `http://${reached.includes(':') ? `[${reached}]` : reached}:${port}`
}

/** What a service started by this process runs with: the user's variables, the broker that was found, its port. */
export function serviceEnvironment(config: SetUpConfig, broker: FoundBroker, place: ServicePlace): NodeJS.ProcessEnv {
  const { QUEUE_URL, EBS_BROKER, ...rest } = config.env
  return {
    ...rest,
    ...(place.name === 'hub' && exampleDefinitions(config)),
    EBS_AMQP_URL: broker.amqpUrl,
    ...(broker.managementUrl !== undefined && { EBS_AMQP_MANAGEMENT_URL: broker.managementUrl }),
    [place.portVariable]: String(place.port),
  }
}

/** The example journeys are registered, so that there is something to try; whoever sets the variable, be it to nothing, does without. */
export const exampleDefinitions = ({ root, env }: SetUpConfig) =>
  env.EBS_DEFINITIONS_DIR === undefined ? { EBS_DEFINITIONS_DIR: join(root, 'docs', 'examples', 'journeys') } : {}
