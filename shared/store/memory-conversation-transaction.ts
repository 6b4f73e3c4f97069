import {
  assertVersion,
  type Conversation,
  type ConversationChange,
  type ConversationId,
  type ConversationTransaction,
  type EarlyBounds,
  type EarlyEvent,
  type EndedBefore,
  earliestFirst,
  type HistoryEntry,
  type IgnoredCount,
  type Timer,
  type TimerId,
} from './conversations.ts'
import { bytesOfEarly, EarlyRoom, type EarlySize } from './early-room.ts'
import type { FrozenTimer } from './frozen-timers.ts'
import { MemoryDraft } from './memory-draft.ts'
import { MemoryFrozenTimers } from './memory-frozen-timers.ts'
import { removedSlice } from './slices.ts'
import type { OutboxRow, Transaction } from './store.ts'

/** A conversation with its history; `seq` is its place among all that were ever opened. */
export type Kept = {
  readonly conversation: Conversation
  readonly history: readonly HistoryEntry[]
  readonly seq: number
}
type KeptEarly = { readonly event: EarlyEvent; readonly seq: number }

/** What is committed. Keys are texts of what tells the values apart. */
export class MemoryTables {
  readonly conversations = new Map<string, Kept>()
  readonly timers = new Map<string, Timer>()
  readonly frozen = new Map<string, FrozenTimer>()
  /** When each was noted, by correlation id. */
  readonly parked = new Map<string, number>()
  readonly wakeups = new Map<string, number>()
  readonly early = new Map<string, KeptEarly>()
  readonly ignored = new Map<string, IgnoredCount>()
  /** The last number given to a conversation, a timer's arming or an early event. */
  lastNumber = 0
}

/** Collects what a job does; `apply` makes it durable in one go. */
export class MemoryConversationTransaction implements ConversationTransaction {
  readonly frozen: MemoryFrozenTimers
  readonly #inboxAndOutbox: Transaction
  readonly #conversations: MemoryDraft<Kept>
  readonly #timers: MemoryDraft<Timer>
  readonly #wakeups: MemoryDraft<number>
  readonly #early: MemoryDraft<KeptEarly>
  readonly #ignored: MemoryDraft<IgnoredCount>
  readonly #tables: MemoryTables
  #lastNumber: number

