import type { HeldReader } from '../../shared/store/held-messages.ts'
import { deadQueueOf, parkingQueueOf, queues, unroutedQueue } from '../../shared/topology.ts'

/** Messages that are held now, by the work queue that they were taken from; no queue wanted `unrouted`. */
export type HeldCounts = {
  readonly parked: ReadonlyMap<string, number>
  readonly dead: ReadonlyMap<string, number>
  readonly unrouted: number
}

const PARKED = parkingQueueOf('', '').replace(/\.$/, '')
const DEAD = deadQueueOf('')

/** Costs the same however many there are. */
export async function countHeld(held: Pick<HeldReader, 'countByPlace'>): Promise<HeldCounts> {
  const [parked, dead] = [new Map<string, number>(), new Map<string, number>()]
  let unrouted = 0
  for (const { place, count } of await held.countByPlace()) {
    if (place === unroutedQueue) unrouted += count
    else if (place.startsWith(PARKED)) add(parked, parkedFrom(place), count)
    else if (place.endsWith(DEAD)) add(dead, place.slice(0, -DEAD.length), count)
  }
  return { parked, dead, unrouted }
}

export const sumOf = (counts: ReadonlyMap<string, number>) =>
  [...counts.values()].reduce((sum, count) => sum + count, 0)

/** Ids of rules may have dots in them, so the queue is looked for at the end; names of activities may have some, too. */
function parkedFrom(place: string): string {
  const rest = place.slice(PARKED.length)
  const known = Object.keys(queues).find((queue) => rest.endsWith(`.${queue}`))
  const ofActivity = /^[^.].*?\.(activity\..+)$/.exec(rest)?.[1]
  return known ?? ofActivity ?? rest.slice(rest.indexOf('.') + 1)
}

const add = (counts: Map<string, number>, queue: string, count: number) =>
  void counts.set(queue, (counts.get(queue) ?? 0) + count)
