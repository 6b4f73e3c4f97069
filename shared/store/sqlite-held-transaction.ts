import { z } from 'zod'
import type { ArchivedMessage, Held, HeldContent, HeldOutcome, HeldTransaction } from './held-messages.ts'
import { removedSlice } from './slices.ts'
import { contentRow, countedRow, HELD_COLUMNS, HELD_TABLES, heldRow } from './sqlite-held-rows.ts'
import type { SqliteTransaction } from './sqlite-transaction.ts'

const THESE = 'id in (select value from json_each(?))'

/** Seven indexes and three sums go with a row: some 40 µs. */
const ROW_WEIGHT = 20

/** None reads more than the rows it is about; a test asks the planner. */
export const heldStatements = {
  findSource: `select seq from held_sources
    where place = ? and coalesce(queue, '') = coalesce(?, '') and coalesce(rule, '') = coalesce(?, '')`,
  addSource: 'insert into held_sources(place, queue, rule) values (?, ?, ?)',
  add: `insert into held_rows(id, source, state, message_id, type, key, tenant, correlation_id, reason, error, attempts,
      fingerprint, first_failed_at, held_at, job, changed_at, seen_at, failing, lies, settled, subject)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?) on conflict(id) do nothing`,
  find: `select ${HELD_COLUMNS} from ${HELD_TABLES} where r.${THESE}`,
  choose: `update held_rows set state = 'chosen', job = ?, changed_at = ? where ${THESE} and state = 'held'`,
  unchoose: `update held_rows set state = 'held', job = null, changed_at = ? where seq in (
      select seq from held_rows indexed by held_of_job where job = ? and state = 'chosen' limit ?)`,
  chosenOf: `select id from held_rows where ${THESE} and job = ? and state = 'chosen'`,
  moved: `update held_rows set state = ?, settled = ?, lies = 0, job = ?, changed_at = ?
    where ${THESE} and state in ('held', 'chosen', 'gone')`,
  settle: `update held_rows set state = ?, settled = 1, changed_at = ? where id = ? and state = 'released'`,
  noteFailing: `update held_rows set failing = 1, error = ?, changed_at = ?
    where id = ? and state = 'released' and failing = 0`,
  countMoved: `select j.state, j.n from held_jobs j cross join held_sources s on s.seq = j.source
    where j.job = ? and s.place = ?`,
  findParked: `select r.seq from held_rows r indexed by held_of_thread cross join held_sources s on s.seq = r.source
    where r.correlation_id = ? and r.settled = 0 and r.lies = 1 and s.rule is not null
    order by r.held_at desc, r.seq desc limit 1`,
  keepContent: `insert into held_contents(id, body, properties, edited) values (?, ?, ?, ?)
    on conflict(id) do update set body = excluded.body, properties = excluded.properties, edited = excluded.edited
    where edited is null or excluded.edited is not null`,
  findContents: `select id, body, properties, edited from held_contents where ${THESE}`,
  seen: `update held_rows set seen_at = ? where ${THESE} and state in ('held', 'chosen')
    and source in (select seq from held_sources where place = ?)`,
  back: `update held_rows set state = 'held', lies = 1, settled = 0, job = null, seen_at = ?, changed_at = ?
    where ${THESE} and state = 'gone'
    and source in (select seq from held_sources where place = ?)`,
  gone: `update held_rows set state = 'gone', lies = 0, settled = 1, changed_at = ? where seq in (
      select r.seq from held_sources s cross join held_rows r indexed by held_of_source on r.source = s.seq
      where s.place = ? and r.state in ('held', 'chosen') and r.seen_at < ? limit ?)`,
  findSettled: `select r.seq, r.id, ${ROW_WEIGHT} as rows, coalesce(octet_length(c.body), 0) as bytes
    from held_rows r indexed by held_settled left join held_contents c on c.id = r.id
    where r.settled = 1 and r.changed_at < ? order by r.changed_at, r.seq limit ?`,
  remove: 'delete from held_rows where seq in (select value from json_each(?))',
  removeContents: `delete from held_contents where ${THESE}`,
  archive: `insert into archive_rows(id, place, queue, key, at, actor, reason, properties, body)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict(id) do nothing`,
} as const

/** Small tables, that hold what messages have in common. */
const REMOVE_SUMS = [
  ...['held_groups', 'held_jobs', 'held_strata'].map((table) => `delete from ${table} where n = 0`),
  'delete from held_sources where seq not in (select source from held_strata)',
]
const ALL = Number.MAX_SAFE_INTEGER

/** A `HeldTransaction` over the transaction of a SQLite store. */
export class SqliteHeldTransaction implements HeldTransaction {
  readonly #tx: SqliteTransaction
  readonly #sources = new Map<string, number>()

  constructor(tx: SqliteTransaction) {
    this.#tx = tx
  }

