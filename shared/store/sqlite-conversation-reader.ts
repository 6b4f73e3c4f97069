import { z } from 'zod'
import {
  type AttentionFilter,
  type Conversation,
  type ConversationFilter,
  type ConversationId,
  type ConversationReader,
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
import { pageOf, parseCursor } from './page-cursor.ts'
import { SqliteConversationLists } from './sqlite-conversation-lists.ts'
import {
  conversationRow,
  FIND_CONVERSATION,
  FROZEN_COLUMNS,
  frozenRow,
  TIMER_COLUMNS,
  timerRow,
} from './sqlite-conversation-rows.ts'
import type { SqliteReader } from './sqlite-store.ts'

/** Statements of lookups and metrics. None reads more than the rows it is about; a test asks the planner. */
export const readStatements = {
  findConversation: FIND_CONVERSATION,
  standing: `select key, version, ended_at is null as isOpen from conversation_rows
    where kind = ? and key in (select value from json_each(?))`,
  history: `select at as atMs, what, detail from history_rows
    where conversation = (select seq from conversation_rows where key = ? and kind = ?) order by n desc limit ?`,
  timersOf: `select ${TIMER_COLUMNS} from timer_rows where key = ? and kind = ?`,
  frozenTimersOf: `select ${FROZEN_COLUMNS} from frozen_rows where key = ? and kind = ? order by name`,
  earlyOf: `select count(*) as count, min(at) as sinceMs from early_rows where key = ? and kind = ? having count(*) > 0`,
  countOpen: `select kind, n as count, (
      select min(c.created_at) from conversation_rows c indexed by conversations_open
      where c.kind = counts.kind and c.ended_at is null
    ) as oldestMs from counts where what = 'open' and n > 0`,
  count: `select n from counts where what = ? and kind = ''`,
  listTimers: `select ${TIMER_COLUMNS} from timer_rows
    where due < ? and (due, token) > (?, ?) order by due, token limit ?`,
  listTimersOfKind: `select ${TIMER_COLUMNS} from timer_rows
    where due < ? and (due, token) > (?, ?) and kind = ? order by due, token limit ?`,
} as const

const LIST_IGNORED = `select kind, why, type, count, last_key as lastKey, last_at as lastAtMs from ignored_rows
  order by kind, why, type`

/** A `ConversationReader` over the read-only side of a SQLite store. */
export class SqliteConversationReader implements ConversationReader {
  readonly #read: SqliteReader
  readonly #lists: SqliteConversationLists

  constructor(read: SqliteReader) {
    this.#read = read
    this.#lists = new SqliteConversationLists(read)
  }

  findConversation({ kind, key }: ConversationId): Conversation | undefined {
    return this.#read.get(conversationRow, readStatements.findConversation, key, kind)
  }

  standingOf(kind: string, keys: readonly string[]): readonly Standing[] {
    return this.#read.all(standingRow, readStatements.standing, kind, JSON.stringify(keys))
  }

  historyOf({ kind, key }: ConversationId, limit: number): readonly HistoryEntry[] {
    return this.#read.all(historyRow, readStatements.history, key, kind, limit).reverse()
  }

  timersOf({ kind, key }: ConversationId): readonly Timer[] {
    return this.#read.all(timerRow, readStatements.timersOf, key, kind).sort(earliestFirst)
  }

  frozenTimersOf({ kind, key }: ConversationId): readonly FrozenTimer[] {
    return this.#read.all(frozenRow, readStatements.frozenTimersOf, key, kind)
  }

  earlyOf({ kind, key }: ConversationId) {
    return this.#read.get(earlyRow, readStatements.earlyOf, key, kind)
  }

  listConversations(filter: ConversationFilter, page: PageRequest): Page<Conversation> {
    return this.#lists.list(filter, page)
  }

  listEnded(filter: EndedFilter, page: PageRequest): Page<Conversation> {
    return this.#lists.listEnded(filter, page)
  }

  durationsOf(which: DurationsFilter): readonly number[] {
    return this.#lists.durationsOf(which)
  }

  countAttention(which: AttentionFilter): number {
    return this.#lists.countAttention(which)
  }

  labelsOf(kind: string): readonly string[] {
    return this.#lists.labelsOf(kind)
  }

  listTimers(
    { kind, dueBeforeMs = Number.MAX_SAFE_INTEGER }: { kind?: string | undefined; dueBeforeMs?: number | undefined },
    { limit, cursor }: PageRequest,
  ): Page<Timer> {
    const behind = cursor === undefined ? BEFORE_ALL_TIMERS : parseCursor(cursor)
    const rows =
      kind === undefined
        ? this.#read.all(timerRow, readStatements.listTimers, dueBeforeMs, ...behind, limit + 1)
        : this.#read.all(timerRow, readStatements.listTimersOfKind, dueBeforeMs, ...behind, kind, limit + 1)
    return pageOf(rows, limit, { place: ({ dueMs, token }) => [dueMs, token], item: (timer) => timer })
  }

  listIgnored(): readonly IgnoredCount[] {
    return this.#read.all(ignoredRow, LIST_IGNORED)
  }

  countOpen(): readonly { readonly kind: string; readonly count: number; readonly oldestMs: number }[] {
    return this.#read.all(openRow, readStatements.countOpen)
  }

  countTimers(): number {
    return this.#count('timers')
  }

  countFrozenTimers(): number {
    return this.#count('frozen')
  }

  countEarly(): number {
    return this.#count('early')
  }

  #count(what: 'timers' | 'frozen' | 'early'): number {
    return this.#read.get(z.object({ n: z.number() }), readStatements.count, what)?.n ?? 0
  }
}

const BEFORE_ALL_TIMERS = [Number.MIN_SAFE_INTEGER, 0] as const

const earlyRow = z.object({ count: z.number(), sinceMs: z.number() })
const standingRow = z.object({
  key: z.string(),
  version: z.number(),
  isOpen: z.number().transform((isOpen) => isOpen === 1),
})
const historyRow = z.object({ atMs: z.number(), what: z.string(), detail: z.string().nullable() })
const ignoredRow = z.object({
  kind: z.string(),
  why: z.string(),
  type: z.string(),
  count: z.number(),
  lastKey: z.string(),
  lastAtMs: z.number(),
})
const openRow = z.object({ kind: z.string(), count: z.number(), oldestMs: z.number() })
