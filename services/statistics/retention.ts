import { z } from 'zod'
import type { SqliteStore } from '../../shared/store/sqlite-store.ts'
import type { SqliteTransaction } from '../../shared/store/sqlite-transaction.ts'
import { subjectKinds } from '../../shared/subject.ts'
import { pruneFailures } from './failures.ts'
import { Accounts, EXPIRED } from './ledger/accounts.ts'
import { HUB } from './ledger/comparison.ts'
import { markStates, NO_TENANT, queueOf } from './ledger/entry.ts'

/**
 * Rows of single objects and tasks are kept for a while, so that the file does not grow for ever; the totals stay. What
 * finished goes first. What did not may still be replayed, and would be counted twice without its row. What is set aside, dead, or waits for
 * a person stays for as long as it does, and what the hub has in its hands for as long as the hub knows it. What else has been on its way
 * for a month without a word is given up: the ledger counts it as discarded, by `(expired)`.
 */

const DAY_MS = 86_400_000
/** A week is enough to look into what went wrong. */
export const ROWS_KEEP_MS = 7 * DAY_MS
/** As long as a message can lie dead or parked and be replayed. */
export const UNFINISHED_KEEP_MS = 30 * DAY_MS
/** Rows looked at in one transaction: some milliseconds of work, so that counting hardly waits. */
const SLICE_ROWS = 1_000

type Table = 'object_rows' | 'task_rows' | 'entry_rows'
/** When a row of the table is done with, and when it counts in `tasks_in_progress`. */
const doneWith = {
  object_rows: 'completed_at is not null',
  task_rows: 'finished_at is not null',
  entry_rows: 'outcome is not null',
} as const
/** How a row stands in the ledger: columns of `expiredRow`. */
const standings = {
  object_rows: `'object' as kind, mark_stage as stage, created_at is not null and mark <> 'outside' as is_accepted,
    completed_at is not null or failed_at is not null as is_ended`,
  task_rows: `'task' as kind, 0 as stage, created_at is not null and mark <> 'outside' as is_accepted,
    finished_at is not null as is_ended`,
  entry_rows: `kind, mark_stage as stage, accepted_at is not null as is_accepted, outcome is not null as is_ended`,
} as const
const open = {
  object_rows: `completed_at is null and failed_at is null`,
  task_rows: 'finished_at is null',
  entry_rows: 'outcome is null',
} as const
const isHeld = (table: Table) => `(${open[table]} and mark in ('waiting', 'parked', 'dead'))`
/** The hub vouches for what should be in its hands, however long that takes, unless it does not know it. */
const isAtHub = {
  object_rows: `(${open.object_rows} and created_at is not null and mark = 'inFlight' and mark_stage = 1 and ${isKnownAs(`'object'`, 'object_rows')})`,
  task_rows: '0',
  entry_rows: `(${open.entry_rows} and accepted_at is not null and mark = 'inFlight' and ${isKnownAs('entry_rows.kind', 'entry_rows')})`,
} as const
const inProgress = {
  object_rows: '0',
  task_rows: 'attempts > 0 and finished_at is null and failed_at is null',
  entry_rows: '0',
} as const

const END_OF_SLICE = {
  object_rows: endOfSlice('object_rows'),
  task_rows: endOfSlice('task_rows'),
  entry_rows: endOfSlice('entry_rows'),
} as const
const PRUNE = {
  object_rows: pruneOf('object_rows'),
  task_rows: pruneOf('task_rows'),
  entry_rows: pruneOf('entry_rows'),
} as const
const LEAVE_PROGRESS = `update counters set value = value - ? where name = 'tasks_in_progress'`
const PRUNE_MINUTES = 'delete from minutes where at < ?'

/** Removes old rows, a slice at a time with room for other jobs in between; gives back how many. */
export async function pruneRows(store: SqliteStore, nowMs: number, keepMs = ROWS_KEEP_MS): Promise<number> {
  const before = { doneMs: nowMs - keepMs, unfinishedMs: nowMs - Math.max(keepMs, UNFINISHED_KEEP_MS) }
  await store.write((tx) => tx.run(PRUNE_MINUTES, before.doneMs))
  await pruneFailures(store, before.unfinishedMs)
  let pruned = 0
  for (const table of tables) pruned += await pruneTable(store, table, before)
  return pruned
}

const tables: readonly Table[] = ['object_rows', 'task_rows', 'entry_rows']

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
const prunedRow = z.object({
  ...{ is_in_progress: z.number(), kind: z.enum(subjectKinds), stage: z.number(), tenant: z.string().nullable() },
  ...{ is_accepted: z.number(), is_ended: z.number(), mark: z.enum([...markStates, 'outside']), mark_by: z.string() },
})

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
  const accounts = new Accounts()
  for (const { kind, stage, tenant, is_accepted, is_ended, mark, mark_by } of pruned)
    if (is_accepted === 1 && is_ended === 0 && mark !== 'outside' && mark !== 'discarded') {
      const queue = queueOf(kind, stage)
      const from = { kind, tenant: tenant ?? NO_TENANT, state: mark, queue, by: mark_by }
      accounts.shift(from, { ...from, state: 'discarded', by: EXPIRED }, 1)
    }
  accounts.write(tx)
  return { pruned: pruned.length, endSeq: end.seq, isRecent: end.changed_at >= doneMs }
}

function isKnownAs(kind: string, table: Table): string {
  return `not exists (select 1 from ledger_missing m where m.place = '${HUB}' and m.kind = ${kind} and m.id = ${table}.id)`
}

function endOfSlice(table: Table): string {
  return `select seq, changed_at from (select seq, changed_at from ${table} where seq > ? order by seq limit ?)
    order by seq desc limit 1`
}

function pruneOf(table: Table): string {
  return `delete from ${table} where seq > ? and seq <= ?
    and changed_at < case when ${doneWith[table]} then ? else ? end and not ${isHeld(table)} and not ${isAtHub[table]}
    returning ${inProgress[table]} as is_in_progress, tenant, mark, mark_by, ${standings[table]}`
}