  addHeld(rows: readonly Held[]): readonly string[] {
    return rows.filter((row) => this.#add(row)).map(({ id }) => id)
  }

  findHeld(ids: readonly string[]): readonly Held[] {
    return this.#tx.all(heldRow, heldStatements.find, JSON.stringify(ids))
  }

  choose(job: string, ids: readonly string[], atMs: number): number {
    return this.#tx.run(heldStatements.choose, job, atMs, JSON.stringify(ids)).changes
  }

  unchoose(job: string, atMs: number, limit = ALL): number {
    return this.#tx.run(heldStatements.unchoose, atMs, job, limit).changes
  }

  chosenOf(job: string, ids: readonly string[]): ReadonlySet<string> {
    return new Set(this.#tx.all(idRow, heldStatements.chosenOf, JSON.stringify(ids), job).map(({ id }) => id))
  }

  moved(job: string, ids: readonly string[], state: 'released' | 'discarded' | 'archived', atMs: number): void {
    this.#tx.run(heldStatements.moved, state, Number(state !== 'released'), job, atMs, JSON.stringify(ids))
  }

  settle(id: string, outcome: HeldOutcome, atMs: number): boolean {
    return this.#tx.run(heldStatements.settle, outcome, atMs, id).changes > 0
  }

  noteFailing(id: string, error: string, atMs: number): boolean {
    return this.#tx.run(heldStatements.noteFailing, error, atMs, id).changes > 0
  }

  countMoved(job: string, place: string): number {
    const counted = this.#tx.all(countedRow, heldStatements.countMoved, job, place)
    return counted.reduce((sum, { state, n }) => (UNMOVED.has(state) ? sum : sum + n), 0)
  }

  isParked(correlationId: string): boolean {
    return this.#tx.get(seqRow, heldStatements.findParked, correlationId) !== undefined
  }

  keepContents(contents: readonly HeldContent[]): void {
    for (const { id, body, properties, edited } of contents)
      this.#tx.run(heldStatements.keepContent, id, body, properties, edited)
  }

  findContents(ids: readonly string[]): readonly HeldContent[] {
    return this.#tx.all(contentRow, heldStatements.findContents, JSON.stringify(ids))
  }

  markSeen(place: string, ids: readonly string[], atMs: number): void {
    const these = JSON.stringify(ids)
    this.#tx.run(heldStatements.seen, atMs, these, place)
    this.#tx.run(heldStatements.back, atMs, atMs, these, place)
  }

  markGone(place: string, beforeMs: number, limit = ALL): number {
    return this.#tx.run(heldStatements.gone, beforeMs, place, beforeMs, limit).changes
  }

  removeSettled(beforeMs: number, limit: number): number {
    const removed = removedSlice(this.#tx.all(settledRow, heldStatements.findSettled, beforeMs, limit), limit)
    if (removed.length === 0) {
      for (const sql of REMOVE_SUMS) this.#tx.run(sql)
      this.#sources.clear()
      return 0
    }
    this.#tx.run(heldStatements.removeContents, JSON.stringify(removed.map(({ id }) => id)))
    this.#tx.run(heldStatements.remove, JSON.stringify(removed.map(({ seq }) => seq)))
    return removed.length
  }

  archive(messages: readonly ArchivedMessage[]): void {
    for (const { id, place, queue, key, atMs, actor, reason, properties, body } of messages)
      this.#tx.run(heldStatements.archive, id, place, queue, key, atMs, actor, reason, properties, body)
  }

  /** Whether it was not there. */
  #add(row: Held): boolean {
    const { id, state, messageId, type, key, tenant, correlationId, reason, error, attempts, fingerprint, job } = row
    const message = [messageId, type, key, tenant, correlationId] as const
    const death = [reason, error, attempts, fingerprint] as const
    const times = [row.firstFailedAtMs, row.heldAtMs] as const
    const change = [
      job,
      row.changedAtMs,
      row.changedAtMs,
      Number(LYING.has(state)),
      Number(!UNSETTLED.has(state)),
      row.subject ?? null,
    ] as const
    const source = this.#sourceOf(row)
    return this.#tx.run(heldStatements.add, id, source, state, ...message, ...death, ...times, ...change).changes > 0
  }

  #sourceOf({ place, queue, rule }: Held): number {
    const name = JSON.stringify([place, queue, rule])
    const known = this.#sources.get(name)
    if (known !== undefined) return known
    const found = this.#tx.get(seqRow, heldStatements.findSource, place, queue, rule)
    const seq = found?.seq ?? this.#tx.run(heldStatements.addSource, place, queue, rule).lastId
    this.#sources.set(name, seq)
    return seq
  }
}

const LYING: ReadonlySet<string> = new Set(['held', 'chosen'])
const UNSETTLED: ReadonlySet<string> = new Set(['held', 'chosen', 'released'])
/** No job has moved what is in one of these. */
const UNMOVED: ReadonlySet<string> = new Set(['held', 'chosen', 'gone'])

const idRow = z.object({ id: z.string() })
const seqRow = z.object({ seq: z.number() })
const settledRow = z.object({ seq: z.number(), id: z.string(), rows: z.number(), bytes: z.number() })
