import { z } from 'zod'
import type { AuditBounds, AuditEntry, AuditFilter, AuditReader, AuditTransaction } from './audit.ts'
import type { Page, PageRequest } from './conversations.ts'
import { pageOf, parseCursor } from './page-cursor.ts'
import type { SqliteReader } from './sqlite-store.ts'
import type { SqliteTransaction } from './sqlite-transaction.ts'
import type { SqlValue } from './statements.ts'

const COLUMNS =
  'seq, id, at as atMs, actor, is_proven as isProven, is_stranger as isStranger, address, act, target, reason, status, correlation_id as correlationId'
const list = (which: string) =>
  `select ${COLUMNS} from audit_rows where ${which} at >= ? and (at, seq) < (?, ?) order by at desc, seq desc limit ?`
const remove = (which: string) => `delete from audit_rows where seq in (select seq from audit_rows where ${which})`

/** None reads more than the rows it is about, or as many entries of an index as are kept; a test asks the planner. */
export const auditStatements = {
  append: `insert into audit_rows(id, at, actor, is_proven, is_stranger, address, act, target, reason, status, correlation_id)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  list: list(''),
  listOfActor: list('actor = ? and'),
  listOfAct: list('act = ? and'),
  listOfBoth: list('actor = ? and +act = ? and'),
  removeOld: remove('at < ? order by at limit ?'),
  removeActs: remove('is_stranger = 0 order by at desc limit ? offset ?'),
  removeStrangers: remove('is_stranger = 1 order by at desc limit ? offset ?'),
} as const

/** `AuditTransaction` over the transaction of a SQLite store. */
export class SqliteAuditTransaction implements AuditTransaction {
  readonly #tx: SqliteTransaction

  constructor(tx: SqliteTransaction) {
    this.#tx = tx
  }

  append({ id, atMs, act, target, reason, status, correlationId, ...who }: AuditEntry): void {
    const by = [who.actor, Number(who.isProven), Number(who.isStranger), who.address] as const
    this.#tx.run(auditStatements.append, id, atMs, ...by, act, target, reason, status, correlationId)
  }

  removeBeyond({ beforeMs, acts, strangers }: AuditBounds, limit: number): number {
    return (
      this.#tx.run(auditStatements.removeOld, beforeMs, limit).changes +
      this.#tx.run(auditStatements.removeActs, limit, acts).changes +
      this.#tx.run(auditStatements.removeStrangers, limit, strangers).changes
    )
  }
}

/** `AuditReader` over the read-only side of a SQLite store. */
export class SqliteAuditReader implements AuditReader {
  readonly #read: SqliteReader

  constructor(read: SqliteReader) {
    this.#read = read
  }

  list(filter: AuditFilter, { limit, cursor }: PageRequest): Page<AuditEntry> {
    const behind = cursor === undefined ? NEWEST : parseCursor(cursor)
    const { sql, values } = statementOf(filter)
    const rows = this.#read.all(auditRow, sql, ...values, filter.sinceMs ?? 0, ...behind, limit + 1)
    return pageOf(rows, limit, { place: ({ atMs, seq }) => [atMs, seq], item: ({ seq, ...entry }) => entry })
  }
}

function statementOf({ actor, act }: AuditFilter): { readonly sql: string; readonly values: readonly SqlValue[] } {
  if (actor !== undefined && act !== undefined) return { sql: auditStatements.listOfBoth, values: [actor, act] }
  if (actor !== undefined) return { sql: auditStatements.listOfActor, values: [actor] }
  if (act !== undefined) return { sql: auditStatements.listOfAct, values: [act] }
  return { sql: auditStatements.list, values: [] }
}

const NEWEST = [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER] as const
const flag = z.number().transform((one) => one === 1)
const auditRow = z.object({
  seq: z.number(),
  id: z.string(),
  atMs: z.number(),
  actor: z.string().nullable(),
  isProven: flag,
  isStranger: flag,
  address: z.string(),
  act: z.string(),
  target: z.string().nullable(),
  reason: z.string().nullable(),
  status: z.number(),
  correlationId: z.string(),
})
