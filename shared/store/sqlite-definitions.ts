import { z } from 'zod'
import type { Page, PageRequest } from './conversations.ts'
import type { DefinitionReader, DefinitionRow, DefinitionTransaction } from './definitions.ts'
import { pageOf, parseNamedCursor } from './page-cursor.ts'
import type { SqliteReader } from './sqlite-store.ts'
import type { SqliteTransaction } from './sqlite-transaction.ts'

const COLUMNS = 'seq, type, version, document, actor, reason, at as atMs'

/** None reads more than the rows it is about; a test asks the planner. */
export const definitionStatements = {
  insert: `insert into definition_rows(type, version, at, actor, reason, document) values (?, ?, ?, ?, ?, ?)
    on conflict do nothing`,
  last: 'select max(seq) as n from definition_rows',
  since: `select ${COLUMNS} from definition_rows where seq > ? order by seq limit ?`,
  find: `select ${COLUMNS} from definition_rows where type = ? and version = ?`,
  newest: `select ${COLUMNS} from definition_rows where type = ? order by version desc limit 1`,
  olderOf: `select ${COLUMNS} from definition_rows where type = ? and version < ? order by version desc limit ?`,
  behind: `select ${COLUMNS} from definition_rows where type > ? order by type, version desc limit ?`,
} as const

/** `DefinitionTransaction` over the transaction of a SQLite store. */
export class SqliteDefinitionTransaction implements DefinitionTransaction {
  readonly #tx: SqliteTransaction

  constructor(tx: SqliteTransaction) {
    this.#tx = tx
  }

  insert({ type, version, atMs, actor, reason, document }: Omit<DefinitionRow, 'seq'>): boolean {
    return this.#tx.run(definitionStatements.insert, type, version, atMs, actor, reason, document).changes > 0
  }

  last(): number {
    return this.#tx.get(newestSeq, definitionStatements.last)?.n ?? 0
  }

  since(seq: number, limit: number): readonly DefinitionRow[] {
    return this.#tx.all(definitionRow, definitionStatements.since, seq, limit)
  }

  find(type: string, version: number): DefinitionRow | undefined {
    return this.#tx.get(definitionRow, definitionStatements.find, type, version)
  }
}

/** `DefinitionReader` over the read-only side of a SQLite store. */
export class SqliteDefinitionReader implements DefinitionReader {
  readonly #read: SqliteReader

  constructor(read: SqliteReader) {
    this.#read = read
  }

  list(
    { type, latest = false }: { readonly type?: string | undefined; readonly latest?: boolean | undefined },
    { limit, cursor }: PageRequest,
  ): Page<DefinitionRow> {
    const [version, behind] = cursor === undefined ? BEFORE_ALL : parseNamedCursor(cursor)
    // A cursor may come from the list of another type.
    const from = type === undefined || type === behind ? version : type > behind ? Number.MAX_SAFE_INTEGER : 0
    const rows =
      type !== undefined
        ? this.#listOf(type, latest, from, limit + 1)
        : latest
          ? this.#listLatest(behind, limit + 1)
          : this.#listAll(behind, version, limit + 1)
    return pageOf(rows, limit, { place: (row) => [row.version, row.type], item: (row) => row })
  }

  find(type: string, version?: number): DefinitionRow | undefined {
    return version === undefined
      ? this.#read.get(definitionRow, definitionStatements.newest, type)
      : this.#read.get(definitionRow, definitionStatements.find, type, version)
  }

  #listOf(type: string, latest: boolean, before: number, limit: number): DefinitionRow[] {
    if (!latest) return this.#read.all(definitionRow, definitionStatements.olderOf, type, before, limit)
    const newest = this.find(type)
    return newest && newest.version < before ? [newest] : []
  }

  #listAll(type: string, before: number, limit: number): DefinitionRow[] {
    const same = this.#read.all(definitionRow, definitionStatements.olderOf, type, before, limit)
    return [...same, ...this.#read.all(definitionRow, definitionStatements.behind, type, limit - same.length)]
  }

  /** From the newest of one type to the newest of the next: versions in between are not read. */
  #listLatest(behind: string, limit: number): DefinitionRow[] {
    const rows: DefinitionRow[] = []
    while (rows.length < limit) {
      const next = this.#read.get(definitionRow, definitionStatements.behind, rows.at(-1)?.type ?? behind, 1)
      if (!next) break
      rows.push(next)
    }
    return rows
  }
}

const BEFORE_ALL = [Number.MAX_SAFE_INTEGER, ''] as const
const newestSeq = z.object({ n: z.number().nullable() })
/** A `DefinitionRow`. */
export const definitionRow = z.object({
  seq: z.number(),
  type: z.string(),
  version: z.number(),
  document: z.string(),
  actor: z.string(),
  reason: z.string(),
  atMs: z.number(),
})
