/**
 * The topology as data: exchanges, queues, what each hears, and the rungs of the delay ladder.
 * `topologyPlan` turns the tables into declarations; a broker applies them (see `bus/broker.ts`).
 * To add a queue, add a row to `queues`.
 */

/**
 * Raised when a program of before could not work with what is declared now, or this one with what was declared before: another argument, a
 * binding that is gone. Not for what is only added. See docs/decisions/topology-version.md.
 */
export const topologyVersion = 1
/** An exchange that says by its name what the broker was made for. Nobody publishes to it, and each version declares those of all before. */
export const topologyStamp = (version: number) => `ebs.topology.${version}`
/** The version that a name of an exchange says; undefined when it says none. */
export const stampedVersion = (exchange: string): number | undefined => {
  const [, digits] = /^ebs\.topology\.([1-9]\d{0,3})$/.exec(exchange) ?? []
  return digits === undefined ? undefined : Number(digits)
}

export const exchanges = {
  /** Where every event is published. */
  events: 'ebs',
  /**
   * Where a message goes that is for one queue: each queue is bound to it by its own name, so that rights can name queues one by one. Whoever
   * may write to the default exchange may write to every queue of the virtual host (docs/decisions/broker-rights.md).
   */
  direct: 'ebs.direct',
  /** Catches what no queue wants: events while `statistics` is not bound, and what falls off the end of the ladder. */
  unrouted: 'ebs.unrouted',
  /** The end of the ladder: routes a delayed message to exactly one queue. */
  deliver: 'ebs.delay.deliver',
} as const

type QueueRow = {
  /** Binding keys on the exchange `ebs`. */
  readonly hears: readonly string[]
  /** Only one consumer at a time gets messages; the others stand by. */
  readonly singleActive?: true
  /** Messages are worthless after this time and then vanish: nobody waits for the answer to a question any more. */
  readonly ttlMs?: number
}

/** Work queues. Each has a `<queue>.dead` beside it and is a destination of the delay ladder. */
export const queues = {
  distributor_consume: { hears: ['objects'] },
  process_consume: { hears: ['task-requests'] },
  flow_worker_consume: { hears: ['flow-worker'] },
  flow_backend_consume: { hears: ['flow-backend'] },
  datagen_consume: { hears: ['objects.completed', 'objects.failed'] },
  hub_consume: {
    hears: [
      'eventbus-collector',
      'tasks.finished',
      'tasks.failed',
      'activities.*',
      'initiate_workflow',
      'initiate_journey.#',
      'flows.*',
      'messages.*',
      'sidelines.*',
    ],
    singleActive: true,
  },
  /** Questions to the hub. Beside its other work, so that a backlog keeps nobody waiting for a status. */
  hub_ask: { hears: [], ttlMs: 5_000 },
  /** Questions to those who have stores of their own, for `why` and the ledger. */
  datagen_ask: { hears: [], ttlMs: 5_000 },
  statistics_ask: { hears: [], ttlMs: 5_000 },
  /** Errands of the hub: what takes time and touches the broker. One hub runs them. */
  hub_work: { hears: [], singleActive: true },
  statistics: { hears: ['#'], singleActive: true },
} as const satisfies Record<string, QueueRow>

export type QueueName = keyof typeof queues
export type QueueType = 'quorum' | 'classic'

export const unroutedQueue = 'ebs.unrouted'
export const deadQueueOf = (queue: string) => `${queue}.dead`
/** What was dead or set aside comes back through it, beside live traffic. */
export const replayQueueOf = (queue: string) => `${queue}.replay`
/** Where a sideline rule keeps what it took from a queue. Declared when the rule starts, gone when it is closed and empty. */
export const parkingQueueOf = (rule: string, queue: string) => `ebs.sideline.${rule}.${queue}`
/** Where requests for an activity wait for whoever can do it. Declared when a definition names it or a worker implements it. */
export const activityQueueOf = (activity: string) => `activity.${activity}`
/** The activity whose work queue this is; undefined for any other queue, and for those beside it. */
export const activityOf = (queue: string) => /^activity\.(?!.*\.(?:dead|replay)$)(.+)$/.exec(queue)?.[1]
/** A stream: the rules by which messages are set aside, and what consumers say to them. */
export const controlStream = 'ebs.control'
/** The key under which consumers write to it: rules come under its own name, which only the hub has the right to. */
export const controlSaid = 'ebs.control.said'

/**
 * The delay ladder, largest level first: each level is one digit of a delay, each digit one rung (a queue with one TTL).
 * A delay takes at most one rung per level, so 1 s or 30 s is one hop and 12.34 s is four. See docs/decisions/delay-ladder.md.
 */
