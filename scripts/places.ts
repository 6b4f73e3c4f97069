import type { FoundBroker } from './broker/found-broker.ts'
import { findFreePort } from './broker/free-port.ts'
import type { ServicePlace, SetUpConfig } from './config.ts'

/** Gives every service whose port is 0 a free one, so that this process knows where to ask whether it is ready. */
export const fixPorts = (places: readonly ServicePlace[]): Promise<readonly ServicePlace[]> =>
  Promise.all(places.map(async (place) => (place.port === 0 ? { ...place, port: await findFreePort() } : place)))

/** Where a service on this machine is reached: a host such as 0.0.0.0 or :: means all addresses, loopback among them. */
export function urlOf({ port }: ServicePlace, host: string): string {
  const reached = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  return `http://${reached.includes(':') ? `[${reached}]` : reached}:${port}`
}

/** What a service started by this process runs with: the user's variables, the broker that was found, its port. */
export function serviceEnvironment({ env }: SetUpConfig, broker: FoundBroker, place: ServicePlace): NodeJS.ProcessEnv {
  const { QUEUE_URL, EBS_BROKER, ...rest } = env
  return {
    ...rest,
    EBS_AMQP_URL: broker.amqpUrl,
    ...(broker.managementUrl !== undefined && { EBS_AMQP_MANAGEMENT_URL: broker.managementUrl }),
    [place.portVariable]: String(place.port),
  }
}
