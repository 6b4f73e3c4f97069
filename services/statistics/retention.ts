import { z } from 'zod'
import type { SqliteStore } from '../../shared/store/sqlite-store.ts'
import type { SqliteTransaction } from '../../shared/store/sqlite-transaction.ts'

/**
 * Rows of single objects and tasks are kept for a while, so that the file does not grow for ever; the totals stay. What
 * finished goes first. What did not may still be replayed, and would be counted twice without its row.
 */

const DAY_MS = 86_400_000
/** A week is enough to look into what went wrong. */
export const ROWS_KEEP_MS = 7 * DAY_MS
/** As long as a message can lie dead or parked and be replayed. */
export const UNFINISHED_KEEP_MS = 30 * DAY_MS
/** Rows looked at in one transaction: some milliseconds of work, so that counting hardly waits. */
const SLICE_ROWS = 1_000

type Table = 'object_rows' | 'task_rows'
/** When a row of the table is done with, and when it counts in `tasks_in_progress`. */
const doneWith = { object_rows: 'completed_at is not null', task_rows: 'finished_at is not null' } as const
const inProgress = {
  object_rows: '0',
  task_rows: 'attempts > 0 and finished_at is null and failed_at is null',
} as const

const END_OF_SLICE = {
  object_rows: endOfSlice('object_rows'),
  task_rows: endOfSlice('task_rows'),
} as const
const PRUNE = { object_rows: pruneOf('object_rows'), task_rows: pruneOf('task_rows') } as const
const LEAVE_PROGRESS = `update counters set value = value - ? where name = 'tasks_in_progress'`
const PRUNE_MINUTES = 'delete from minutes where at < ?'

/** Removes old rows, a slice at a time with room for other jobs in between; gives back how many objects and tasks. */
export async function pruneRows(store: SqliteStore, nowMs: number, keepMs = ROWS_KEEP_MS): Promise<number> {
  const before = { doneMs: nowMs - keepMs, unfinishedMs: nowMs - Math.max(keepMs, UNFINISHED_KEEP_MS) }
  await store.write((tx) => tx.run(PRUNE_MINUTES, before.doneMs))
  return (await pruneTable(store, 'object_rows', before)) + (await pruneTable(store, 'task_rows', before))
}

type Before = { readonly doneMs: number; readonly unfinishedMs: number }

async function pruneTable(store: SqliteStore, table: Table, before: Before): Promise<number> {
  let pruned = 0
  let afterSeq = 0
  for (;;) {
    const slice = await store.write((tx) => pruneSlice(tx, table, { ...before, afterSeq }))
    pruned += slice.pruned
    // Rows lie in the order in which they were first heard of: behind a recent one, all are recent.
    if (slice.endSeq === undefined || slice.isRecent) return pruned
    afterSeq = slice.endSeq
  }
}

const sliceRow = z.object({ seq: z.number(), changed_at: z.number() })
const prunedRow = z.object({ is_in_progress: z.number() })

function pruneSlice(
  tx: SqliteTransaction,
  table: Table,
  { doneMs, unfinishedMs, afterSeq }: Before & { readonly afterSeq: number },
) {
  const end = tx.get(sliceRow, END_OF_SLICE[table], afterSeq, SLICE_ROWS)
  if (!end) return { pruned: 0, endSeq: undefined, isRecent: false }
  const pruned = tx.all(prunedRow, PRUNE[table], afterSeq, end.seq, doneMs, unfinishedMs)
  const unended = pruned.filter(({ is_in_progress }) => is_in_progress === 1).length
  if (unended > 0) tx.run(LEAVE_PROGRESS, unended)
  return { pruned: pruned.length, endSeq: end.seq, isRecent: end.changed_at >= doneMs }
}

function endOfSlice(table: Table): string {
  return `select seq, changed_at from (select seq, changed_at from ${table} where seq > ? order by seq limit ?)
    order by seq desc limit 1`
}

function pruneOf(table: Table): string {
  return `delete from ${table} where seq > ? and seq <= ?
    and changed_at < case when ${doneWith[table]} then ? else ? end
    returning ${inProgress[table]} as is_in_progress`
}
