import type { Page, PageRequest } from './conversations.ts'

/** Where definitions of journeys are kept: immutable, never deleted, JSON text to the store. */

export type DefinitionRow = {
  /** From 1, and higher with every registration: who knows up to one needs those behind it. Another store may number the same ones anew, higher. */
  readonly seq: number
  readonly type: string
  readonly version: number
  /** JSON, as it was registered. */
  readonly document: string
  readonly actor: string
  readonly reason: string
  readonly atMs: number
}

type Sync<T> = T | Promise<T>

/** Inside a transaction: sees what the transaction wrote. */
export interface DefinitionTransaction {
  /** Adds a version. False when it is there: then nothing is changed. */
  insert(row: Omit<DefinitionRow, 'seq'>): Sync<boolean>
  /** The `seq` of the newest registration; 0 when there is none. */
  last(): Sync<number>
  /** Registrations behind this one, oldest first, at most `limit`. */
  since(seq: number, limit: number): Sync<readonly DefinitionRow[]>
  find(type: string, version: number): Sync<DefinitionRow | undefined>
}

/** The side of whoever looks: sees what is committed. */
export interface DefinitionReader {
  /** By type, then version, newest version first; with `latest` only the newest of each type. Throws InvalidCursorError. */
  list(
    filter: { readonly type?: string | undefined; readonly latest?: boolean | undefined },
    page: PageRequest,
  ): Sync<Page<DefinitionRow>>
  /** Without a version: the newest. */
  find(type: string, version?: number): Sync<DefinitionRow | undefined>
}
