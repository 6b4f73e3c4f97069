import { z } from 'zod'
import {
  assertVersion,
  type Conversation,
  type ConversationChange,
  type ConversationId,
  type ConversationTransaction,
  type EarlyBounds,
  type EarlyEvent,
  type EndedBefore,
  type HistoryEntry,
  type IgnoredCount,
  type Timer,
  type TimerId,
} from './conversations.ts'
import { bytesOfEarly, EarlyRoom, type EarlySize } from './early-room.ts'
import { removedSlice } from './slices.ts'
import {
  conversationRow,
  earlyRow,
  earlySize,
  earlySized,
  endedRow,
  FIND_CONVERSATION,
  oldEarlyRow,
  storedRow,
  TIMER_COLUMNS,
  timerRow,
} from './sqlite-conversation-rows.ts'
import { SqliteFrozenTimers } from './sqlite-frozen-timers.ts'
import type { SqliteTransaction } from './sqlite-transaction.ts'
import type { OutboxRow } from './store.ts'

/** Every statement that a message or a timer may cost. None reads more than the rows it is about; a test asks the planner. */
export const statements = {
  findStored: `select seq, version, status, label, attention, tenant, created_at as createdAtMs, ended_at as endedAtMs,
      correlation_id as correlationId, lines
    from conversation_rows where key = ? and kind = ?`,
  insert: `insert into conversation_rows(version, status, created_at, changed_at, ended_at, lines,
      correlation_id, tenant, traceparent, label, attention, state, key, kind)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  /** SQLite writes an index again when one of its columns is set, changed or not: the usual change sets none. */
  updateState: `update conversation_rows
    set version = ?, changed_at = ?, lines = ?, traceparent = ?, state = ? where seq = ?`,
  updateIndexed: `update conversation_rows
    set status = ?, label = ?, attention = ?, tenant = ?, created_at = ?, ended_at = ?, correlation_id = ? where seq = ?`,
  insertHistory: 'insert into history_rows(conversation, n, at, what, detail) values (?, ?, ?, ?, ?)',
  count: `insert into counts(what, kind, n) values (?, ?, ?) on conflict(what, kind) do update set n = n + excluded.n`,
  counted: 'select n from counts where what = ? and kind = ?',
  takeTokens: 'update timer_tokens set last = last + ? where id = 1',
  lastToken: 'select last as n from timer_tokens where id = 1',
  armTimer: 'insert into timer_rows(key, kind, name, token, due) values (?, ?, ?, ?, ?) on conflict do nothing',
  moveTimer: 'update timer_rows set token = ?, due = ? where key = ? and kind = ? and name = ?',
  cancelTimer: 'delete from timer_rows where key = ? and kind = ? and name = ?',
  cancelTimersOf: 'delete from timer_rows where key = ? and kind = ?',
  findDue: `select ${TIMER_COLUMNS} from timer_rows where due <= ? order by due, token limit ?`,
  removeDue: 'delete from timer_rows where (due, token) <= (?, ?)',
  findTimer: `select ${TIMER_COLUMNS} from timer_rows where key = ? and kind = ? and name = ?`,
  nextDue: 'select min(due) as dueMs from timer_rows',
  addWakeup: 'insert into wakeup_rows(slot) values (?) on conflict do nothing',
  removeWakeups: 'delete from wakeup_rows where slot <= ?',
  removeWakeup: 'delete from wakeup_rows where slot = ?',
  insertEarly: 'insert into early_rows(key, kind, at, bytes, event) values (?, ?, ?, ?, ?)',
  sizeOfEarly: 'select count(*) as count, coalesce(sum(bytes), 0) as bytes from early_rows where key = ? and kind = ?',
  findEarly: `select seq, kind, key, bytes, event, at as atMs from early_rows
    where key = ? and kind = ? and at >= ? order by seq`,
  findOldEarly: 'select seq, kind, key, 1 as rows, bytes from early_rows where at < ? order by at, seq limit ?',
  sizesOfEarly: 'select seq, bytes from early_rows where seq in (select value from json_each(?))',
  removeEarly: 'delete from early_rows where seq in (select value from json_each(?))',
  ignore: `insert into ignored_rows(kind, why, type, count, last_key, last_at) values (?, ?, ?, ?, ?, ?)
    on conflict(kind, why, type) do update set count = count + excluded.count,
      last_key = case when excluded.last_at >= last_at then excluded.last_key else last_key end,
      last_at = max(last_at, excluded.last_at)`,
  findEnded: `select seq, kind, key, lines as rows, octet_length(state) as bytes from conversation_rows
    where status = ? and ended_at is not null and ended_at < ? order by ended_at limit ?`,
  removeConversations: 'delete from conversation_rows where seq in (select value from json_each(?))',
  removeHistory: 'delete from history_rows where conversation in (select value from json_each(?))',
} as const

/** A `ConversationTransaction` over the transaction of a SQLite store. */
export class SqliteConversationTransaction implements ConversationTransaction {
  readonly frozen: SqliteFrozenTimers
  readonly #tx: SqliteTransaction

  constructor(tx: SqliteTransaction) {
    this.#tx = tx
    this.frozen = new SqliteFrozenTimers(tx)
  }

  recordFirstSeen(queue: string, ids: readonly string[], atMs: number): ReadonlySet<string> {
    return this.#tx.recordFirstSeen(queue, ids, atMs)
  }

  forget(queue: string, ids: readonly string[]): void {
    this.#tx.forget(queue, ids)
  }

  enqueue(rows: readonly OutboxRow[]): void {
    this.#tx.enqueue(rows)
  }

  findConversations(ids: readonly ConversationId[]): readonly Conversation[] {
    return ids.flatMap(({ kind, key }) => this.#tx.get(conversationRow, FIND_CONVERSATION, key, kind) ?? [])
  }

  countOpen(kind: string): number {
    return this.#counted('open', kind)
  }

  saveConversations(changes: readonly ConversationChange[]): void {
    const opened = new Map<string, number>()
    for (const { to, readVersion, history } of changes) {
      const stored = this.#tx.get(storedRow, statements.findStored, to.key, to.kind)
      assertVersion(to, readVersion, stored?.version ?? 0)
      const seq = stored ? this.#update(stored, to, history.length) : this.#insert(to, history.length)
      this.#appendHistory(seq, stored?.lines ?? 0, history)
      const isNewlyOpen = Number(to.endedAtMs === null) - Number(stored?.endedAtMs === null)
      opened.set(to.kind, (opened.get(to.kind) ?? 0) + isNewlyOpen)
    }
    for (const [kind, n] of opened) this.#count('open', n, kind)
  }

  armTimers(timers: readonly (TimerId & { readonly dueMs: number })[]): void {
    this.#tx.run(statements.takeTokens, timers.length)
    let token = (this.#tx.get(counted, statements.lastToken)?.n ?? 0) - timers.length
    let added = 0
    for (const { kind, key, name, dueMs } of timers) {
      token++
      const { changes } = this.#tx.run(statements.armTimer, key, kind, name, token, dueMs)
      if (changes === 0) this.#tx.run(statements.moveTimer, token, dueMs, key, kind, name)
      added += changes
    }
    this.#count('timers', added)
    this.frozen.remove(timers)
  }

  cancelTimers(ids: readonly TimerId[]): number {
    let cancelled = 0
    for (const { kind, key, name } of ids) cancelled += this.#tx.run(statements.cancelTimer, key, kind, name).changes
    this.#count('timers', -cancelled)
    return cancelled + this.frozen.remove(ids)
  }

  cancelTimersOf(ids: readonly ConversationId[]): void {
    let cancelled = 0
    for (const { kind, key } of ids) cancelled += this.#tx.run(statements.cancelTimersOf, key, kind).changes
    this.#count('timers', -cancelled)
    this.frozen.removeOf(ids)
  }

  takeDueTimers(nowMs: number, limit: number): readonly Timer[] {
    const due = this.#tx.all(timerRow, statements.findDue, nowMs, limit)
    const last = due.at(-1)
    if (last) this.#count('timers', -this.#tx.run(statements.removeDue, last.dueMs, last.token).changes)
    return due
  }

  takeTimer(id: TimerId, token?: number): Timer | undefined {
    const timer = this.#tx.get(timerRow, statements.findTimer, id.key, id.kind, id.name)
    if (!timer || (token !== undefined && token !== timer.token)) return undefined
    this.cancelTimers([id])
    return timer
  }

  nextTimerDue(): number | undefined {
    return this.#tx.get(z.object({ dueMs: z.number().nullable() }), statements.nextDue)?.dueMs ?? undefined
  }

  addWakeups(slotsMs: readonly number[]): readonly number[] {
    return slotsMs.filter((slotMs) => this.#tx.run(statements.addWakeup, slotMs).changes > 0)
  }

  removeWakeups(upToMs: number): void {
    this.#tx.run(statements.removeWakeups, upToMs)
  }

  removeWakeup(slotMs: number): void {
    this.#tx.run(statements.removeWakeup, slotMs)
  }

  keepEarly(events: readonly EarlyEvent[], bounds: EarlyBounds): readonly EarlyEvent[] {
    const ofAll = { count: this.#counted('early'), bytes: this.#counted('early bytes') }
    const room = new EarlyRoom(bounds, ofAll, (id) => this.#sizeOfEarly(id))
    const refused: EarlyEvent[] = []
    let kept = 0
    let keptBytes = 0
    for (const one of events) {
      if (!room.take(one)) {
        refused.push(one)
        continue
      }
      const bytes = bytesOfEarly(one)
      this.#tx.run(statements.insertEarly, one.key, one.kind, one.atMs, bytes, one.event)
      kept++
      keptBytes += bytes
    }
    this.#count('early', kept)
    this.#count('early bytes', keptBytes)
    return refused
  }

  takeEarly({ kind, key }: ConversationId, sinceMs: number): readonly EarlyEvent[] {
    const rows = this.#tx.all(earlyRow, statements.findEarly, key, kind, sinceMs)
    this.#removeEarly(rows)
    return rows.map(({ seq, bytes, ...event }) => event)
  }

  expireEarly(beforeMs: number, limit: number): readonly ConversationId[] {
    const rows = removedSlice(this.#tx.all(oldEarlyRow, statements.findOldEarly, beforeMs, limit), limit)
    this.#removeEarly(rows)
    return rows.map(({ kind, key }) => ({ kind, key }))
  }

  countIgnored(counts: readonly IgnoredCount[]): void {
    for (const { kind, why, type, count, lastKey, lastAtMs } of counts)
      this.#tx.run(statements.ignore, kind, why, type, count, lastKey, lastAtMs)
  }

  /** `isKept` says of one that it is not to be removed. */
  removeEnded(
    { endedAtMs, statuses }: EndedBefore,
    limit: number,
    isKept: (id: ConversationId) => boolean = () => false,
  ): number {
    const ended = [...new Set(statuses)]
      .flatMap((status) => this.#tx.all(endedRow, statements.findEnded, status, endedAtMs, limit))
      .filter((id) => !isKept(id))
    const seqs = JSON.stringify(removedSlice(ended, limit).map(({ seq }) => seq))
    this.#tx.run(statements.removeHistory, seqs)
    return this.#tx.run(statements.removeConversations, seqs).changes
  }

  #insert(to: Conversation, lines: number): number {
    const {
      version,
      status,
      createdAtMs,
      changedAtMs,
      endedAtMs,
      correlationId,
      tenant,
      traceparent,
      label,
      attention,
      state,
    } = to
    const times = [createdAtMs, changedAtMs, endedAtMs] as const
    const origin = [correlationId, tenant, traceparent] as const
    const looks = [label, attention, state] as const
    return this.#tx.run(statements.insert, version, status, ...times, lines, ...origin, ...looks, to.key, to.kind)
      .lastId
  }

  #update(stored: z.infer<typeof storedRow>, to: Conversation, newLines: number): number {
    const { version, changedAtMs, traceparent, state } = to
    const lines = stored.lines + newLines
    this.#tx.run(statements.updateState, version, changedAtMs, lines, traceparent, state, stored.seq)
    const before = indexedOf(stored)
    if (indexedOf(to).some((value, i) => value !== before[i]))
      this.#tx.run(statements.updateIndexed, ...indexedOf(to), stored.seq)
    return stored.seq
  }

  #appendHistory(conversation: number, lines: number, history: readonly HistoryEntry[]): void {
    let n = lines
    for (const { atMs, what, detail } of history)
      this.#tx.run(statements.insertHistory, conversation, ++n, atMs, what, detail)
  }

  #sizeOfEarly({ kind, key }: ConversationId): EarlySize {
    return this.#tx.get(earlySize, statements.sizeOfEarly, key, kind) ?? { count: 0, bytes: 0 }
  }

  /** Forgets early events by their places. */
  removeEarly(seqs: readonly number[]): void {
    this.#removeEarly(this.#tx.all(earlySized, statements.sizesOfEarly, JSON.stringify(seqs)))
  }

  #removeEarly(rows: readonly { readonly seq: number; readonly bytes: number }[]): void {
    if (rows.length === 0) return
    this.#tx.run(statements.removeEarly, JSON.stringify(rows.map(({ seq }) => seq)))
    this.#count('early', -rows.length)
    this.#count('early bytes', -rows.reduce((sum, { bytes }) => sum + bytes, 0))
  }

  #counted(what: Counted, kind = ''): number {
    return this.#tx.get(counted, statements.counted, what, kind)?.n ?? 0
  }

  #count(what: Counted, by: number, kind = ''): void {
    if (by !== 0) this.#tx.run(statements.count, what, kind, by)
  }
}

type Counted = 'open' | 'timers' | 'early' | 'early bytes'
const counted = z.object({ n: z.number() })
/** What lists are sorted and chosen by. */
const indexedOf = ({ status, label, attention, tenant, createdAtMs, endedAtMs, correlationId }: Indexed) =>
  [status, label, attention, tenant, createdAtMs, endedAtMs, correlationId] as const
type Indexed = Omit<z.infer<typeof storedRow>, 'seq' | 'lines'>
