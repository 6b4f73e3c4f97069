import { z } from 'zod'
import type { ConversationId, TimerId } from './conversations.ts'
import type { FrozenTimer, FrozenTimers } from './frozen-timers.ts'
import { FROZEN_COLUMNS, frozenRow, TIMER_COLUMNS, timerRow } from './sqlite-conversation-rows.ts'
import type { SqliteTransaction } from './sqlite-transaction.ts'

/** None reads more than the rows it is about; a test asks the planner. */
export const frozenStatements = {
  findOpenOf: `select kind, key from conversation_rows indexed by conversations_of_thread
    where correlation_id = ? and ended_at is null order by kind, seq`,
  findArmed: `select ${TIMER_COLUMNS} from timer_rows where key = ? and kind = ? and due > ? order by name`,
  disarm: 'delete from timer_rows where key = ? and kind = ? and name = ?',
  add: `insert into frozen_rows(key, kind, name, remaining, since) values (?, ?, ?, ?, ?)`,
  find: `select ${FROZEN_COLUMNS} from frozen_rows where key = ? and kind = ? order by name`,
  remove: 'delete from frozen_rows where key = ? and kind = ? and name = ?',
  removeOf: 'delete from frozen_rows where key = ? and kind = ?',
  noteParked: 'insert into parked_threads(correlation_id, since) values (?, ?) on conflict do nothing',
  forgetParked: 'delete from parked_threads where correlation_id = ?',
  isParked: 'select 1 as n from parked_threads where correlation_id = ?',
  counted: `select n from counts where what = 'frozen' and kind = ''`,
  count: `insert into counts(what, kind, n) values (?, '', ?)
    on conflict(what, kind) do update set n = n + excluded.n`,
} as const

/** `FrozenTimers` of a transaction of a SQLite store. */
export class SqliteFrozenTimers implements FrozenTimers {
  readonly #tx: SqliteTransaction

  constructor(tx: SqliteTransaction) {
    this.#tx = tx
  }

  findOpenOf(correlationId: string, kinds?: readonly string[]): readonly ConversationId[] {
    const open = this.#tx.all(idRow, frozenStatements.findOpenOf, correlationId)
    return kinds ? open.filter(({ kind }) => kinds.includes(kind)) : open
  }

  freeze(ids: readonly ConversationId[], atMs: number): readonly FrozenTimer[] {
    const frozen = ids.flatMap(({ kind, key }) =>
      this.#tx.all(timerRow, frozenStatements.findArmed, key, kind, atMs).map(({ name, dueMs }) => {
        this.#tx.run(frozenStatements.disarm, key, kind, name)
        this.#tx.run(frozenStatements.add, key, kind, name, dueMs - atMs, atMs)
        return { kind, key, name, leftMs: dueMs - atMs, sinceMs: atMs }
      }),
    )
    this.#count('timers', -frozen.length)
    this.#count('frozen', frozen.length)
    return frozen
  }

  take(ids: readonly ConversationId[]): readonly FrozenTimer[] {
    if (this.#areNone()) return []
    const taken = ids.flatMap(({ kind, key }) => this.#tx.all(frozenRow, frozenStatements.find, key, kind))
    this.remove(taken)
    return taken
  }

  /** How many there were. */
  remove(ids: readonly TimerId[]): number {
    if (this.#areNone()) return 0
    let removed = 0
    for (const { kind, key, name } of ids) removed += this.#tx.run(frozenStatements.remove, key, kind, name).changes
    this.#count('frozen', -removed)
    return removed
  }

  removeOf(ids: readonly ConversationId[]): void {
    if (this.#areNone()) return
    let removed = 0
    for (const { kind, key } of ids) removed += this.#tx.run(frozenStatements.removeOf, key, kind).changes
    this.#count('frozen', -removed)
  }

  noteParked(correlationId: string, atMs: number): void {
    this.#tx.run(frozenStatements.noteParked, correlationId, atMs)
  }

  forgetParked(correlationId: string): boolean {
    return this.#tx.run(frozenStatements.forgetParked, correlationId).changes > 0
  }

  isParked(correlationId: string): boolean {
    return this.#tx.get(counted, frozenStatements.isParked, correlationId) !== undefined
  }

  /** Asked once per call: nearly always nothing stands still, and each timer that is armed would pay for a look. */
  #areNone(): boolean {
    return (this.#tx.get(counted, frozenStatements.counted)?.n ?? 0) === 0
  }

  #count(what: 'timers' | 'frozen', by: number): void {
    if (by !== 0) this.#tx.run(frozenStatements.count, what, by)
  }
}

const idRow = z.object({ kind: z.string(), key: z.string() })
const counted = z.object({ n: z.number() })
