import { z } from 'zod'
import { INBOX_SLICE_ROWS } from './inbox-retention.ts'
import type { Migration } from './migrations.ts'
import { OnDemandStore } from './on-demand-store.ts'

/** What was done, by idempotency key: for activities whose other system has no memory of its own. */
export interface ActivityMemory {
  /** Notes, durably, that this begins, unless it began before. */
  begin(what: Remembered, nowMs: number): Promise<Begun>
  /** Notes that it begins once more. */
  beginAgain(what: Remembered, nowMs: number): Promise<void>
  /** Notes that it is done, and what it gave as JSON text. */
  finish(what: Remembered, output: string, nowMs: number): Promise<void>
  /** Notes that it was done, but gave nothing that can be taken, and which attempt was told so. */
  fail(what: Remembered, failure: { readonly error: string; readonly attempt: number }, nowMs: number): Promise<void>
  /** It had no effect: as if it had never begun. */
  forget(what: Remembered): Promise<void>
  /** Notes which attempt was told that nobody knows whether it was done. */
  tellUnknown(what: Remembered, attempt: number): Promise<void>
  /** Forgets what began 30 days ago; gives back how many. */
  prune(nowMs: number): Promise<number>
}

export type Remembered = { readonly activity: string; readonly key: string }

/**
 * How things stood when something was to begin. `unknown`: it began before, and nobody noted an end. `failed`: it was done, and gave
 * nothing that can be taken.
 */
export type Begun =
  | { readonly kind: 'first' }
  | { readonly kind: 'done'; readonly output: string }
  | { readonly kind: 'unknown'; readonly sinceMs: number; readonly toldAttempt: number | undefined }
  | { readonly kind: 'failed'; readonly error: string; readonly toldAttempt: number | undefined }

/** As long as a request can lie parked or dead and be replayed. */
export const ACTIVITY_KEEP_MS = 30 * 24 * 60 * 60 * 1000

const outcomes: Migration = {
  name: 'outcomes of activities',
  sql: `
    create table outcome_rows(
      seq integer primary key, activity text not null, key text not null, begun_at integer not null,
      told_attempt integer, ended_at integer, output text, error text,
      unique(activity, key)
    );
    create view outcomes(activity, key, begun_at, ended_at, output, error) as
      select activity, key, strftime('%Y-%m-%dT%H:%M:%fZ', begun_at / 1000.0, 'unixepoch'),
        strftime('%Y-%m-%dT%H:%M:%fZ', ended_at / 1000.0, 'unixepoch'), output, error
      from outcome_rows;`,
}

/** Of `processor.db`, in the order in which they were released. */
export const activityMigrations: readonly Migration[] = [outcomes]

const BEGIN = 'insert into outcome_rows(activity, key, begun_at) values (?, ?, ?) on conflict do nothing'
const FIND =
  'select begun_at as sinceMs, told_attempt as told, output, error from outcome_rows where activity = ? and key = ?'
const BEGIN_AGAIN =
  'update outcome_rows set begun_at = ?, told_attempt = null, ended_at = null, error = null where activity = ? and key = ?'
// The row may have been pruned, or the file been removed, since it began.
const FINISH = `insert into outcome_rows(activity, key, begun_at, ended_at, output) values (?, ?, ?, ?, ?)
  on conflict do update set ended_at = excluded.ended_at, output = excluded.output`
const FAIL = `insert into outcome_rows(activity, key, begun_at, ended_at, told_attempt, error) values (?, ?, ?, ?, ?, ?)
  on conflict do update set ended_at = excluded.ended_at, told_attempt = excluded.told_attempt, error = excluded.error`
const FORGET = 'delete from outcome_rows where activity = ? and key = ?'
const TELL = 'update outcome_rows set told_attempt = ? where activity = ? and key = ? and told_attempt is null'
const PRUNE =
  'delete from outcome_rows where begun_at < ? and seq in (select seq from outcome_rows order by seq limit ?)'

const found = z.object({
  sinceMs: z.number(),
  told: z.number().nullable(),
  output: z.string().nullable(),
  error: z.string().nullable(),
})

/** In a SQLite file that several processes share, opened when it is first needed. */
export class SqliteActivityMemory implements ActivityMemory {
  readonly #store: OnDemandStore

  constructor(path: string) {
    this.#store = new OnDemandStore({ path, migrations: activityMigrations })
  }

  begin({ activity, key }: Remembered, nowMs: number): Promise<Begun> {
    return this.#store.write((tx): Begun => {
      if (tx.run(BEGIN, activity, key, nowMs).changes > 0) return { kind: 'first' }
      const before = tx.get(found, FIND, activity, key)
      if (before === undefined) throw new Error(`What was there of ${activity} under ${key} is gone.`)
      const { sinceMs, told, output, error } = before
      if (output !== null) return { kind: 'done', output }
      const toldAttempt = told ?? undefined
      return error === null ? { kind: 'unknown', sinceMs, toldAttempt } : { kind: 'failed', error, toldAttempt }
    })
  }

  async beginAgain({ activity, key }: Remembered, nowMs: number): Promise<void> {
    await this.#store.write((tx) => tx.run(BEGIN_AGAIN, nowMs, activity, key))
  }

  async finish({ activity, key }: Remembered, output: string, nowMs: number): Promise<void> {
    await this.#store.write((tx) => tx.run(FINISH, activity, key, nowMs, nowMs, output))
  }

  async fail(
    { activity, key }: Remembered,
    { error, attempt }: { readonly error: string; readonly attempt: number },
    nowMs: number,
  ): Promise<void> {
    await this.#store.write((tx) => tx.run(FAIL, activity, key, nowMs, nowMs, attempt, error))
  }

  async forget({ activity, key }: Remembered): Promise<void> {
    await this.#store.write((tx) => tx.run(FORGET, activity, key))
  }

  async tellUnknown({ activity, key }: Remembered, attempt: number): Promise<void> {
    await this.#store.write((tx) => tx.run(TELL, attempt, activity, key))
  }

  /** A slice at a time, with room for other jobs in between. Nothing to do as long as it was never used. */
  async prune(nowMs: number): Promise<number> {
    let pruned = 0
    while (this.#store.isOpen) {
      const slice = await this.#store.write((tx) => tx.run(PRUNE, nowMs - ACTIVITY_KEEP_MS, INBOX_SLICE_ROWS).changes)
      pruned += slice
      if (slice < INBOX_SLICE_ROWS) break
    }
    return pruned
  }

  close(): Promise<void> {
    return this.#store.close()
  }
}
