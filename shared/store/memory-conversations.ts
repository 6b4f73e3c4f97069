import {
  type AttentionFilter,
  type Conversation,
  type ConversationFilter,
  type ConversationId,
  type ConversationReader,
  type ConversationStore,
  type ConversationTransaction,
  type DurationsFilter,
  type EndedFilter,
  earliestFirst,
  type HistoryEntry,
  type IgnoredCount,
  type Page,
  type PageRequest,
  type Standing,
  type Timer,
} from './conversations.ts'
import type { FrozenTimer } from './frozen-timers.ts'
import { type Kept, keyOf, MemoryConversationTransaction, MemoryTables } from './memory-conversation-transaction.ts'
import { MemoryStoreOf } from './memory-store.ts'
import { type Place, pageOf, parseCursor } from './page-cursor.ts'

/** Conversations without a disk, for tests and local play: the same promises, except that it forgets when it ends and looks through everything. */
export class MemoryConversationStore extends MemoryStoreOf<ConversationTransaction> implements ConversationStore {
  readonly reader: ConversationReader

  constructor() {
    const tables = new MemoryTables()
    super((inboxAndOutbox) => {
      const tx = new MemoryConversationTransaction(tables, inboxAndOutbox)
      return { tx, apply: () => tx.apply() }
    })
    this.reader = new MemoryConversationReader(tables)
  }
}

/** A `ConversationReader` over what is committed. */
export class MemoryConversationReader implements ConversationReader {
  readonly #tables: MemoryTables

  constructor(tables: MemoryTables) {
    this.#tables = tables
  }

  findConversation(id: ConversationId): Conversation | undefined {
    return this.#tables.conversations.get(keyOf(id))?.conversation
  }

  standingOf(kind: string, keys: readonly string[]): readonly Standing[] {
    return [...new Set(keys)].flatMap((key) => {
      const found = this.findConversation({ kind, key })
      return found ? { key, version: found.version, isOpen: found.endedAtMs === null } : []
    })
  }

  historyOf(id: ConversationId, limit: number): readonly HistoryEntry[] {
    const history = this.#tables.conversations.get(keyOf(id))?.history ?? []
    return history.slice(Math.max(0, history.length - limit))
  }

  timersOf({ kind, key }: ConversationId): readonly Timer[] {
    return this.#timers().filter((timer) => timer.kind === kind && timer.key === key)
  }

  frozenTimersOf({ kind, key }: ConversationId): readonly FrozenTimer[] {
    const frozen = [...this.#tables.frozen.values()].filter((timer) => timer.kind === kind && timer.key === key)
    return frozen.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  }

  earlyOf({ kind, key }: ConversationId) {
    const times = [...this.#tables.early.values()].flatMap(({ event }) =>
      event.kind === kind && event.key === key ? [event.atMs] : [],
    )
    return times.length === 0 ? undefined : { count: times.length, sinceMs: Math.min(...times) }
  }

  listConversations(filter: ConversationFilter, { limit, cursor }: PageRequest): Page<Conversation> {
    const behind = cursor === undefined ? undefined : parseCursor(cursor)
    const rows = [...this.#tables.conversations.values()]
      .filter(({ conversation }) => matches(conversation, filter))
      .filter((kept) => !behind || compare(placeOf(kept), behind) < 0)
      .toSorted((a, b) => compare(placeOf(b), placeOf(a)))
    return pageOf(rows, limit, { place: placeOf, item: ({ conversation }) => conversation })
  }

  listEnded({ kind, sinceMs }: EndedFilter, { limit, cursor }: PageRequest): Page<Conversation> {
    const behind = cursor === undefined ? undefined : parseCursor(cursor)
    const place = ({ conversation, seq }: Kept): Place => [conversation.endedAtMs ?? 0, seq]
    const rows = [...this.#tables.conversations.values()]
      .filter(({ conversation }) => matches(conversation, { kind, isOpen: false }) && conversation.label !== null)
      .filter((kept) => place(kept)[0] >= sinceMs && (!behind || compare(place(kept), behind) > 0))
      .toSorted((a, b) => compare(place(a), place(b)))
    return pageOf(rows, limit, { place, item: ({ conversation }) => conversation })
  }

  durationsOf({ limit, ...filter }: DurationsFilter): readonly number[] {
    const ended = this.listConversations({ ...filter, isOpen: false }, { limit }).items
    return ended.map(({ createdAtMs, endedAtMs }) => (endedAtMs ?? createdAtMs) - createdAtMs)
  }

  countAttention({ limit, ...filter }: AttentionFilter): number {
    return this.listConversations(filter, { limit }).items.length
  }

  labelsOf(kind: string): readonly string[] {
    const open = [...this.#tables.conversations.values()].filter(({ conversation }) =>
      matches(conversation, { kind, isOpen: true }),
    )
    return [...new Set(open.flatMap(({ conversation }) => conversation.label ?? []))].toSorted()
  }

  listTimers(
    { kind, dueBeforeMs = Number.POSITIVE_INFINITY }: { kind?: string | undefined; dueBeforeMs?: number | undefined },
    { limit, cursor }: PageRequest,
  ): Page<Timer> {
    const behind = cursor === undefined ? undefined : parseCursor(cursor)
    const place = ({ dueMs, token }: Timer): Place => [dueMs, token]
    const rows = this.#timers()
      .filter((timer) => (kind === undefined || timer.kind === kind) && timer.dueMs < dueBeforeMs)
      .filter((timer) => !behind || compare(place(timer), behind) > 0)
    return pageOf(rows, limit, { place, item: (timer) => timer })
  }

  listIgnored(): readonly IgnoredCount[] {
    const text = ({ kind, why, type }: IgnoredCount) => [kind, why, type].join('\n')
    return [...this.#tables.ignored.values()].toSorted((a, b) => (text(a) < text(b) ? -1 : 1))
  }

  countOpen(): readonly { readonly kind: string; readonly count: number; readonly oldestMs: number }[] {
    const open = new Map<string, { kind: string; count: number; oldestMs: number }>()
    for (const { conversation } of this.#tables.conversations.values()) {
      const { kind, createdAtMs, endedAtMs } = conversation
      if (endedAtMs !== null) continue
      const { count, oldestMs } = open.get(kind) ?? { count: 0, oldestMs: createdAtMs }
      open.set(kind, { kind, count: count + 1, oldestMs: Math.min(oldestMs, createdAtMs) })
    }
    return [...open.values()]
  }

  countTimers(): number {
    return this.#tables.timers.size
  }

  countFrozenTimers(): number {
    return this.#tables.frozen.size
  }

  countEarly(): number {
    return this.#tables.early.size
  }

  #timers(): Timer[] {
    return [...this.#tables.timers.values()].toSorted(earliestFirst)
  }
}

function matches(
  { kind, status, label, attention, tenant, endedAtMs, createdAtMs }: Conversation,
  { isOpen, createdBeforeMs = Number.POSITIVE_INFINITY, ...filter }: ConversationFilter,
): boolean {
  return (
    kind === filter.kind &&
    (filter.status === undefined || status === filter.status) &&
    (filter.label === undefined || label === filter.label) &&
    (filter.attention === undefined ||
      (filter.attention === true ? attention !== null : attention === filter.attention)) &&
    (filter.tenant === undefined || tenant === filter.tenant) &&
    (isOpen === undefined || isOpen === (endedAtMs === null)) &&
    createdAtMs < createdBeforeMs
  )
}

const placeOf = ({ conversation, seq }: Kept): Place => [conversation.createdAtMs, seq]
const compare = (a: Place, b: Place) => a[0] - b[0] || a[1] - b[1]
