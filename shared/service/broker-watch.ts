import type { Broker, BrokerState } from '../bus/broker.ts'
import type { Health } from './health.ts'
import type { Logger } from './log.ts'
import type { Metrics } from './metrics.ts'

type Watchers = {
  readonly health: Health
  readonly metrics: Metrics
  readonly log: Logger
  /** Told when the broker can never be used. */
  readonly fail: (error: unknown) => void
}

/** Makes a broker's state visible: as readiness, as `ebs_broker_up`, and in the log when it changes. */
export function watchBroker(broker: Broker, { health, metrics, log, fail }: Watchers): void {
  let hasBeenThere = broker.state !== 'connecting'
  let lostAt: string | undefined
  health.add('broker', () => (broker.state === 'up' ? true : (broker.trouble ?? whyNot(broker.state, lostAt))))
  metrics.gauge('ebs_broker_up', '1 while the broker is connected and takes messages.', () =>
    broker.state === 'up' ? 1 : 0,
  )
  broker.onState((state) => {
    if (state !== 'connecting') hasBeenThere = true
    else if (hasBeenThere) lostAt = secondOf(new Date())
    if (state === 'up') log.info({ broker: broker.version }, 'broker is up')
    else if (state === 'closed') log.debug('broker connection closed')
    else log.warn(`broker: ${whyNot(state, lostAt)}`)
  })
  broker.ready().catch(fail)
}

/** `lostAt`: when it was last lost; undefined when it was never there, and then the configuration may be wrong. */
function whyNot(state: Exclude<BrokerState, 'up'>, lostAt: string | undefined): string {
  if (state === 'blocked') return 'the broker takes no messages because of a memory or disk alarm'
  if (state === 'closed') return 'closed'
  return lostAt === undefined ? 'no connection yet' : `lost the broker at ${lostAt}; connecting again`
}

const secondOf = (date: Date) => date.toISOString().replace(/\.\d+Z$/, 'Z')
