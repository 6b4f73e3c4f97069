import { z } from 'zod'
import type {
  AttentionFilter,
  Conversation,
  ConversationFilter,
  DurationsFilter,
  EndedFilter,
  Page,
  PageRequest,
} from './conversations.ts'
import { pageOf, parseCursor } from './page-cursor.ts'
import { CONVERSATION_COLUMNS, conversationRow } from './sqlite-conversation-rows.ts'
import type { SqliteReader } from './sqlite-store.ts'
import type { SqlValue } from './statements.ts'

/** The index that holds the rows of a list in its order. The planner has no statistics to choose by. */
const listings = {
  status: { index: 'conversations_by_status', where: 'kind = ? and status = ?' },
  open: { index: 'conversations_open', where: 'kind = ? and ended_at is null' },
  over: { index: 'conversations_over', where: 'kind = ? and ended_at is not null' },
  label: { index: 'conversations_by_label', where: 'kind = ? and label = ? and (ended_at is null) = ? and status = ?' },
  attention: { index: 'conversations_by_attention', where: 'kind = ? and attention = ?' },
} as const

/** The statement of a list: newest first, behind a place. Conditions are added that its index does not answer. */
export const listStatement = (by: keyof typeof listings, conditions: readonly string[] = []): string =>
  `select seq, ${CONVERSATION_COLUMNS} from conversation_rows indexed by ${listings[by].index}
    where ${[listings[by].where, ...conditions].join(' and ')} and (created_at, seq) < (?, ?)
    order by created_at desc, seq desc limit ?`

/** None reads more than the rows it is about; a test asks the planner. */
export const listStatements = {
  nextStatus: `select status as name from conversation_rows indexed by conversations_by_label
    where kind = ? and label = ? and (ended_at is null) = ? and status > ? order by status limit 1`,
  nextAttention: `select attention as name from conversation_rows indexed by conversations_by_attention
    where kind = ? and attention > ? order by attention limit 1`,
  nextLabel: `select label as name from conversation_rows indexed by conversations_by_label
    where kind = ? and label > ? order by label limit 1`,
  isLabelOpen: `select label as name from conversation_rows indexed by conversations_by_label
    where kind = ? and label = ? and (ended_at is null) = 1 limit 1`,
  durations: `select ended_at - created_at as n from conversation_rows indexed by conversations_by_label
    where kind = ? and label = ? and (ended_at is null) = 0 and status = ? order by created_at desc, seq desc limit ?`,
  attention: `select 1 as n from conversation_rows indexed by conversations_by_attention
    where kind = ? and attention = ? limit ?`,
  ended: `select seq, ${CONVERSATION_COLUMNS} from conversation_rows indexed by conversations_labelled_ended
    where kind = ? and label is not null and ended_at >= ? and (ended_at, seq) > (?, ?) order by ended_at, seq limit ?`,
} as const

/** A list: rows that lie in their order in one index, and what the rows must be besides. */
type Run = { readonly by: keyof typeof listings; readonly values: readonly SqlValue[]; readonly more: Conditions }
type Conditions = Readonly<Record<string, SqlValue>>
type Behind = { readonly limit: number; readonly behind: readonly [number, number] }

/** Lists of conversations. A filter that no index answers in order is answered by some few runs, of which each gives its newest. */
export class SqliteConversationLists {
  readonly #read: SqliteReader

  constructor(read: SqliteReader) {
    this.#read = read
  }

