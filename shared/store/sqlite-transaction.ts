import { z } from 'zod'
import type { RowParser, SqlValue, Statements } from './statements.ts'
import type { OutboxRow, Transaction } from './store.ts'

const REMEMBER = 'insert into inbox(queue, id, at) values (?, ?, ?) on conflict do nothing'
const FORGET = 'delete from inbox where queue = ? and id = ?'
const PRUNE = `delete from inbox where at < ? and seq in (select seq from inbox order by seq limit ?)`
const ENQUEUE = 'insert into outbox(exchange, key, body, properties) values (?, ?, ?, ?)'
const COUNT_PENDING = 'select count(*) as n from outbox'
const REMOVE = 'delete from outbox where seq in (select value from json_each(?))'

/** What a job may do: inbox and outbox, and SQL of the service's own. It ends with its job. */
export class SqliteTransaction implements Transaction {
  readonly #statements: Statements
  #ended = false
  /** Rows put into and taken out of the outbox; the store adds them up after the commit. */
  readonly outbox = { added: 0, removed: 0 }

  constructor(statements: Statements) {
    this.#statements = statements
  }

  recordFirstSeen(queue: string, ids: readonly string[], atMs: number): ReadonlySet<string> {
    return new Set(ids.filter((id) => this.run(REMEMBER, queue, id, atMs).changes > 0))
  }

  forget(queue: string, ids: readonly string[]): void {
    for (const id of ids) this.run(FORGET, queue, id)
  }

  enqueue(rows: readonly OutboxRow[]): void {
    for (const { exchange, key, body, properties } of rows) {
      this.run(ENQUEUE, exchange, key, body, properties)
      this.outbox.added++
    }
  }

  /** Rows in the outbox, those of this job and of the jobs before it in the same group included. */
  countPending(): number {
    return this.get(counted, COUNT_PENDING)?.n ?? 0
  }

  /** Forgets outbox rows that the broker has confirmed. */
  removePublished(seqs: readonly number[]): void {
    this.outbox.removed += this.run(REMOVE, JSON.stringify(seqs)).changes
  }

  /** Forgets inbox rows older than `beforeMs` among the `limit` oldest; gives back how many. */
  pruneInbox(beforeMs: number, limit: number): number {
    return this.run(PRUNE, beforeMs, limit).changes
  }

  /** Runs a statement that changes rows; gives back how many, and the row id of the last insert. */
  run(sql: string, ...params: SqlValue[]): { changes: number; lastId: number } {
    this.#assertOpen()
    return this.#statements.run(sql, ...params)
  }

  /** The first row, or undefined. Sees what this job and the jobs before it wrote. */
  get<Row>(parser: RowParser<Row>, sql: string, ...params: SqlValue[]): Row | undefined {
    this.#assertOpen()
    return this.#statements.get(parser, sql, ...params)
  }

  /** All rows. Sees what this job and the jobs before it wrote. */
  all<Row>(parser: RowParser<Row>, sql: string, ...params: SqlValue[]): Row[] {
    this.#assertOpen()
    return this.#statements.all(parser, sql, ...params)
  }

  /** Called by the store when the job is over. */
  end(): void {
    this.#ended = true
  }

  // A statement after the end would fall into the transaction of another job, or be committed on its own.
  #assertOpen(): void {
    if (this.#ended || !this.#statements.inTransaction)
      throw new Error('The transaction has ended: await everything inside the job.')
  }
}

const counted = z.object({ n: z.number() })

/** The columns of `PendingRow`. */
export const pendingRow = z.object({
  seq: z.number(),
  exchange: z.string(),
  key: z.string(),
  body: z.string(),
  properties: z.string(),
})
