import { z } from 'zod'
import type { Migration } from '../../shared/store/migrations.ts'
import type { SqliteReader, SqliteStore } from '../../shared/store/sqlite-store.ts'
import type { SqliteTransaction } from '../../shared/store/sqlite-transaction.ts'
import type { RecordedEvent } from './store.ts'

/** Why the newest attempt at a task failed, and when the next one comes. Beside the tasks: most never fail, and pay nothing for it. */
export const taskFailures: Migration = {
  name: 'how tasks failed',
  sql: `
    create table task_failures(
      id text primary key, at integer not null, attempt integer not null, error text not null, retry_at integer
    ) without rowid;
    create index task_failures_at on task_failures(at);`,
}

const SAVE = `insert into task_failures(id, at, attempt, error, retry_at) values (?, ?, ?, ?, ?)
  on conflict(id) do update set at = excluded.at, attempt = excluded.attempt, error = excluded.error, retry_at = excluded.retry_at
  where excluded.at >= task_failures.at`
const FIND = 'select at as atMs, attempt, error, retry_at as retryAtMs from task_failures where id = ?'
const FORGET = `delete from task_failures where id in (select id from task_failures where at < ? order by at limit ?)`
/** Some milliseconds of work, so that counting hardly waits. */
const SLICE_ROWS = 1_000

const failureRow = z.object({
  atMs: z.number(),
  attempt: z.number(),
  error: z.string(),
  retryAtMs: z.number().nullable(),
})
export type TaskFailure = z.infer<typeof failureRow>

/** Keeps the newest failure of each task, by the clock of whoever says it. */
export function recordFailures(tx: SqliteTransaction, batch: readonly RecordedEvent[]): void {
  for (const { body, atMs } of batch) {
    if (body?.type !== 'TASK_FAILED') continue
    const { taskId, attempt, error, retryAt } = body
    tx.run(SAVE, taskId, Math.round(atMs), attempt, error, retryAt === undefined ? null : Date.parse(retryAt))
  }
}

export const findFailure = (read: SqliteReader, id: string): TaskFailure | undefined => read.get(failureRow, FIND, id)

/** Forgets failures from before this time, a slice at a time with room for other jobs in between. */
export async function pruneFailures(store: SqliteStore, beforeMs: number): Promise<void> {
  let pruned = SLICE_ROWS
  while (pruned === SLICE_ROWS) pruned = (await store.write((tx) => tx.run(FORGET, beforeMs, SLICE_ROWS))).changes
}
