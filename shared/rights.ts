import { catalogue, type EventType } from './events.ts'
import {
  activityQueueOf,
  controlSaid,
  controlStream,
  deadQueueOf,
  exchanges,
  levelExchange,
  levels,
  type QueueName,
  queues,
  replayQueueOf,
  unroutedQueue,
} from './topology.ts'

/**
 * What each service does on the broker, and the rights that follow from it: `rightsOf` computes them from this table and the topology, one
 * broker user per service. See docs/decisions/broker-rights.md. A service that does more needs a word more here.
 */

type Deeds = {
  /** Work: consumed with its lane for replays; what fails goes up the ladder, to the dead queue, or to a parking queue. */
  readonly consumes: readonly QueueName[]
  /** Questions: consumed, and answered to whoever may ask; what is none goes to the dead queue. */
  readonly answers?: readonly QueueName[]
  /** Questions that it asks; answers come to a queue of its own. */
  readonly asks?: readonly QueueName[]
  /** Events that it publishes, besides what becomes of messages that it consumes. */
  readonly publishes: readonly EventType[]
  /** Consumes the queues of the activities that are named to `rightsOf`. */
  readonly doesActivities?: true
  /** Queues of others whose messages it counts, with those beside them and the rungs of the ladder. */
  readonly counts?: readonly QueueName[]
  /** Brings messages of all queues back, makes the queues that come and go, writes rules, answers strangers. */
  readonly isHub?: true
  /** What it may ask of the management API: `management` about single queues, `monitoring` also about all of them. */
  readonly tag?: 'management' | 'monitoring'
}

const isQueue = (name: string): name is QueueName => Object.hasOwn(queues, name)
const everyQueue = Object.keys(queues).filter(isQueue)

const deeds = {
  gateway: { consumes: [], asks: ['hub_ask'], publishes: ['FLOW_REQUESTED', 'INITIATE_WORKFLOW'] },
  datagen: {
    consumes: ['datagen_consume'],
    answers: ['datagen_ask'],
    asks: ['hub_ask'],
    publishes: ['OBJECT_CREATED'],
  },
  distributor: { consumes: ['distributor_consume'], publishes: ['EventGroupCollectorCreate', 'TASK_CREATED'] },
  processor: {
    consumes: ['process_consume', 'flow_worker_consume', 'flow_backend_consume'],
    doesActivities: true,
    publishes: [
      ...(['TASK_STARTED', 'TASK_FINISHED', 'TASK_FAILED', 'FLOW_CALL_ANSWERED'] as const),
      ...(['FLOW_BACKEND_REQUESTED', 'FLOW_BACKEND_ANSWERED', 'ACTIVITY_SUCCEEDED', 'ACTIVITY_FAILED'] as const),
    ],
  },
  hub: {
    consumes: ['hub_consume', 'hub_work'],
    answers: ['hub_ask'],
    asks: ['datagen_ask', 'statistics_ask'],
    counts: everyQueue,
    // Whatever a group's handler names: see `isHub`.
    publishes: [],
    isHub: true,
    tag: 'management',
  },
  statistics: {
    consumes: ['statistics'],
    answers: ['statistics_ask'],
    asks: ['hub_ask'],
    counts: ['distributor_consume', 'process_consume', 'hub_consume', 'statistics'],
    publishes: ['LEDGER_IMBALANCED', 'LEDGER_BALANCED'],
    tag: 'monitoring',
  },
} as const satisfies Record<string, Deeds>

export type ServiceName = keyof typeof deeds
const rows: Readonly<Record<ServiceName, Deeds>> = deeds

const isService = (name: string): name is ServiceName => Object.hasOwn(deeds, name)
/** The services that have a user of their own. */
export const rightHolders: readonly ServiceName[] = Object.keys(deeds).filter(isService)

/** What becomes of messages is said by whoever consumes them. */
const FATES = ['MESSAGE_DEAD', 'MESSAGE_PARKED', 'MESSAGE_REPLAYED', 'MESSAGE_FAILING'] as const

/** Rights in one virtual host as RabbitMQ has them: regular expressions over names, and over routing keys for each topic exchange. */
export type Rights = {
  readonly tags: readonly string[]
  readonly permission: { readonly configure: string; readonly write: string; readonly read: string }
  /** One for every topic exchange: where there is none, RabbitMQ allows every key. */
  readonly topics: readonly { readonly exchange: string; readonly write: string; readonly read: string }[]
}

export type RightsOptions = {
  /** Activities that the processor does. */
  readonly activities: readonly string[]
  /** Circuit breakers are on: consumers may then start sideline rules. */
  readonly withBreakers?: boolean
}

// As the schemas of rules, activities and journey types have it. A service's own queue ends the name, so its rule may have dots.
const RULE = '[A-Za-z0-9][A-Za-z0-9._-]{0,63}'
const WORDS = '[A-Za-z0-9][A-Za-z0-9_-]*(\\.[A-Za-z0-9][A-Za-z0-9_-]*)*'
/** A random UUID, as `ask.ts` names the queue of a replica. */
const UUID = '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}'
const ANYTHING = '.*'

