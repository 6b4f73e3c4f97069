import type { AuditBounds, AuditEntry, AuditFilter, AuditReader, AuditTransaction } from './audit.ts'
import type { Page, PageRequest } from './conversations.ts'
import { MemoryDraft } from './memory-draft.ts'
import { pageOf, parseCursor } from './page-cursor.ts'

type Row = AuditEntry & { readonly seq: number }

/** What is committed, by a number that only grows. */
export class MemoryAudit {
  readonly rows = new Map<string, Row>()
  lastSeq = 0
}

/** `AuditTransaction` without a disk: `apply` makes it durable. */
export class MemoryAuditTransaction implements AuditTransaction {
  readonly #audit: MemoryAudit
  readonly #rows: MemoryDraft<Row>

  constructor(audit: MemoryAudit) {
    this.#audit = audit
    this.#rows = new MemoryDraft(audit.rows)
  }

  apply(): void {
    this.#rows.apply()
  }

  append(entry: AuditEntry): void {
    const seq = ++this.#audit.lastSeq
    this.#rows.set(String(seq), { ...entry, seq })
  }

  removeBeyond({ beforeMs, acts, strangers }: AuditBounds, limit: number): number {
    const newest = [...this.#rows.values()].toSorted(newestFirst)
    const beyond = [
      newest.filter(({ atMs }) => atMs < beforeMs).reverse(),
      newest.filter(({ isStranger }) => !isStranger).slice(acts),
      newest.filter(({ isStranger }) => isStranger).slice(strangers),
    ]
    const gone = new Set(beyond.flatMap((rows) => rows.slice(0, limit)).map(({ seq }) => String(seq)))
    for (const seq of gone) this.#rows.delete(seq)
    return gone.size
  }
}

/** `AuditReader` over what is committed. */
export class MemoryAuditReader implements AuditReader {
  readonly #audit: MemoryAudit

  constructor(audit: MemoryAudit) {
    this.#audit = audit
  }

  list({ actor, act, sinceMs = 0 }: AuditFilter, { limit, cursor }: PageRequest): Page<AuditEntry> {
    const [atMs, seq] = cursor === undefined ? [Number.MAX_SAFE_INTEGER, 0] : parseCursor(cursor)
    const rows = [...this.#audit.rows.values()]
      .filter((row) => actor === undefined || row.actor === actor)
      .filter((row) => act === undefined || row.act === act)
      .filter((row) => row.atMs >= sinceMs && newestFirst({ atMs, seq }, row) < 0)
      .toSorted(newestFirst)
      .slice(0, limit + 1)
    return pageOf(rows, limit, { place: (row) => [row.atMs, row.seq], item: ({ seq: _, ...entry }) => entry })
  }
}

type Place = Pick<Row, 'atMs' | 'seq'>
const newestFirst = (a: Place, b: Place) => b.atMs - a.atMs || b.seq - a.seq
