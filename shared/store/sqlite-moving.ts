import { z } from 'zod'
import type { ConversationId, EarlyEvent, EndedBefore, Timer } from './conversations.ts'
import type { DefinitionRow } from './definitions.ts'
import type { Lead, MovingReader, MovingTransaction, Placed, SeenRow } from './movable-store.ts'
import { TIMER_COLUMNS, timerRow } from './sqlite-conversation-rows.ts'
import type { SqliteConversationTransaction } from './sqlite-conversation-transaction.ts'
import { definitionRow, definitionStatements } from './sqlite-definitions.ts'
import type { SqliteReader } from './sqlite-store.ts'
import type { SqliteTransaction } from './sqlite-transaction.ts'
import type { Statements } from './statements.ts'

/** None reads more than the rows it is about; a test asks the planner. */
export const movingStatements = {
  lead: 'select epoch, leads, at as atMs, drained, pair, out from lead_rows where id = 1',
  setLead: 'update lead_rows set epoch = ?, leads = ?, at = ?, drained = ?, pair = ?, out = ? where id = 1',
  leave: 'insert into moved_rows(key, kind) values (?, ?) on conflict do nothing',
  isLeft: 'select kind, key from moved_rows where key = ? and kind = ?',
  reclaim: 'delete from moved_rows where key = ? and kind = ?',
  find: 'select seq, ended_at as endedAtMs from conversation_rows where key = ? and kind = ?',
  remove: 'delete from conversation_rows where seq = ?',
  removeHistory: 'delete from history_rows where conversation = ?',
  countDown: `update counts set n = n - 1 where what = 'open' and kind = ?`,
  after: `select seq, key, kind, version, ended_at as endedAtMs from conversation_rows where seq > ? order by seq limit ?`,
  record: 'insert into inbox(queue, id, at) values (?, ?, ?) on conflict do nothing',
  isSeen: 'select 1 as n from inbox where queue = ? and id = ?',
  early: `select kind, key, event, at as atMs from early_rows where key = ? and kind = ? and at >= ? order by seq`,
  earlyAfter: 'select seq, kind, key, event, at as atMs from early_rows where seq > ? order by seq limit ?',
  isKept: `select 1 as n from conversation_rows where key = ? and kind = ? union all
    select 1 from early_rows where key = ? and kind = ? and at = ? and event = ? limit 1`,
  dueHere: `select ${TIMER_COLUMNS} from timer_rows t where due <= ? and not exists
    (select 1 from moved_rows m where m.key = t.key and m.kind = t.kind) order by due, token limit ?`,
  nextDueHere: `select due as dueMs from timer_rows t where due >= ? and not exists
    (select 1 from moved_rows m where m.key = t.key and m.kind = t.kind) order by due, token limit 1`,
  seenBelow: 'select seq, queue, id, at as atMs from inbox where seq < ? order by seq desc limit ?',
} as const

/** `MovingTransaction` over the transaction of a SQLite store. */
export class SqliteMoving implements MovingTransaction {
  readonly #tx: SqliteTransaction
  readonly #conversations: SqliteConversationTransaction

  constructor(tx: SqliteTransaction, conversations: SqliteConversationTransaction) {
    this.#tx = tx
    this.#conversations = conversations
  }

