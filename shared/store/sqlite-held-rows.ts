import { z } from 'zod'
import type { HeldFilter, HeldState } from './held-messages.ts'
import type { SqliteReader } from './sqlite-store.ts'

export const heldStates = [
  ...(['held', 'chosen', 'released', 'handled', 'dead', 'parked', 'discarded', 'archived', 'gone'] as const),
] as const satisfies readonly HeldState[]
export const heldState = z.enum(heldStates)

/** The columns of `heldRow`, of `HELD_TABLES`. */
export const HELD_COLUMNS = `r.id, s.place, s.queue, r.message_id as messageId, r.type, r.key, r.tenant, r.correlation_id as correlationId,
  r.reason, r.error, s.rule, r.attempts, r.fingerprint, r.first_failed_at as firstFailedAtMs, r.held_at as heldAtMs,
  r.state, r.job, r.changed_at as changedAtMs, r.subject`
export const HELD_TABLES = 'held_rows r cross join held_sources s on s.seq = r.source'

const text = z.string().nullable()
const number = z.number().nullable()

/** A `Held`. */
export const heldRow = z.object({
  id: z.string(),
  place: z.string(),
  queue: text,
  messageId: z.string(),
  type: text,
  key: text,
  tenant: text,
  correlationId: text,
  reason: z.string(),
  error: text,
  rule: text,
  attempts: number,
  fingerprint: text,
  firstFailedAtMs: number,
  heldAtMs: z.number(),
  state: heldState,
  job: text,
  changedAtMs: z.number(),
  subject: text.transform((id) => id ?? undefined),
})

/** A `HeldContent`. */
export const contentRow = z.object({ id: z.string(), body: z.string(), properties: z.string(), edited: text })

/** How many there are, of each state. */
export const countedRow = z.object({ state: heldState, n: z.number() })

const STRATA = `select t.source, t.state from held_sources s join held_strata t on t.source = s.seq
  where t.n > 0 and (? is null or s.place = ?) and (? is null or substr(s.place, 1, length(?)) = ?)
    and (? is null or s.queue = ?) and (? is null or s.rule = ?) and (? is null or (s.rule is not null) = ?)`

/** Rows of one source (place, queue and rule) that are in one state. */
const stratumRow = z.object({ source: z.number(), state: heldState })
export type Stratum = z.infer<typeof stratumRow>

/** Where messages that pass the filter may be: all that it says of place, queue and rule. Few rows, however many messages. */
export function strataOf(
  read: SqliteReader,
  filter: Pick<HeldFilter, 'place' | 'placePrefix' | 'queue' | 'rule' | 'isParked'>,
): readonly Stratum[] {
  const { place = null, placePrefix = null, queue = null, rule = null, isParked } = filter
  const parked = isParked === undefined ? null : Number(isParked)
  const prefix = [placePrefix, placePrefix, placePrefix] as const
  return read.all(stratumRow, STRATA, place, place, ...prefix, queue, queue, rule, rule, parked, parked)
}
