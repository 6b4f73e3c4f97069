import type { Broker } from '../bus/broker.ts'
import type { Health } from './health.ts'
import type { Logger } from './log.ts'
import type { Metrics } from './metrics.ts'

const reasons = {
  connecting: 'no connection yet',
  blocked: 'the broker takes no messages because of a memory or disk alarm',
  closed: 'closed',
} as const

type Watchers = {
  readonly health: Health
  readonly metrics: Metrics
  readonly log: Logger
  /** Told when the broker can never be used. */
  readonly fail: (error: unknown) => void
}

/** Makes a broker's state visible: as readiness, as `ebs_broker_up`, and in the log when it changes. */
export function watchBroker(broker: Broker, { health, metrics, log, fail }: Watchers): void {
  health.add('broker', () => (broker.state === 'up' ? true : (broker.trouble ?? reasons[broker.state])))
  metrics.gauge('ebs_broker_up', '1 while the broker is connected and takes messages.', () =>
    broker.state === 'up' ? 1 : 0,
  )
  broker.onState((state) => {
    if (state === 'up') log.info({ broker: broker.version }, 'broker is up')
    else if (state === 'closed') log.debug('broker connection closed')
    else log.warn(`broker: ${reasons[state]}`)
  })
  broker.ready().catch(fail)
}
