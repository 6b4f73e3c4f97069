import type { SidelineTerms } from '../../shared/flow/sideline-commands.ts'
import { queues as topology } from '../../shared/topology.ts'

/** Errands of the hub to itself, and questions, which expire: nothing in them is anybody's work, and whoever takes them confirms no rule. */
const isWork = ([name, row]: [name: string, row: object]) => name !== 'hub_work' && !('ttlMs' in row)
/** Observers, and whoever decides conversations: only a rule that names them is about them. */
const ONLY_WHEN_NAMED: readonly string[] = ['hub_consume', 'statistics']

const queues = Object.entries(topology)
  .filter(isWork)
  .map(([name]) => name)

/**
 * Queues that sideline rules may be about, and those of a rule that names none. Queues of activities come with registered definitions; a
 * foreign program that consumes one confirms no rule, so a rule is about them only when it names them.
 */
export const sidelineTermsOf = (activityQueues: () => readonly string[]): SidelineTerms => ({
  get queues() {
    return [...queues, ...activityQueues()]
  },
  defaultQueues: queues.filter((queue) => !ONLY_WHEN_NAMED.includes(queue)),
})

/** Those of a hub to which no definition is registered. */
export const sidelineTerms = sidelineTermsOf(() => [])
