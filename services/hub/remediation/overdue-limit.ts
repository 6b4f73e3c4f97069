import type { ConversationReader } from '../../../shared/store/conversations.ts'
import { JOURNEY } from '../operations.ts'

/** How long journeys of a type take is learned from the newest that went well, and from no fewer than some: two say nothing. */
const LEARNED_FROM_MAX = 1_000
const LEARNED_FROM_MIN = 20
const SHARE = 0.99
const PATIENCE = 2
/** What takes milliseconds is not late after some more of them. */
const OVERDUE_MS_MIN = 10_000

/** A journey of this type that takes longer is overdue: twice the time in which 99 of 100 are done; undefined when too few were seen. */
export async function findLimitMs(
  reader: Pick<ConversationReader, 'durationsOf'>,
  type: string,
): Promise<number | undefined> {
  const which = { kind: JOURNEY, label: type, status: 'COMPLETED', limit: LEARNED_FROM_MAX }
  const tookMs = (await reader.durationsOf(which)).toSorted((a, b) => a - b)
  const slow = tookMs[Math.ceil(tookMs.length * SHARE) - 1]
  if (tookMs.length < LEARNED_FROM_MIN || slow === undefined) return undefined
  return Math.max(OVERDUE_MS_MIN, slow * PATIENCE)
}
