import {
  activityPlan,
  directBinding,
  exchanges,
  type Plan,
  parkingQueue,
  type QueueType,
  topologyPlan,
} from '../../shared/topology.ts'

const STAND_IN = /\.moving$/
/** Stands in for a queue while that one is made anew. */
export const standInOf = (queue: string) => `${queue}.moving`
/** The queue that something with the name of a stand-in stands in for. */
export const ownerOf = (name: string): string | undefined =>
  STAND_IN.test(name) ? name.replace(STAND_IN, '') : undefined
/** Held by who applies, so that nobody else does. */
export const lockQueue = 'ebs.topology.apply'

const ACTIVITY = /^activity\.(.+?)(?:\.dead|\.replay)?$/
const PARKING = /^ebs\.sideline\..+$/

type Broker = {
  /** Those of one connection are its own business. */
  readonly queues: readonly { readonly name: string; readonly exclusive: boolean }[]
  readonly bindings: readonly { readonly source: string; readonly destination: string; readonly key: string }[]
}

/** What ebs declares with this type of queue, and what it declares for the activities and sideline rules that the broker knows of. */
export function wantedPlan(queueType: QueueType, broker: Broker): Plan {
  // A queue that is just being made anew is known by its stand-in only.
  const names = broker.queues.map(({ name }) => (isStandIn(name, broker) ? name.replace(STAND_IN, '') : name))
  const activities = new Set(names.flatMap((name) => ACTIVITY.exec(name)?.[1] ?? []))
  const parking = new Set(names.filter((name) => PARKING.test(name)))
  // The arguments are those of any parking queue.
  const { arguments: args } = parkingQueue('', '', queueType)
  const plans: readonly Plan[] = [
    topologyPlan(queueType),
    ...[...activities].map((activity) => activityPlan(activity, queueType)),
    {
      exchanges: [],
      queues: [...parking].map((name) => ({ name, arguments: args })),
      bindings: [...parking].map(directBinding),
    },
  ]
  return {
    exchanges: plans.flatMap(({ exchanges }) => exchanges),
    queues: plans.flatMap(({ queues }) => queues),
    bindings: plans.flatMap(({ bindings }) => bindings),
  }
}

/** One of ours is never bound by its own name, and whatever else is called so is. */
export const isStandIn = (name: string, { bindings }: Pick<Broker, 'bindings'>): boolean =>
  STAND_IN.test(name) && !bindings.some(({ destination, key }) => destination === name && key === name)

/** Queues on ebs's own names, or known to ebs by their names, that nobody wants any more. What others have bound to `ebs` is theirs. */
export function obsoleteQueues(plan: Plan, broker: Broker): readonly string[] {
  const wanted = new Set([...plan.queues.flatMap(({ name }) => [name, standInOf(name)]), lockQueue])
  const isBoundByName = (name: string) =>
    broker.bindings.some(
      ({ source, destination, key }) => source === exchanges.direct && destination === name && key === name,
    )
  return broker.queues
    .filter(({ exclusive }) => !exclusive)
    .map(({ name }) => name)
    .filter((name) => !wanted.has(name) && (name.startsWith('ebs.') || isBoundByName(name)))
}