export const levels = [
  { label: '10d', unitMs: 864_000_000, rungs: ['10d', '20d', '30d'] },
  { label: '1d', unitMs: 86_400_000, rungs: ['1d', '2d', '3d', '4d', '5d', '6d', '7d', '8d', '9d'] },
  { label: '6h', unitMs: 21_600_000, rungs: ['6h', '12h', '18h'] },
  { label: '1h', unitMs: 3_600_000, rungs: ['1h', '2h', '3h', '4h', '5h'] },
  { label: '10m', unitMs: 600_000, rungs: ['10m', '20m', '30m', '40m', '50m'] },
  { label: '1m', unitMs: 60_000, rungs: ['1m', '2m', '3m', '4m', '5m', '6m', '7m', '8m', '9m'] },
  { label: '10s', unitMs: 10_000, rungs: ['10s', '20s', '30s', '40s', '50s'] },
  { label: '1s', unitMs: 1_000, rungs: ['1s', '2s', '3s', '4s', '5s', '6s', '7s', '8s', '9s'] },
  {
    label: '100ms',
    unitMs: 100,
    rungs: ['100ms', '200ms', '300ms', '400ms', '500ms', '600ms', '700ms', '800ms', '900ms'],
  },
  { label: '10ms', unitMs: 10, rungs: ['10ms', '20ms', '30ms', '40ms', '50ms', '60ms', '70ms', '80ms', '90ms'] },
] as const

/** Exchange through which a delayed message enters the level with this index (0 is the largest); behind the last one, delivery. */
export const levelExchange = (level: number) => {
  const row = levels[level]
  return row ? `ebs.delay.${row.label}` : exchanges.deliver
}
export const rungQueue = (rung: string) => `ebs.delay.${rung}`

/** More crashes than our own consumer allows (see `bus/consumer.ts`); the broker's limit is only the backstop. */
const WORK_DELIVERIES_MAX = 100
/** Queues that hold messages for people must survive being browsed. 3.10 takes -1 for zero and 4.x defaults to 20. */
const HOLD_DELIVERIES_MAX = 1_000_000_000

type Arguments = Readonly<Record<string, string | number | boolean>>

/** Declarations for a broker. All are durable and none is auto-deleted or exclusive. */
export type Plan = {
  readonly exchanges: readonly {
    readonly name: string
    readonly type: 'topic' | 'fanout'
    /** Clients may not publish to it. */
    readonly internal?: true
    readonly arguments: Arguments
  }[]
  readonly queues: readonly { readonly name: string; readonly arguments: Arguments }[]
  readonly bindings: readonly {
    readonly source: string
    readonly destination: string
    readonly to: 'queue' | 'exchange'
    readonly key: string
  }[]
}

/** What a topology is made of; tests pass their own tables. */
export type Tables = {
  readonly queues: Readonly<Record<string, QueueRow>>
  readonly withLadder: boolean
}

const stampOf = (n: number) => ({ name: topologyStamp(n), type: 'fanout', internal: true, arguments: {} }) as const
const stamps = Array.from({ length: topologyVersion }, (_, i) => stampOf(i + 1))

/** Turns the tables into declarations. Rungs are quorum queues whatever the type of the work queues. */
export function topologyPlan(queueType: QueueType, tables: Tables = { queues, withLadder: true }): Plan {
  const fallback = { 'alternate-exchange': exchanges.unrouted }
  const work = Object.entries(tables.queues)
  const ladder = tables.withLadder
    ? ladderPlan(Object.keys(tables.queues))
    : { exchanges: [], queues: [], bindings: [] }
  const own = [
    { name: unroutedQueue, arguments: holdArguments(queueType) },
    ...work.map(([name]) => ({ name: deadQueueOf(name), arguments: holdArguments(queueType) })),
    ...work.map(([name, row]) => ({ name, arguments: workArguments(name, row, queueType) })),
    // Questions that have expired are of no use to anybody.
    ...work.flatMap(([name, row]) =>
      row.ttlMs === undefined ? [{ name: replayQueueOf(name), arguments: workArguments(name, row, queueType) }] : [],
    ),
    { name: controlStream, arguments: controlArguments },
  ]
  return {
    exchanges: [
      { name: exchanges.unrouted, type: 'fanout', arguments: {} },
      { name: exchanges.direct, type: 'topic', arguments: {} },
      { name: exchanges.events, type: 'topic', arguments: fallback },
      ...stamps,
      ...ladder.exchanges,
    ],
    queues: [...own, ...ladder.queues],
    bindings: [
      { source: exchanges.unrouted, destination: unroutedQueue, to: 'queue', key: '' },
      ...own.map(({ name }) => directBinding(name)),
      { ...directBinding(controlStream), key: controlSaid },
      ...work.flatMap(([name, { hears }]) =>
        hears.map((key) => ({ source: exchanges.events, destination: name, to: 'queue' as const, key })),
      ),
      ...ladder.bindings,
    ],
  }
}

