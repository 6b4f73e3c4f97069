import type { Plan, QueueType } from '../../shared/topology.ts'
import { BrokerLook } from '../topology/found.ts'
import { isStandIn, standInOf, wantedPlan } from '../topology/wanted.ts'

/** One thing in which a broker differs from a plan. */
export type Difference = {
  readonly kind: 'exchange' | 'queue' | 'binding'
  readonly name: string
  readonly what: string
  readonly wanted: string
  readonly found: string
}

type Binding = Plan['bindings'][number]

/**
 * Compares bindings by the management API: those that are missing, and those between exchanges and queues of the plan that nobody
 * planned. What others have bound to queues of their own is theirs. Also tells stand-ins, which a change has left, of queues of the plan and
 * of those that come and go with activities and rules. Throws NotDoneError when it cannot be asked.
 */
export async function compareBindings(
  plan: Plan,
  { queueType, ...urls }: { queueType: QueueType; amqpUrl: string; managementUrl: string },
): Promise<readonly Difference[]> {
  const declared = await new BrokerLook(urls).declared()
  const found = declared.bindings
  const standIns = new Set(wantedPlan(queueType, declared).queues.map(({ name }) => standInOf(name)))
  const ours = new Set([...plan.exchanges, ...plan.queues].map(({ name }) => name))
  const strange = found.filter(({ source, destination }) => ours.has(source) && ours.has(destination))
  const [wantedNames, foundNames] = [new Set(plan.bindings.map(nameOf)), new Set(found.map(nameOf))]
  const difference = (name: string, wanted: string, is: string, kind: Difference['kind'] = 'binding') => ({
    kind,
    name,
    what: 'there',
    wanted,
    found: is,
  })
  return [
    ...[...wantedNames].filter((name) => !foundNames.has(name)).map((name) => difference(name, 'yes', 'no')),
    ...strange
      .map(nameOf)
      .filter((name) => !wantedNames.has(name))
      .map((name) => difference(name, 'no', 'yes')),
    ...declared.queues
      .filter(({ name }) => standIns.has(name) && isStandIn(name, declared))
      .map(({ name }) => difference(name, 'no', 'yes', 'queue')),
  ]
}

const nameOf = ({ source, destination, key }: Pick<Binding, 'source' | 'destination' | 'key'>) =>
  `${source} --${key}--> ${destination}`
