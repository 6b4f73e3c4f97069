import { systemClock } from '../clock.ts'
import type { ServiceConfig } from '../service/config.ts'
import type { Connect, ServiceContext } from '../service/service.ts'
import { topologyPlan } from '../topology.ts'
import { connectAmqp } from './amqp-broker.ts'
import type { Bus } from './bus.ts'
import { noRules, noWatcher } from './rules.ts'

/** Connects a service to the RabbitMQ of its configuration; what `main.ts` hands to `runService`. */
export const connectService: Connect = (options, { config, log }) => connectAmqp(config.amqpUrl, { ...options, log })

/** The bus of a service: its broker with the whole topology declared, so that any start order works. */
export const busOf = <C extends ServiceConfig>(
  { config, connect, log, recorder }: ServiceContext<C>,
  name: string,
): Bus => ({
  broker: connect(topologyPlan(config.queueType)),
  service: name,
  clock: systemClock,
  log,
  recorder,
  rules: noRules,
  outcomes: noWatcher,
})
