import { type Backoff, restartBackoff } from './backoff.ts'
import type { OwnedBroker } from './broker/found-broker.ts'
import { keepRunning } from './keep-running.ts'
import type { Startable } from './running.ts'

/**
 * By convention of all services: the configuration is wrong, a port is taken, or a store is damaged, may not be written or is of a newer
 * version. Trying again would not help.
 */
const EXIT_HOPELESS = 2

export type SystemParts = {
  /** In the order in which they are stopped. */
  readonly services: readonly Startable[]
  /** The broker that is ours to keep running. */
  readonly broker?: OwnedBroker | undefined
  readonly say: (line: string) => void
  readonly backoff?: Backoff
}

/** All processes of a running system. */
export type System = {
  /** Resolves with the name of a service that cannot run like this; it has said why. */
  readonly hopeless: Promise<string>
  /** Stops the services one after another, then the broker. */
  stop(): Promise<void>
  /** Ends everything at once. */
  kill(): Promise<void>
}

/** Starts the services and keeps them and the broker running. */
export function superviseSystem({ services, broker, say, backoff = restartBackoff }: SystemParts): System {
  const keptBroker = broker && keepRunning(brokerTarget(broker), { backoff, say, running: broker.running })
  const kept = services.map((service) =>
    keepRunning(service, { backoff, say, isHopeless: ({ code }) => code === EXIT_HOPELESS }),
  )
  return {
    hopeless: Promise.race(kept.map(({ name, hopeless }) => hopeless.then(() => name))),
    stop: async () => {
      for (const service of kept) await service.stop()
      await keptBroker?.stop()
    },
    kill: async () => {
      await Promise.all([...kept, ...(keptBroker ? [keptBroker] : [])].map((each) => each.kill()))
    },
  }
}

const brokerTarget = ({ restart }: OwnedBroker): Startable => ({
  name: 'the private RabbitMQ node',
  start: (signal) => restart?.(signal) ?? Promise.reject(new Error('it cannot be started again from here')),
})
