import type { Page, PageRequest } from './conversations.ts'

/** What somebody asked for who wanted to change something, and what became of it. All texts are short and of one line. */
export type AuditEntry = {
  /** Of the request: no two entries have the same. */
  readonly id: string
  readonly atMs: number
  /** Null when nobody is known. */
  readonly actor: string | null
  /** A token says so; otherwise it is only what he calls himself. */
  readonly isProven: boolean
  /** A token was asked for and none counted. */
  readonly isStranger: boolean
  readonly address: string
  /** Method and pattern of the route. */
  readonly act: string
  /** What it was about; null when the request does not name it. */
  readonly target: string | null
  readonly reason: string | null
  /** Of the answer. */
  readonly status: number
  readonly correlationId: string
}

export type AuditFilter = {
  readonly actor?: string | undefined
  readonly act?: string | undefined
  readonly sinceMs?: number | undefined
}

/** What of the audit goes: what is older, and of the rest the oldest above so many. `strangers`: what strangers wanted. */
export type AuditBounds = {
  readonly beforeMs: number
  readonly acts: number
  readonly strangers: number
}

type Sync<T> = T | Promise<T>

/** Inside a transaction. */
export interface AuditTransaction {
  append(entry: AuditEntry): Sync<void>
  /** Removes what is beyond the bounds, of each sort `limit` at most; gives back how many. */
  removeBeyond(bounds: AuditBounds, limit: number): Sync<number>
}

/** The side of whoever looks: sees what is committed. */
export interface AuditReader {
  /** Newest first. Throws InvalidCursorError. */
  list(filter: AuditFilter, page: PageRequest): Sync<Page<AuditEntry>>
}