  constructor(tables: MemoryTables, inboxAndOutbox: Transaction) {
    this.#inboxAndOutbox = inboxAndOutbox
    this.#tables = tables
    this.#conversations = new MemoryDraft(tables.conversations)
    this.#timers = new MemoryDraft(tables.timers)
    this.frozen = new MemoryFrozenTimers(tables, { conversations: this.#conversations, timers: this.#timers })
    this.#wakeups = new MemoryDraft(tables.wakeups)
    this.#early = new MemoryDraft(tables.early)
    this.#ignored = new MemoryDraft(tables.ignored)
    this.#lastNumber = tables.lastNumber
  }

  apply(): void {
    for (const draft of [this.#conversations, this.#timers, this.#wakeups, this.#early, this.#ignored]) draft.apply()
    this.frozen.apply()
    this.#tables.lastNumber = this.#lastNumber
  }

  recordFirstSeen(queue: string, ids: readonly string[], atMs: number) {
    return this.#inboxAndOutbox.recordFirstSeen(queue, ids, atMs)
  }

  forget(queue: string, ids: readonly string[]) {
    return this.#inboxAndOutbox.forget(queue, ids)
  }

  enqueue(rows: readonly OutboxRow[]) {
    return this.#inboxAndOutbox.enqueue(rows)
  }

  findConversations(ids: readonly ConversationId[]): readonly Conversation[] {
    return ids.flatMap((id) => this.#conversations.get(keyOf(id))?.conversation ?? [])
  }

  countOpen(kind: string): number {
    const all = this.#conversations.values()
    return all.filter(({ conversation }) => conversation.kind === kind && conversation.endedAtMs === null).length
  }

  saveConversations(changes: readonly ConversationChange[]): void {
    for (const { to, readVersion, history } of changes) {
      const kept = this.#conversations.get(keyOf(to))
      assertVersion(to, readVersion, kept?.conversation.version ?? 0)
      this.#conversations.set(keyOf(to), {
        conversation: to,
        history: [...(kept?.history ?? []), ...history],
        seq: kept?.seq ?? this.#nextNumber(),
      })
    }
  }

  armTimers(timers: readonly (TimerId & { readonly dueMs: number })[]): void {
    for (const { kind, key, name, dueMs } of timers) {
      const timer = { kind, key, name, dueMs, token: this.#nextNumber() }
      this.#timers.set(timerKeyOf(timer), timer)
      this.frozen.delete(timer)
    }
  }

  cancelTimers(ids: readonly TimerId[]): number {
    // A name is armed or frozen, never both.
    return ids.filter((id) => this.#timers.delete(timerKeyOf(id)) || this.frozen.delete(id)).length
  }

  cancelTimersOf(ids: readonly ConversationId[]): void {
    const keys = new Set(ids.map(keyOf))
    this.cancelTimers([...this.#timers.values(), ...this.frozen.values()].filter((timer) => keys.has(keyOf(timer))))
  }

  takeDueTimers(nowMs: number, limit: number): readonly Timer[] {
    const due = this.#timers.values().filter(({ dueMs }) => dueMs <= nowMs)
    const taken = due.toSorted(earliestFirst).slice(0, limit)
    this.cancelTimers(taken)
    return taken
  }

  takeTimer(id: TimerId, token?: number): Timer | undefined {
    const timer = this.#timers.get(timerKeyOf(id))
    if (!timer || (token !== undefined && token !== timer.token)) return undefined
    this.cancelTimers([id])
    return timer
  }

  nextTimerDue(): number | undefined {
    return this.#timers.values().toSorted(earliestFirst)[0]?.dueMs
  }

  addWakeups(slotsMs: readonly number[]): readonly number[] {
    return slotsMs.filter((slotMs) => {
      const isNew = this.#wakeups.get(String(slotMs)) === undefined
      this.#wakeups.set(String(slotMs), slotMs)
      return isNew
    })
  }

  removeWakeups(upToMs: number): void {
    for (const slotMs of this.#wakeups.values()) if (slotMs <= upToMs) this.#wakeups.delete(String(slotMs))
  }

  removeWakeup(slotMs: number): void {
    this.#wakeups.delete(String(slotMs))
  }

  keepEarly(events: readonly EarlyEvent[], bounds: EarlyBounds): readonly EarlyEvent[] {
    const room = new EarlyRoom(bounds, sizeOf(this.#early.values()), (id) => sizeOf(this.#earlyOf(id)))
    return events.filter((event) => {
      if (!room.take(event)) return true
      const seq = this.#nextNumber()
      this.#early.set(String(seq), { event, seq })
      return false
    })
  }

  takeEarly(id: ConversationId, sinceMs: number): readonly EarlyEvent[] {
    const kept = this.#earlyOf(id).filter(({ event }) => event.atMs >= sinceMs)
    return this.#removeEarly(kept.toSorted((a, b) => a.seq - b.seq))
  }

  expireEarly(beforeMs: number, limit: number): readonly ConversationId[] {
    const old = this.#early.values().filter(({ event }) => event.atMs < beforeMs)
    const oldest = old
      .toSorted((a, b) => a.event.atMs - b.event.atMs || a.seq - b.seq)
      .map((kept) => ({ ...kept, rows: 1, bytes: bytesOfEarly(kept.event) }))
    return this.#removeEarly(removedSlice(oldest, limit)).map(({ kind, key }) => ({ kind, key }))
  }

  countIgnored(counts: readonly IgnoredCount[]): void {
    for (const added of counts) {
      const id = JSON.stringify([added.kind, added.why, added.type])
      const before = this.#ignored.get(id)
      const newest = before && before.lastAtMs > added.lastAtMs ? before : added
      this.#ignored.set(id, { ...newest, count: (before?.count ?? 0) + added.count })
    }
  }

  removeEnded({ endedAtMs, statuses }: EndedBefore, limit: number): number {
    const ended = this.#conversations.values().flatMap(({ conversation, history, seq }) => {
      const { endedAtMs: atMs, status, state } = conversation
      if (atMs === null || atMs >= endedAtMs || !statuses.includes(status)) return []
      const order = [statuses.indexOf(status), atMs, seq]
      return { conversation, order, rows: history.length, bytes: Buffer.byteLength(state) }
    })
    const removed = removedSlice(
      ended.toSorted((a, b) => inOrder(a.order, b.order)),
      limit,
    )
    for (const { conversation } of removed) this.#conversations.delete(keyOf(conversation))
    return removed.length
  }

  #earlyOf(id: ConversationId): readonly KeptEarly[] {
    return this.#early.values().filter(({ event }) => keyOf(event) === keyOf(id))
  }

  #removeEarly(kept: readonly KeptEarly[]): readonly EarlyEvent[] {
    for (const { seq } of kept) this.#early.delete(String(seq))
    return kept.map(({ event }) => event)
  }

  #nextNumber(): number {
    return ++this.#lastNumber
  }
}

export const keyOf = ({ kind, key }: ConversationId) => JSON.stringify([kind, key])
export const timerKeyOf = ({ kind, key, name }: TimerId) => JSON.stringify([kind, key, name])
const sizeOf = (kept: readonly KeptEarly[]): EarlySize => ({
  count: kept.length,
  bytes: kept.reduce((sum, { event }) => sum + bytesOfEarly(event), 0),
})
const inOrder = (a: readonly number[], b: readonly number[]) =>
  a.map((n, i) => n - (b[i] ?? 0)).find((d) => d !== 0) ?? 0
