import { CelError } from '../cel/cel-error.ts'
import type { ServiceConfig } from '../service/config.ts'
import { ConfigError } from '../service/errors.ts'
import type { Connect, ServiceContext } from '../service/service.ts'
import { topologyPlan } from '../topology.ts'
import { connectAmqp } from './amqp-broker.ts'
import { Breaker, type BreakerOptions, compileBy } from './breaker.ts'
import type { Bus } from './bus.ts'
import { RuleBook } from './rule-book.ts'
import { noWatcher, type OutcomeWatcher } from './rules.ts'

/** Connects a service to the RabbitMQ of its configuration; what `main.ts` hands to `runService`. */
export const connectService: Connect = (options, { config, log }) => {
  const { amqpUrl, amqpTls: tls, topology } = config
  return connectAmqp(amqpUrl, { ...options, log, tls, topology })
}

/** What of a service's context its bus is made from. */
export type BusContext<C extends ServiceConfig> = Pick<
  ServiceContext<C>,
  'clock' | 'config' | 'connect' | 'log' | 'metrics' | 'recorder'
>

/**
 * The bus of a service: its broker with the whole topology declared, so that any start order works, and the sideline rules, which are read
 * when it begins to consume. Throws ConfigError.
 */
export function busOf<C extends ServiceConfig>(context: BusContext<C>, service: string): Bus {
  const { clock, config, connect, log, metrics, recorder } = context
  checkBreakers(config)
  const broker = connect(topologyPlan(config.queueType))
  const unclear = metrics.counter({
    name: 'ebs_sideline_unclear_total',
    help: 'Messages of which the filter of a sideline rule could not say whether they match, and that did not.',
    by: ['rule'],
  })
  const unreadable = metrics.counter({
    name: 'ebs_sideline_unreadable_total',
    help: 'Records of sideline rules that this version could not read, and skipped.',
    by: [],
  })
  const rules = new RuleBook({
    broker,
    service,
    clock,
    log,
    queueType: config.queueType,
    unclearOf: (rule) => unclear.of(rule),
    onUnreadable: () => void unreadable.of('').count++,
  })
  metrics.gaugeBy({ name: 'ebs_sideline_rules', help: 'Sideline rules in force, as known here.', by: ['phase'] }, () =>
    (['park', 'hold'] as const).map((phase) => ({
      labels: { phase },
      value: rules.inForce().filter((rule) => rule.phase === phase).length,
    })),
  )
  const outcomes = watcherOf({ broker, service, clock, log, rules, settings: config.breakers })
  return { broker, service, clock, log, recorder, rules, outcomes, lanes: config.lanes }
}

const watcherOf = (options: BreakerOptions): OutcomeWatcher =>
  options.settings.size > 0 ? new Breaker(options) : noWatcher

/** What configuration alone cannot check: it knows no filters. */
function checkBreakers({ breakers }: ServiceConfig): void {
  const mistakes = [...breakers.values()].flatMap(({ by, byVariable }) => {
    try {
      compileBy(by)
      return []
    } catch (error) {
      if (!(error instanceof CelError)) throw error
      return { variable: byVariable, given: by, accepted: `a CEL expression such as tenant (${error.message})` }
    }
  })
  if (mistakes.length > 0) throw new ConfigError(mistakes)
}
