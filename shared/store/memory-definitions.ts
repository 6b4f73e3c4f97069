import type { Page, PageRequest } from './conversations.ts'
import type { DefinitionReader, DefinitionRow, DefinitionTransaction } from './definitions.ts'
import { MemoryDraft } from './memory-draft.ts'
import { pageOf, parseNamedCursor } from './page-cursor.ts'

/** What is committed. */
export class MemoryDefinitions {
  readonly rows = new Map<string, DefinitionRow>()
}

/** `DefinitionTransaction` without a disk: `apply` makes it durable. */
export class MemoryDefinitionTransaction implements DefinitionTransaction {
  readonly #rows: MemoryDraft<DefinitionRow>

  constructor({ rows }: MemoryDefinitions) {
    this.#rows = new MemoryDraft(rows)
  }

  apply(): void {
    this.#rows.apply()
  }

  insert(row: Omit<DefinitionRow, 'seq'>): boolean {
    if (this.find(row.type, row.version)) return false
    this.#rows.set(idOf(row), { seq: this.last() + 1, ...row })
    return true
  }

  last(): number {
    return Math.max(0, ...this.#rows.values().map(({ seq }) => seq))
  }

  since(seq: number, limit: number): readonly DefinitionRow[] {
    const behind = this.#rows.values().filter((row) => row.seq > seq)
    return behind.toSorted((a, b) => a.seq - b.seq).slice(0, limit)
  }

  find(type: string, version: number): DefinitionRow | undefined {
    return this.#rows.get(idOf({ type, version }))
  }
}

/** `DefinitionReader` over what is committed. */
export class MemoryDefinitionReader implements DefinitionReader {
  readonly #definitions: MemoryDefinitions

  constructor(definitions: MemoryDefinitions) {
    this.#definitions = definitions
  }

  list(
    { type, latest = false }: { readonly type?: string | undefined; readonly latest?: boolean | undefined },
    { limit, cursor }: PageRequest,
  ): Page<DefinitionRow> {
    const behind = cursor === undefined ? undefined : parseNamedCursor(cursor)
    const all = [...this.#definitions.rows.values()].toSorted(inOrder)
    const rows = all
      .filter((row) => type === undefined || row.type === type)
      .filter((row, i, of) => !latest || of[i - 1]?.type !== row.type)
      .filter((row) => !behind || inOrder({ version: behind[0], type: behind[1] }, row) < 0)
    return pageOf(rows, limit, { place: (row) => [row.version, row.type], item: (row) => row })
  }

  find(type: string, version?: number): DefinitionRow | undefined {
    const all = [...this.#definitions.rows.values()].filter((row) => row.type === type).toSorted(inOrder)
    return version === undefined ? all[0] : all.find((row) => row.version === version)
  }
}

type Named = Pick<DefinitionRow, 'type' | 'version'>
const idOf = ({ type, version }: Named) => JSON.stringify([type, version])
const inOrder = (a: Named, b: Named) => (a.type === b.type ? b.version - a.version : a.type < b.type ? -1 : 1)
