import { idOfUse } from '../../../shared/flow/sideline-state.ts'
import type { Held } from '../../../shared/store/held-messages.ts'
import { activityOf, deadQueueOf, parkingQueueOf, queues } from '../../../shared/topology.ts'

const DEAD = deadQueueOf('')
/** What names of parking queues begin with. */
export const PARKING = 'ebs.sideline.'

/** The work queue that messages of a place belong to; undefined when the place is none of ours. A row's own queue is what its message says. */
export function findWorkQueue({ place, queue, rule }: Pick<Held, 'place' | 'queue' | 'rule'>): string | undefined {
  if (place.startsWith(PARKING)) {
    const isOfRow = rule !== null && queue !== null && parkingQueueOf(idOfUse(rule), queue) === place
    // Activities may have dots in their names, and one of them may end as a queue of the table does.
    if (isOfRow && activityOf(queue) !== undefined) return queue
    // Rules may have dots in their ids, queues of the table have none.
    const known = Object.keys(queues).find((name) => place.endsWith(`.${name}`))
    return known ?? (isOfRow ? queue : undefined)
  }
  return place.endsWith(DEAD) ? place.slice(0, -DEAD.length) : undefined
}
