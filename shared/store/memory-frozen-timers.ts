import type { ConversationId, Timer, TimerId } from './conversations.ts'
import type { FrozenTimer, FrozenTimers } from './frozen-timers.ts'
import { type Kept, keyOf, type MemoryTables, timerKeyOf } from './memory-conversation-transaction.ts'
import { MemoryDraft } from './memory-draft.ts'

/** What the rest of the transaction has in its hands. */
type Drafts = { readonly conversations: MemoryDraft<Kept>; readonly timers: MemoryDraft<Timer> }

/** `FrozenTimers` of a transaction without a disk. */
export class MemoryFrozenTimers implements FrozenTimers {
  readonly #drafts: Drafts
  readonly #frozen: MemoryDraft<FrozenTimer>
  readonly #parked: MemoryDraft<number>

  constructor(tables: MemoryTables, drafts: Drafts) {
    this.#drafts = drafts
    this.#frozen = new MemoryDraft(tables.frozen)
    this.#parked = new MemoryDraft(tables.parked)
  }

  apply(): void {
    this.#frozen.apply()
    this.#parked.apply()
  }

  findOpenOf(correlationId: string, kinds?: readonly string[]): readonly ConversationId[] {
    return this.#drafts.conversations
      .values()
      .filter(({ conversation: one }) => one.correlationId === correlationId && one.endedAtMs === null)
      .filter(({ conversation: { kind } }) => kinds?.includes(kind) ?? true)
      .toSorted((a, b) => byText(a.conversation.kind, b.conversation.kind) || a.seq - b.seq)
      .map(({ conversation: { kind, key } }) => ({ kind, key }))
  }

  freeze(ids: readonly ConversationId[], atMs: number): readonly FrozenTimer[] {
    const behind = of(ids, this.#drafts.timers.values()).filter(({ dueMs }) => dueMs > atMs)
    for (const timer of behind) this.#drafts.timers.delete(timerKeyOf(timer))
    const frozen = behind.map(({ token, dueMs, ...id }) => ({ ...id, leftMs: dueMs - atMs, sinceMs: atMs }))
    for (const timer of frozen) this.#frozen.set(timerKeyOf(timer), timer)
    return frozen
  }

  take(ids: readonly ConversationId[]): readonly FrozenTimer[] {
    const taken = of(ids, this.#frozen.values())
    for (const timer of taken) this.delete(timer)
    return taken
  }

  noteParked(correlationId: string, atMs: number): void {
    if (!this.isParked(correlationId)) this.#parked.set(correlationId, atMs)
  }

  forgetParked(correlationId: string): boolean {
    return this.#parked.delete(correlationId)
  }

  isParked(correlationId: string): boolean {
    return this.#parked.get(correlationId) !== undefined
  }

  values(): FrozenTimer[] {
    return this.#frozen.values()
  }

  /** Whether it was there. */
  delete(id: TimerId): boolean {
    return this.#frozen.delete(timerKeyOf(id))
  }
}

/** Those of these conversations: conversations as they are given, the timers of each by name. */
function of<T extends TimerId>(ids: readonly ConversationId[], all: readonly T[]): readonly T[] {
  return ids.flatMap((id) =>
    all.filter((timer) => keyOf(timer) === keyOf(id)).toSorted((a, b) => byText(a.name, b.name)),
  )
}

const byText = (a: string, b: string) => (a === b ? 0 : a < b ? -1 : 1)
