import type { ConversationId } from './conversations.ts'
import { partly, type Source } from './failover-moves.ts'
import type { FailoverSite } from './failover-site.ts'
import type { PartlyUnavailableError } from './store.ts'

/** Two stores at a moment: one leads and takes every change; the other may hold what has not moved yet. */
export type Pair = {
  readonly leader: FailoverSite
  readonly epoch: number
  /** Undefined when it holds nothing, or cannot be read. */
  readonly source: Source | undefined
  /** Everything in it that goes on has moved: what is open there is an old copy. */
  readonly isOpenMoved: boolean
  /** The store that may hold something and cannot be read. */
  readonly lost: Pick<FailoverSite, 'name'> | undefined
  /** Since when the leader leads: what is younger is in no other store. */
  readonly sinceMs: number
  readonly nowMs: number
}

/** Clocks of machines differ; so much younger than the change of lead must be what is taken for new. */
const CLOCKS_DIFFER_MS = 5_000
/** Ids of ours that begin with the time at which they were made: RFC 9562, versions 7 and 8. Those of sagas have their site behind. */
const TIMED = /^([0-9a-f]{8})-([0-9a-f]{4})-[78][0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}(?:\.[a-z0-9]+)?$/

/**
 * Whether a conversation with this key cannot be in the store that is lost, because it was made after that store was left. A key that
 * does not tell its time proves nothing, nor does one of the future: names that are derived from other names look like it.
 */
export function isNew({ sinceMs, nowMs }: Pick<Pair, 'sinceMs' | 'nowMs'>, key: string): boolean {
  const [, high, low] = TIMED.exec(key) ?? []
  if (high === undefined || low === undefined) return false
  const madeMs = Number.parseInt(high + low, 16)
  return madeMs >= sinceMs + CLOCKS_DIFFER_MS && madeMs <= nowMs + CLOCKS_DIFFER_MS
}

/** What to say of a conversation that is not known here, or only by a copy that was left behind; undefined when it is surely new. */
export function findDoubt(pair: Pair, id: ConversationId, isHere: boolean): PartlyUnavailableError | undefined {
  if (!pair.lost || (!isHere && isNew(pair, id.key))) return undefined
  return partly(pair.lost)
}
