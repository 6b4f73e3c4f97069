import { z } from 'zod'
import type { SqliteTransaction } from '../../shared/store/sqlite-transaction.ts'
import { markStates } from './ledger/entry.ts'
import type { ObjectRow, TaskRow } from './tally.ts'

const FIND_TASK = `select id, object_id as objectId, tenant, created_at as createdAtMs, started_at as startedAtMs,
  finished_at as finishedAtMs, failed_at as failedAtMs, processor, attempts, duration_ms as durationMs, mark as markState,
  mark_at as markAtMs, mark_by as markBy
  from task_rows where id = ?`
const SAVE_TASK = `insert into task_rows(
    id, object_id, tenant, created_at, started_at, finished_at, failed_at, processor, attempts, duration_ms, mark, mark_at,
    mark_by, changed_at
  ) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  on conflict(id) do update set object_id = excluded.object_id, tenant = excluded.tenant,
    created_at = excluded.created_at, started_at = excluded.started_at, finished_at = excluded.finished_at,
    failed_at = excluded.failed_at, processor = excluded.processor, attempts = excluded.attempts,
    duration_ms = excluded.duration_ms, mark = excluded.mark, mark_at = excluded.mark_at, mark_by = excluded.mark_by,
    changed_at = excluded.changed_at`
const FIND_OBJECT = `select id, tenant, created_at as createdAtMs, completed_at as completedAtMs, failed_at as failedAtMs,
  duration_ms as durationMs, mark_stage as markStage, mark as markState, mark_at as markAtMs, mark_by as markBy
  from object_rows where id = ?`
const SAVE_OBJECT = `insert into object_rows(
    id, tenant, created_at, completed_at, failed_at, duration_ms, mark_stage, mark, mark_at, mark_by, changed_at
  ) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  on conflict(id) do update set tenant = excluded.tenant, created_at = excluded.created_at,
    completed_at = excluded.completed_at, failed_at = excluded.failed_at, duration_ms = excluded.duration_ms,
    mark_stage = excluded.mark_stage, mark = excluded.mark, mark_at = excluded.mark_at, mark_by = excluded.mark_by,
    changed_at = excluded.changed_at`

const number = z.number().nullable()
const text = z.string().nullable()
const mark = { markState: z.enum([...markStates, 'outside']), markAtMs: z.number(), markBy: z.string() }
const taskRow = z.object({
  id: z.string(),
  objectId: z.string(),
  tenant: text,
  createdAtMs: number,
  startedAtMs: number,
  finishedAtMs: number,
  failedAtMs: number,
  processor: text,
  attempts: z.number(),
  durationMs: number,
  ...mark,
})
const objectRow = z.object({
  id: z.string(),
  tenant: text,
  createdAtMs: number,
  completedAtMs: number,
  failedAtMs: number,
  durationMs: number,
  markStage: z.number(),
  ...mark,
})

export const findTask = (tx: SqliteTransaction, id: string): TaskRow | undefined => tx.get(taskRow, FIND_TASK, id)

export const findObject = (tx: SqliteTransaction, id: string): ObjectRow | undefined =>
  tx.get(objectRow, FIND_OBJECT, id)

/** Writes a task as it is now. */
export function saveTask(tx: SqliteTransaction, row: TaskRow, nowMs: number): void {
  const { id, objectId, tenant, createdAtMs, startedAtMs, finishedAtMs, failedAtMs, processor, attempts } = row
  const when = [createdAtMs, startedAtMs, finishedAtMs, failedAtMs]
  const { durationMs, markState, markAtMs, markBy } = row
  tx.run(SAVE_TASK, id, objectId, tenant, ...when, processor, attempts, durationMs, markState, markAtMs, markBy, nowMs)
}

/** Writes an object as it is now. */
export function saveObject(tx: SqliteTransaction, row: ObjectRow, nowMs: number): void {
  const { id, tenant, createdAtMs, completedAtMs, failedAtMs, durationMs } = row
  const mark = [row.markStage, row.markState, row.markAtMs, row.markBy]
  tx.run(SAVE_OBJECT, id, tenant, createdAtMs, completedAtMs, failedAtMs, durationMs, ...mark, nowMs)
}

/** Rows of one batch: each is read once when first asked for, and its first and last state are known at the end. */
export class Touched<Row extends object> {
  readonly #find: (id: string) => Row | undefined
  readonly #rows = new Map<string, { readonly before: Row | undefined; now: Row | undefined }>()

  constructor(find: (id: string) => Row | undefined) {
    this.#find = find
  }

  /** Replaces the row by what `change` makes of it. */
  change(id: string, change: (row: Row | undefined) => Row): void {
    const entry = this.#rows.get(id) ?? this.#load(id)
    entry.now = change(entry.now)
  }

  *changes(): Iterable<{ readonly before: Row | undefined; readonly after: Row }> {
    // Writing what is there already would cost as much as a change.
    for (const { before, now } of this.#rows.values())
      if (now !== undefined && now !== before) yield { before, after: now }
  }

  #load(id: string) {
    const found = this.#find(id)
    const entry = { before: found, now: found }
    this.#rows.set(id, entry)
    return entry
  }
}