/** What an activity takes besides the topology: its work queue, which hears its requests, with all that a work queue has. */
export function activityPlan(activity: string, queueType: QueueType): Plan {
  const queue = activityQueueOf(activity)
  const row: QueueRow = { hears: [queue] }
  const own = [
    { name: deadQueueOf(queue), arguments: holdArguments(queueType) },
    { name: queue, arguments: workArguments(queue, row, queueType) },
    { name: replayQueueOf(queue), arguments: workArguments(queue, row, queueType) },
  ]
  return {
    exchanges: [],
    queues: own,
    bindings: [
      ...own.map(({ name }) => directBinding(name)),
      { source: exchanges.events, destination: queue, to: 'queue', key: queue },
      { source: exchanges.deliver, destination: queue, to: 'queue', key: deliveryKey(queue) },
    ],
  }
}

/** How a queue hears what is sent straight to it. */
export const directBinding = (queue: string): Plan['bindings'][number] => ({
  source: exchanges.direct,
  destination: queue,
  to: 'queue',
  key: queue,
})

const stars = (n: number) => '*.'.repeat(n)
/** As many words in front as there are levels: `a.b` and `b` can never be mistaken for each other. */
const deliveryKey = (queue: string) => `${stars(levels.length)}${queue}`

function ladderPlan(destinations: readonly string[]): Plan {
  const fallback = { 'alternate-exchange': exchanges.unrouted }
  return {
    exchanges: [...levels.keys(), levels.length].map((i) => ({
      name: levelExchange(i),
      type: 'topic',
      arguments: fallback,
    })),
    queues: levels.flatMap(({ unitMs, rungs }, i) =>
      rungs.map((rung, digit) => ({
        name: rungQueue(rung),
        arguments: rungArguments((digit + 1) * unitMs, levelExchange(i + 1)),
      })),
    ),
    bindings: [
      ...levels.flatMap(({ rungs }, i) => [
        { source: levelExchange(i), destination: levelExchange(i + 1), to: 'exchange' as const, key: `${stars(i)}0.#` },
        ...rungs.map((rung, digit) => ({
          source: levelExchange(i),
          destination: rungQueue(rung),
          to: 'queue' as const,
          key: `${stars(i)}${digit + 1}.#`,
        })),
      ]),
      ...destinations.map((queue) => ({
        source: exchanges.deliver,
        destination: queue,
        to: 'queue' as const,
        key: deliveryKey(queue),
      })),
    ],
  }
}

/** At-least-once dead-lettering needs reject-publish; without it a broker that dies in a hop loses the message. */
const rungArguments = (ttlMs: number, next: string): Arguments => ({
  'x-queue-type': 'quorum',
  'x-message-ttl': ttlMs,
  'x-dead-letter-exchange': next,
  'x-dead-letter-strategy': 'at-least-once',
  'x-overflow': 'reject-publish',
  'x-delivery-limit': HOLD_DELIVERIES_MAX,
})

const holdArguments = (queueType: QueueType): Arguments =>
  queueType === 'quorum'
    ? { 'x-queue-type': 'quorum', 'x-delivery-limit': HOLD_DELIVERIES_MAX }
    : { 'x-queue-type': 'classic' }

/** Whole segments go when the stream is larger. The hub says open rules again long before (see `flow/sideline-record.ts`). */
const controlArguments: Arguments = {
  'x-queue-type': 'stream',
  'x-max-length-bytes': 8_388_608,
  'x-stream-max-segment-size-bytes': 1_048_576,
}

/** A parking queue as a declaration. */
export const parkingQueue = (rule: string, queue: string, queueType: QueueType): Plan['queues'][number] => ({
  name: parkingQueueOf(rule, queue),
  arguments: holdArguments(queueType),
})

const workArguments = (name: string, row: QueueRow, queueType: QueueType): Arguments => ({
  'x-queue-type': queueType,
  // What expires by design must not pile up as dead letters.
  ...(row.ttlMs === undefined ? deadLettering(name, queueType) : { 'x-message-ttl': row.ttlMs }),
  ...(queueType === 'quorum' && { 'x-delivery-limit': WORK_DELIVERIES_MAX }),
  ...(row.singleActive && { 'x-single-active-consumer': true }),
})

const deadLettering = (name: string, queueType: QueueType): Arguments => ({
  'x-dead-letter-exchange': '',
  'x-dead-letter-routing-key': deadQueueOf(name),
  ...(queueType === 'quorum' && { 'x-dead-letter-strategy': 'at-least-once', 'x-overflow': 'reject-publish' }),
})
