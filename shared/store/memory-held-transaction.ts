import type { ArchivedMessage, Held, HeldContent, HeldOutcome, HeldState, HeldTransaction } from './held-messages.ts'
import { MemoryDraft } from './memory-draft.ts'
import { removedSlice } from './slices.ts'

/** A row, in the order in which it came; `seenAtMs` is when it was last known to lie in its place. */
export type KeptHeld = {
  readonly held: Held
  readonly seq: number
  readonly seenAtMs: number
  readonly isFailing: boolean
}

/** What is committed, by id. */
export class MemoryHeldTables {
  readonly rows = new Map<string, KeptHeld>()
  readonly contents = new Map<string, HeldContent>()
  readonly archive = new Map<string, ArchivedMessage>()
  lastSeq = 0
}

const isOneOf =
  (...states: readonly HeldState[]) =>
  ({ state }: Held) =>
    states.includes(state)
/** It lies in its place, as far as is known. */
export const isLying = isOneOf('held', 'chosen')
/** Its outcome is still to come. */
export const isUnsettled = isOneOf('held', 'chosen', 'released')
const isUnmoved = isOneOf('held', 'chosen', 'gone')
const ALL = Number.MAX_SAFE_INTEGER

/** Collects what a job does; `apply` makes it durable in one go. */
export class MemoryHeldTransaction implements HeldTransaction {
  readonly #tables: MemoryHeldTables
  readonly #rows: MemoryDraft<KeptHeld>
  readonly #contents: MemoryDraft<HeldContent>
  readonly #archive: MemoryDraft<ArchivedMessage>
  #lastSeq: number

  constructor(tables: MemoryHeldTables) {
    this.#tables = tables
    this.#rows = new MemoryDraft(tables.rows)
    this.#contents = new MemoryDraft(tables.contents)
    this.#archive = new MemoryDraft(tables.archive)
    this.#lastSeq = tables.lastSeq
  }

  apply(): void {
    for (const draft of [this.#rows, this.#contents, this.#archive]) draft.apply()
    this.#tables.lastSeq = this.#lastSeq
  }

  addHeld(rows: readonly Held[]): readonly string[] {
    const added = rows.filter((held) => {
      if (this.#rows.get(held.id)) return false
      this.#rows.set(held.id, { held, seq: ++this.#lastSeq, seenAtMs: held.changedAtMs, isFailing: false })
      return true
    })
    return added.map(({ id }) => id)
  }

  findHeld(ids: readonly string[]): readonly Held[] {
    return this.#these(ids).map(({ held }) => held)
  }

  choose(job: string, ids: readonly string[], atMs: number): number {
    const rows = this.#these(ids).filter(({ held }) => held.state === 'held')
    return this.#change(rows, { state: 'chosen', job, changedAtMs: atMs })
  }

  unchoose(job: string, atMs: number, limit = ALL): number {
    const rows = this.#rows.values().filter(({ held }) => held.job === job && held.state === 'chosen')
    return this.#change(rows.slice(0, limit), { state: 'held', job: null, changedAtMs: atMs })
  }

  chosenOf(job: string, ids: readonly string[]): ReadonlySet<string> {
    const chosen = this.findHeld(ids).filter((held) => held.job === job && held.state === 'chosen')
    return new Set(chosen.map(({ id }) => id))
  }

  moved(job: string, ids: readonly string[], state: 'released' | 'discarded' | 'archived', atMs: number): void {
    const rows = this.#these(ids).filter(({ held }) => isUnmoved(held))
    this.#change(rows, { state, job, changedAtMs: atMs })
  }

  settle(id: string, outcome: HeldOutcome, atMs: number): boolean {
    return this.#change(this.#released(id), { state: outcome, changedAtMs: atMs }) > 0
  }

  noteFailing(id: string, error: string, atMs: number): boolean {
    const rows = this.#released(id).filter(({ isFailing }) => !isFailing)
    this.#change(rows, { error, changedAtMs: atMs }, { isFailing: true })
    return rows.length > 0
  }

  countMoved(job: string, place: string): number {
    const rows = this.#rows.values().filter(({ held }) => held.job === job && held.place === place && !isUnmoved(held))
    return rows.length
  }

  isParked(correlationId: string): boolean {
    const isOne = ({ held }: KeptHeld) => held.correlationId === correlationId && held.rule !== null && isLying(held)
    return this.#rows.values().some(isOne)
  }

  keepContents(contents: readonly HeldContent[]): void {
    for (const content of contents)
      if (content.edited !== null || (this.#contents.get(content.id)?.edited ?? null) === null)
        this.#contents.set(content.id, content)
  }

  findContents(ids: readonly string[]): readonly HeldContent[] {
    return [...new Set(ids)].flatMap((id) => this.#contents.get(id) ?? [])
  }

  markSeen(place: string, ids: readonly string[], atMs: number): void {
    const rows = this.#these(ids).filter(({ held }) => held.place === place)
    const isGone = ({ held }: KeptHeld) => held.state === 'gone'
    this.#change(
      rows.filter(({ held }) => isLying(held)),
      {},
      { seenAtMs: atMs },
    )
    this.#change(rows.filter(isGone), { state: 'held', job: null, changedAtMs: atMs }, { seenAtMs: atMs })
  }

  markGone(place: string, beforeMs: number, limit = ALL): number {
    const rows = this.#rows
      .values()
      .filter(({ held, seenAtMs }) => held.place === place && isLying(held) && seenAtMs < beforeMs)
    return this.#change(rows.slice(0, limit), { state: 'gone', changedAtMs: beforeMs })
  }

  removeSettled(beforeMs: number, limit: number): number {
    const settled = this.#rows
      .values()
      .filter(({ held }) => !isUnsettled(held) && held.changedAtMs < beforeMs)
      .toSorted((a, b) => a.held.changedAtMs - b.held.changedAtMs || a.seq - b.seq)
      .map(({ held: { id } }) => ({ id, rows: 1, bytes: Buffer.byteLength(this.#contents.get(id)?.body ?? '') }))
    const removed = removedSlice(settled, limit)
    for (const { id } of removed) {
      this.#rows.delete(id)
      this.#contents.delete(id)
    }
    return removed.length
  }

  archive(messages: readonly ArchivedMessage[]): void {
    for (const message of messages) if (!this.#archive.get(message.id)) this.#archive.set(message.id, message)
  }

  #these(ids: readonly string[]): readonly KeptHeld[] {
    return [...new Set(ids)].flatMap((id) => this.#rows.get(id) ?? [])
  }

  #released(id: string): readonly KeptHeld[] {
    return this.#these([id]).filter(({ held }) => held.state === 'released')
  }

  #change(rows: readonly KeptHeld[], to: Partial<Held>, kept: Partial<KeptHeld> = {}): number {
    for (const row of rows) this.#rows.set(row.held.id, { ...row, ...kept, held: { ...row.held, ...to } })
    return rows.length
  }
}