/** The rights of one service: what it does, and nothing else. */
export function rightsOf(name: ServiceName, options: RightsOptions): Rights {
  const own = rows[name]
  const work = workOf(own, options.activities)
  const asked = own.answers ?? []
  const replies = own.asks ? [replyOf(name)] : []
  const parking =
    work.length > 0 ? [`${literal('ebs.sideline.')}${RULE}${literal('.')}${anyOf(work.map(literal))}`] : []
  const made = own.isHub
    ? [`${literal('ebs.sideline.')}.+`, `${literal('activity.')}.+`, ...replies]
    : [...parking, ...replies]
  const held = own.isHub ? [`.+${literal('.dead')}`, literal(unroutedQueue), ...made] : replies
  const binds = made.length > 0
  const straight = own.isHub
    ? [ANYTHING]
    : [
        ...[...work, ...asked].map((queue) => literal(deadQueueOf(queue))),
        ...parking,
        ...(work.length > 0 ? [literal(controlSaid)] : []),
        ...(own.asks ?? []).map(literal),
        ...asked.flatMap(askersOf).map(replyOf),
      ]
  const onLadder = own.isHub || work.length > 0
  return {
    tags: own.tag ? [own.tag] : [],
    permission: {
      configure: exact(made),
      write: exact([
        ...[exchanges.events, exchanges.direct].map(literal),
        ...(onLadder ? levelNames().map(literal) : []),
        ...(own.isHub ? [literal('amq.default')] : []),
        ...made,
        ...(own.counts ? countedBy(own.counts) : []),
      ]),
      read: exact([
        ...work.flatMap((queue) => [literal(queue), literal(replayQueueOf(queue))]),
        ...asked.map(literal),
        ...(work.length > 0 ? [literal(controlStream)] : []),
        ...held,
        // To bind a queue of its own.
        ...(binds ? [literal(exchanges.direct)] : []),
        ...(own.isHub ? [exchanges.events, exchanges.deliver].map(literal) : []),
        // To see which topology the broker holds. Nothing comes through these.
        `${literal('ebs.topology.')}[0-9]+`,
      ]),
    },
    topics: [
      {
        exchange: exchanges.events,
        write: exact(own.isHub ? [ANYTHING] : eventKeys(own, work.length > 0, options.withBreakers ?? false)),
        read: exact(own.isHub ? [`${literal('activity.')}.+`] : []),
      },
      { exchange: exchanges.direct, write: exact(straight), read: exact(made) },
      ...levelNames().map((exchange, level) => ({
        exchange,
        write: exact(onLadder ? [`${digitsAt(level)}${anyOf(work.map(literal))}`] : []),
        // The words in front of it are stars: how an activity's queue hears what was delayed.
        read: exact(
          own.isHub && exchange === exchanges.deliver ? [`(\\*\\.){${levels.length}}${literal('activity.')}.+`] : [],
        ),
      })),
    ],
  }
}

/**
 * What a service has any right to, of exchanges and queues: RabbitMQ from 4.2.6 on refuses a look at what is none of one's business. Whoever
 * is none of the services may look at everything.
 */
export function sightOf(service: string, activities: readonly string[]): (name: string) => boolean {
  if (!isService(service)) return () => true
  const { configure, write, read } = rightsOf(service, { activities }).permission
  const patterns = [configure, write, read].map((pattern) => new RegExp(pattern))
  return (name) => patterns.some((pattern) => pattern.test(name))
}

/**
 * RabbitMQ from 4.2.6 on counts messages only for who has a right to their queue. To write to a queue is the least: it allows to bind it to
 * an exchange that may be read, with keys that may be read there, and neither to publish to it nor to take from it.
 */
const countedBy = (counted: readonly QueueName[]) => [
  `(${literal('ebs.sideline.')}${RULE}${literal('.')})?${anyOf(counted.map(literal))}(\\.(dead|replay))?`,
  `${literal('ebs.delay.')}[0-9]+(ms|[smhd])`,
]

const workOf = ({ consumes, doesActivities }: Deeds, activities: readonly string[]): readonly string[] => [
  ...consumes,
  ...(doesActivities ? activities.map(activityQueueOf) : []),
]

const askersOf = (queue: QueueName) => rightHolders.filter((name) => rows[name].asks?.includes(queue))

const replyOf = (service: ServiceName) => `${literal(`${service}_reply.`)}${UUID}`

function eventKeys({ publishes }: Deeds, consumes: boolean, withBreakers: boolean): readonly string[] {
  const types: readonly EventType[] = [
    ...publishes,
    ...(consumes ? FATES : []),
    ...(consumes && withBreakers ? (['SIDELINE_COMMAND'] as const) : []),
  ]
  return [...new Set(types.map((type) => catalogue[type].key))].map((key) => literal(key).replace(/\\\*$/, () => WORDS))
}

const levelNames = () => [...levels.keys(), levels.length].map(levelExchange)

/** The digits of a key that enters the ladder at this level: `delayRoute` begins with the largest rung, behind the last level is delivery. */
const digitsAt = (level: number) =>
  levels
    .map(({ rungs }, i) => (i < level ? '0' : i === level ? `[1-${rungs.length}]` : `[0-${rungs.length}]`))
    .join('\\.') + '\\.'

const literal = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
const anyOf = (patterns: readonly string[]) => `(${patterns.join('|')})`
/** Anchored. Nothing at all is what RabbitMQ makes of an empty pattern, too. */
const exact = (patterns: readonly string[]) => (patterns.length === 0 ? '^$' : `^${anyOf(patterns)}$`)
/** Whether a queue for answers belongs to one of our services. */
export const isOwnReply = (queue: string): boolean => isService(/^([a-z]+)_reply\./.exec(queue)?.[1] ?? '')