  /** Newest first. Throws InvalidCursorError. */
  list(filter: ConversationFilter, { limit, cursor }: PageRequest): Page<Conversation> {
    const before = [filter.createdBeforeMs ?? Number.MAX_SAFE_INTEGER, 0] as const
    const behind = cursor === undefined ? before : parseCursor(cursor)
    const request = { limit: limit + 1, behind: behind[0] < before[0] ? behind : before }
    const runs = this.#runsOf(filter)
    const rows = runs.flatMap((run) => this.#rowsOf(run, request))
    // Each row is in one run: the newest of all together are among the newest of each.
    return pageOf((runs.length > 1 ? rows.toSorted(newestFirst) : rows).slice(0, limit + 1), limit, {
      place: ({ createdAtMs, seq }) => [createdAtMs, seq],
      item: ({ seq, ...conversation }) => conversation,
    })
  }

  /** In the order in which they ended. Throws InvalidCursorError. */
  listEnded({ kind, sinceMs }: EndedFilter, { limit, cursor }: PageRequest): Page<Conversation> {
    const behind = cursor === undefined ? BEFORE_ALL : parseCursor(cursor)
    return pageOf(this.#read.all(listedRow, listStatements.ended, kind, sinceMs, ...behind, limit + 1), limit, {
      place: ({ endedAtMs, seq }) => [endedAtMs ?? 0, seq],
      item: ({ seq, ...conversation }) => conversation,
    })
  }

  durationsOf({ kind, label, status, limit }: DurationsFilter): readonly number[] {
    return this.#read.all(number, listStatements.durations, kind, label, status, limit).map(({ n }) => n)
  }

  countAttention({ kind, attention, limit }: AttentionFilter): number {
    return this.#read.all(number, listStatements.attention, kind, attention, limit).length
  }

  labelsOf(kind: string): readonly string[] {
    const labels = this.#namesOf(listStatements.nextLabel, kind)
    return labels.filter((label) => this.#read.get(name, listStatements.isLabelOpen, kind, label) !== undefined)
  }

  #runsOf({ kind, status, label, attention, isOpen, tenant }: ConversationFilter): readonly Run[] {
    const more = conditionsOf({ tenant })
    const open = isOpen === undefined ? {} : { [isOpen ? 'ended_at is null' : 'ended_at is not null']: null }
    if (attention !== undefined) {
      const reasons = attention === true ? this.#namesOf(listStatements.nextAttention, kind) : [attention]
      const others = { ...conditionsOf({ label, status, tenant }), ...open }
      return reasons.map((reason) => ({ by: 'attention', values: [kind, reason], more: others }))
    }
    if (label !== undefined)
      return (isOpen === undefined ? [1, 0] : [Number(isOpen)]).flatMap((goesOn) => {
        const statuses = status ? [status] : this.#namesOf(listStatements.nextStatus, kind, label, goesOn)
        return statuses.map((one) => ({ by: 'label', values: [kind, label, goesOn, one], more }) as const)
      })
    if (status !== undefined) return [{ by: 'status', values: [kind, status], more: { ...open, ...more } }]
    return (isOpen === undefined ? [true, false] : [isOpen]).map((goesOn) => ({
      by: goesOn ? 'open' : 'over',
      values: [kind],
      more,
    }))
  }

  #rowsOf({ by, values, more }: Run, { limit, behind }: Behind): ListedRow[] {
    const others = Object.values(more).filter((value) => value !== null)
    return this.#read.all(listedRow, listStatement(by, Object.keys(more)), ...values, ...others, ...behind, limit)
  }

  /** Distinct values, each found behind the one before: what lies between is not read. */
  #namesOf(statement: string, ...values: readonly SqlValue[]): readonly string[] {
    const names: string[] = []
    for (;;) {
      const next = this.#read.get(name, statement, ...values, names.at(-1) ?? '')
      if (!next) return names
      names.push(next.name)
    }
  }
}

/** Conditions on columns, with the values that they are bound to; one that binds nothing has null. */
const conditionsOf = (wanted: Readonly<Record<string, string | undefined>>): Conditions =>
  Object.fromEntries(
    Object.entries(wanted).flatMap(([column, value]) => (value === undefined ? [] : [[`${column} = ?`, value]])),
  )

const BEFORE_ALL = [Number.MIN_SAFE_INTEGER, 0] as const

type Listed = { readonly createdAtMs: number; readonly seq: number }
const newestFirst = (a: Listed, b: Listed) => b.createdAtMs - a.createdAtMs || b.seq - a.seq

const listedRow = conversationRow.extend({ seq: z.number() })
type ListedRow = z.infer<typeof listedRow>
const number = z.object({ n: z.number() })
const name = z.object({ name: z.string() })
