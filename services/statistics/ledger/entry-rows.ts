import { z } from 'zod'
import type { SqliteTransaction } from '../../../shared/store/sqlite-transaction.ts'
import type { Told } from '../tally.ts'
import { type EntryKind, latest, type MarkState, markStates, type Outcome, type Standing, UNMARKED } from './entry.ts'
import type { Move } from './moves.ts'

/** A group, flow or journey. Tasks and objects have rows of their own. */
export type EntryRow = {
  readonly kind: EntryKind
  readonly id: string
  /** Of the event that it was accepted by. */
  readonly tenant: string | null
  readonly acceptedAtMs: number | null
  /** As its end says, which may be all that was heard of it. */
  readonly beganAtMs: number | null
  readonly outcome: Outcome | null
  readonly markStage: number
  readonly markState: MarkState
  readonly markAtMs: number
  readonly markBy: string
}

/** The entry after a move. */
export function evolveEntry(before: EntryRow | undefined, move: Move, { atMs, tenant }: Told): EntryRow {
  let row = before ?? newEntry(move)
  const { acceptedAtMs } = row
  if (move.accepted && (acceptedAtMs === null || isEarlier([atMs, tenant ?? ''], [acceptedAtMs, row.tenant ?? ''])))
    row = { ...row, acceptedAtMs: atMs, tenant }
  // It ends once. Of two ends that are told all the same the better one stays, whichever is told first.
  if (move.outcome && row.outcome !== 'done') row = { ...row, outcome: move.outcome, beganAtMs: move.beganAtMs ?? null }
  if (!move.mark) return row
  const mark = latest(markOf(row), move.mark)
  return { ...row, markStage: mark.stage, markState: mark.state, markAtMs: mark.atMs, markBy: mark.by }
}

/** How it stands in the ledger. */
export const standingOfEntry = (row: EntryRow): Standing => ({
  kind: row.kind,
  tenant: row.tenant,
  isAccepted: row.acceptedAtMs !== null,
  outcome: row.outcome,
  mark: markOf(row),
})

const markOf = ({ markStage, markState, markAtMs, markBy }: EntryRow) => ({
  stage: markStage,
  state: markState,
  atMs: markAtMs,
  by: markBy,
})

function isEarlier([aMs, a]: readonly [number, string], [bMs, b]: readonly [number, string]): boolean {
  return aMs === bMs ? a < b : aMs < bMs
}

const newEntry = ({ kind, id }: Move): EntryRow => ({
  ...{ kind, id, tenant: null, acceptedAtMs: null, beganAtMs: null, outcome: null },
  ...{ markStage: UNMARKED.stage, markState: UNMARKED.state, markAtMs: UNMARKED.atMs, markBy: UNMARKED.by },
})

const FIND = `select kind, id, tenant, accepted_at as acceptedAtMs, began_at as beganAtMs, outcome, mark_stage as markStage, mark as markState,
  mark_at as markAtMs, mark_by as markBy from entry_rows where kind = ? and id = ?`
const SAVE = `insert into entry_rows(
    kind, id, tenant, accepted_at, began_at, outcome, mark_stage, mark, mark_at, mark_by, changed_at
  ) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  on conflict(kind, id) do update set tenant = excluded.tenant, accepted_at = excluded.accepted_at,
    began_at = excluded.began_at, outcome = excluded.outcome, mark_stage = excluded.mark_stage, mark = excluded.mark, mark_at = excluded.mark_at,
    mark_by = excluded.mark_by, changed_at = excluded.changed_at`

const entryRow = z.object({
  kind: z.enum(['object', 'task', 'group', 'flow', 'journey']),
  id: z.string(),
  tenant: z.string().nullable(),
  acceptedAtMs: z.number().nullable(),
  beganAtMs: z.number().nullable(),
  outcome: z.enum(['done', 'failed']).nullable(),
  markStage: z.number(),
  markState: z.enum(markStates),
  markAtMs: z.number(),
  markBy: z.string(),
})

export const findEntry = (tx: SqliteTransaction, kind: string, id: string): EntryRow | undefined =>
  tx.get(entryRow, FIND, kind, id)

/** Writes an entry as it is now. */
export function saveEntry(tx: SqliteTransaction, row: EntryRow, nowMs: number): void {
  const { kind, id, tenant, acceptedAtMs, beganAtMs, outcome, markStage, markState, markAtMs, markBy } = row
  const accepted = [tenant, acceptedAtMs, beganAtMs]
  tx.run(SAVE, kind, id, ...accepted, outcome, markStage, markState, markAtMs, markBy, nowMs)
}
