import { deadQueueOf, queues } from '../../shared/topology.ts'
import type { System } from './system.ts'
import { metricNames, type Totals } from './totals.ts'

/** The others are durations, of all that there ever was. */
const counted = metricNames.filter((name) => !name.includes('_ms_'))
const deadQueues = Object.keys(queues).map(deadQueueOf)

type Counts = Readonly<Record<string, number>>

/**
 * The same running system, whose totals, events and dead letters are counted from now on: for a story that shares it with others (see
 * `shared-system.ts`). What was there before must have come to rest.
 */
export async function withOwnCounts(system: System): Promise<System> {
  const [totals, events, dead] = await Promise.all([system.statistics(), system.events(), depthsOf(system)])
  return {
    ...system,
    statistics: async () => since(totals, await system.statistics()),
    events: async () => countsSince(events, await system.events()),
    vhost: {
      ...system.vhost,
      depth: async (queue) => (await system.vhost.depth(queue)) - (dead[queue] ?? 0),
    },
  }
}

async function depthsOf({ vhost }: System): Promise<Counts> {
  const depths = deadQueues.map(async (queue) => [queue, await vhost.depth(queue)] as const)
  return Object.fromEntries(await Promise.all(depths))
}

function since(before: Totals, now: Totals): Totals {
  const totals = { ...now }
  for (const name of counted) totals[name] -= before[name]
  return totals
}

const countsSince = (before: Counts, now: Counts): Record<string, number> =>
  Object.fromEntries(Object.entries(now).map(([name, count]) => [name, count - (before[name] ?? 0)]))
