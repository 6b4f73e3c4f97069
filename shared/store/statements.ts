import type { Database, Statement } from 'better-sqlite3'

export type SqlValue = string | number | bigint | Buffer | null

/** Turns a row as the database gives it into what the caller works with; a zod schema is one. */
export type RowParser<Row> = { parse(row: unknown): Row }

/** SQL is written as constants, of which a service has some dozens; more means that someone pastes values into SQL. */
const STATEMENTS_MAX = 500

/** Prepared statements of one connection, each prepared once. */
export class Statements {
  readonly #db: Database
  readonly #prepared = new Map<string, Statement<SqlValue[], unknown>>()

  constructor(db: Database) {
    this.#db = db
  }

  /** The database's path, as it was opened. */
  get file(): string {
    return this.#db.name
  }

  /** Whether a transaction is open on this connection; the database ends one by itself when its disk fails. */
  get inTransaction(): boolean {
    return this.#db.inTransaction
  }

  /** Runs a statement that gives no rows. */
  run(sql: string, ...params: SqlValue[]): { changes: number; lastId: number } {
    const { changes, lastInsertRowid } = this.#prepare(sql).run(...params)
    return { changes, lastId: Number(lastInsertRowid) }
  }

  /** The first row, or undefined when there is none. Throws what `parser` throws. */
  get<Row>(parser: RowParser<Row>, sql: string, ...params: SqlValue[]): Row | undefined {
    const row = this.#prepare(sql).get(...params)
    return row === undefined ? undefined : parser.parse(row)
  }

  /** All rows. */
  all<Row>(parser: RowParser<Row>, sql: string, ...params: SqlValue[]): Row[] {
    return this.#prepare(sql)
      .all(...params)
      .map((row) => parser.parse(row))
  }

  /** Rows one after another, each read when it is asked for: for rows that may be too large to hold together. */
  *each<Row>(parser: RowParser<Row>, sql: string, ...params: SqlValue[]): Generator<Row> {
    for (const row of this.#prepare(sql).iterate(...params)) yield parser.parse(row)
  }

  #prepare(sql: string): Statement<SqlValue[], unknown> {
    const known = this.#prepared.get(sql)
    if (known) return known
    if (this.#prepared.size >= STATEMENTS_MAX)
      throw new Error(`More than ${STATEMENTS_MAX} different statements: bind values instead of writing them into SQL.`)
    const statement = this.#db.prepare<SqlValue[], unknown>(sql)
    this.#prepared.set(sql, statement)
    return statement
  }
}
