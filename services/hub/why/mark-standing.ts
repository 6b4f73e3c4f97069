import { parkingQueueOf } from '../../../shared/topology.ts'
import type { Standing } from './answer.ts'
import { quoted } from './command.ts'
import type { Facts, MarkFact } from './facts.ts'
import { standingOfRule } from './held-standing.ts'

/**
 * How something stands whose message was set aside, died or was dropped, as statistics has heard; undefined when it was none of these. The
 * catalogue of the hub, which may be a moment behind or have forgotten it, says more.
 */
export function standingOfMark(mark: MarkFact, queue: string, { rules }: Pick<Facts, 'rules'>): Standing | undefined {
  const { state, at, by } = mark
  const since = at === undefined ? '' : ` since ${at}`
  switch (state) {
    case 'parked': {
      const rule = by ?? 'unknown'
      const fact = rules.get(rule)
      return {
        state: 'parked',
        says: `is parked by the rule ${rule}${fact ? ` (${fact.actor}: ${fact.reason})` : ''}${since}`,
        where: { queue, rule, place: parkingQueueOf(rule, queue) },
        ...standingOfRule(rule, fact),
      }
    }
    case 'dead':
      return {
        state: 'dead',
        says: `is dead${since}`,
        where: { queue },
        waitsFor: { what: 'somebody to bring it back, or to drop it: it will not come back by itself' },
        commands: [{ command: `ebs dead list --queue ${quoted(queue)}`, does: 'lists what is dead in its queue' }],
      }
    case 'discarded':
      return { state: 'discarded', says: `was dropped${by === undefined ? '' : ` by ${by}`}${since}`, commands: [] }
    default:
      return undefined
  }
}