  lead(): Lead {
    return leadIn(this.#tx)
  }

  setLead({ epoch, leads, atMs, isDrained, pair, out }: Lead): void {
    this.#tx.run(movingStatements.setLead, epoch, Number(leads), atMs, Number(isDrained), pair, out)
  }

  leaveBehind(ids: readonly ConversationId[]): void {
    for (const { kind, key } of ids) this.#tx.run(movingStatements.leave, key, kind)
  }

  leftBehind(ids: readonly ConversationId[]): readonly ConversationId[] {
    return leftBehindIn(this.#tx, ids)
  }

  remove(ids: readonly ConversationId[]): void {
    this.#conversations.cancelTimersOf(ids)
    for (const { kind, key } of ids) {
      this.#tx.run(movingStatements.reclaim, key, kind)
      const stored = this.#tx.get(storedRow, movingStatements.find, key, kind)
      if (!stored) continue
      this.#tx.run(movingStatements.removeHistory, stored.seq)
      this.#tx.run(movingStatements.remove, stored.seq)
      if (stored.endedAtMs === null) this.#tx.run(movingStatements.countDown, kind)
    }
  }

  recordSeen(rows: readonly SeenRow[]): number {
    let added = 0
    for (const { queue, id, atMs } of rows) added += this.#tx.run(movingStatements.record, queue, id, atMs).changes
    return added
  }

  keepEarly(events: readonly EarlyEvent[]): void {
    const isNew = ({ kind, key, atMs, event }: EarlyEvent) =>
      this.#tx.get(one, movingStatements.isKept, key, kind, key, kind, atMs, event) === undefined
    this.#conversations.keepEarly(events.filter(isNew), UNBOUNDED)
  }

  removeEarly(seqs: readonly number[]): void {
    this.#conversations.removeEarly(seqs)
  }

  takeDueTimers(nowMs: number, limit: number): readonly Timer[] {
    const due = this.#tx.all(timerRow, movingStatements.dueHere, nowMs, limit)
    this.#conversations.cancelTimers(due)
    return due
  }

  nextTimerDue(): number | undefined {
    return this.#tx.get(z.object({ dueMs: z.number() }), movingStatements.nextDueHere, 0)?.dueMs
  }

  removeEnded(before: EndedBefore, limit: number, isKept: (id: ConversationId) => boolean): number {
    return this.#conversations.removeEnded(before, limit, isKept)
  }
}

/** They were within their bounds where they were kept. */
const UNBOUNDED = {
  countMax: Number.MAX_SAFE_INTEGER,
  bytesMax: Number.MAX_SAFE_INTEGER,
  perConversationMax: Number.MAX_SAFE_INTEGER,
}

/** `MovingReader` over the read-only side of a SQLite store. */
export class SqliteMovingReader implements MovingReader {
  readonly #read: SqliteReader

  constructor(read: SqliteReader) {
    this.#read = read
  }

  lead(): Lead {
    return leadIn(this.#read)
  }

  leftBehind(ids: readonly ConversationId[]): readonly ConversationId[] {
    return leftBehindIn(this.#read, ids)
  }

  conversationsAfter(seq: number, limit: number): readonly Placed[] {
    return this.#read
      .all(placedRow, movingStatements.after, seq, limit)
      .map(({ kind, key, endedAtMs, ...place }) => ({ ...place, id: { kind, key }, isOpen: endedAtMs === null }))
  }

  knows({ kind, key }: ConversationId): boolean {
    return this.#read.get(storedRow, movingStatements.find, key, kind) !== undefined
  }

  seen(queue: string, ids: readonly string[]): ReadonlySet<string> {
    return new Set(ids.filter((id) => this.#read.get(one, movingStatements.isSeen, queue, id) !== undefined))
  }

  seenBelow(seq: number, limit: number): readonly (SeenRow & { readonly seq: number })[] {
    return this.#read.all(seenRow, movingStatements.seenBelow, seq, limit)
  }

  earlyOf({ kind, key }: ConversationId, sinceMs: number): readonly EarlyEvent[] {
    return this.#read.all(earlyRow, movingStatements.early, key, kind, sinceMs)
  }

  earlyAfter(seq: number, limit: number): readonly (EarlyEvent & { readonly seq: number })[] {
    return this.#read.all(placedEarlyRow, movingStatements.earlyAfter, seq, limit)
  }

  definitionsAfter(seq: number, limit: number): readonly DefinitionRow[] {
    return this.#read.all(definitionRow, definitionStatements.since, seq, limit)
  }
}

type Getting = Pick<Statements, 'get'>

function leadIn(from: Getting): Lead {
  const row = from.get(leadRow, movingStatements.lead)
  if (!row) throw new Error('The store has lost the row that says who leads: it was changed by hand.')
  const { drained, leads, ...rest } = row
  return { ...rest, leads: leads === 1, isDrained: drained === 1 }
}

const leftBehindIn = (from: Getting, ids: readonly ConversationId[]) =>
  ids.flatMap(({ kind, key }) => from.get(idRow, movingStatements.isLeft, key, kind) ?? [])

const leadRow = z.object({
  epoch: z.number(),
  leads: z.number(),
  atMs: z.number(),
  drained: z.number(),
  pair: z.string().nullable(),
  out: z.enum(['primary', 'secondary']).nullable(),
})
const idRow = z.object({ kind: z.string(), key: z.string() })
const storedRow = z.object({ seq: z.number(), endedAtMs: z.number().nullable() })
const placedRow = idRow.extend({ seq: z.number(), version: z.number(), endedAtMs: z.number().nullable() })
const earlyRow = idRow.extend({ event: z.string(), atMs: z.number() })
const placedEarlyRow = earlyRow.extend({ seq: z.number() })
const one = z.object({ n: z.number() })
const seenRow = z.object({ seq: z.number(), queue: z.string(), id: z.string(), atMs: z.number() })
