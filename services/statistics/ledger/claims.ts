import { z } from 'zod'
import type { SqliteReader } from '../../../shared/store/sqlite-store.ts'
import type { Claim } from './comparison.ts'
import { type EntryKind, queueOf } from './entry.ts'
import { STORED } from './moves.ts'

/** Reads what the events say should lie somewhere. Each query goes by a partial index that holds what is open, and nothing else. */

const OPEN_TASK = `finished_at is null and created_at is not null and mark <> 'outside'`
const OPEN_OBJECT = `completed_at is null and failed_at is null and created_at is not null and mark <> 'outside'`
const OPEN_ENTRY = 'outcome is null and accepted_at is not null'

const COUNT_OPEN = `
  select 'task' as kind, 0 as stage, mark as state, mark_by as "by", count(*) as count from task_rows
    where ${OPEN_TASK} and changed_at <= :before group by mark, mark_by
  union all select 'object', mark_stage, mark, mark_by, count(*) from object_rows
    where ${OPEN_OBJECT} and changed_at <= :before group by mark_stage, mark, mark_by
  union all select kind, 0, mark, mark_by, count(*) from entry_rows
    where ${OPEN_ENTRY} and changed_at <= :before group by kind, mark, mark_by`.replaceAll(':before', '?')

const openRow = z.object({
  kind: z.enum(['object', 'task', 'group', 'flow', 'journey']),
  stage: z.number(),
  state: z.enum(['inFlight', 'waiting', 'parked', 'dead', 'discarded']),
  by: z.string(),
  count: z.number(),
})

/** What has not changed since then and should lie in a queue. What is in the hub's hands is not among it: it is asked for. */
export function readClaims(read: SqliteReader, beforeMs: number): readonly Claim[] {
  return read.all(openRow, COUNT_OPEN, beforeMs, beforeMs, beforeMs).flatMap(({ kind, stage, state, by, count }) => {
    const queue = queueOf(kind, stage)
    if (state === 'discarded') return []
    if (queue === 'hub_consume' && (state === 'inFlight' || state === 'waiting')) return []
    return [{ kind, queue, state, by, count }]
  })
}

export type Named = { readonly kind: EntryKind; readonly id: string; readonly tenant: string }
const namedRow = z.object({ id: z.string(), tenant: z.string(), changed_at: z.number() })
/** As it is counted in the accounts. */
const TENANT = `case when exists (select 1 from ledger_names where role = 'tenant' and name = coalesce(r.tenant, '(none)'))
  then coalesce(r.tenant, '(none)') else '(other)' end as tenant`
const oldest = (table: string, where: string) => `select id, ${TENANT}, changed_at from ${table} r
  where ${where} and changed_at <= ? order by changed_at, seq limit ?`
const NAME_TASKS = oldest('task_rows', `${OPEN_TASK} and mark = ? and mark_by = ?`)
const NAME_OBJECTS = oldest('object_rows', `${OPEN_OBJECT} and mark_stage = ? and mark = ? and mark_by = ?`)
const NAME_ENTRIES = oldest('entry_rows', `${OPEN_ENTRY} and kind = ? and mark = ? and mark_by = ?`)

/**
 * So many entries of these claims, those first that have not changed for the longest time: when some of a place are missing, numbers
 * cannot tell which, and where the rest goes on they are the ones that stay.
 */
export function nameOldest(
  read: SqliteReader,
  claims: readonly Claim[],
  beforeMs: number,
  limit: number,
): readonly Named[] {
  const named = claims.flatMap(({ kind, queue, state, by }) => {
    const rows =
      kind === 'task'
        ? read.all(namedRow, NAME_TASKS, state, by, beforeMs, limit)
        : kind === 'object'
          ? read.all(namedRow, NAME_OBJECTS, queue === 'hub_consume' ? 1 : 0, state, by, beforeMs, limit)
          : read.all(namedRow, NAME_ENTRIES, kind, state, by, beforeMs, limit)
    return rows.map((row) => ({ kind, ...row }))
  })
  return named
    .toSorted((a, b) => a.changed_at - b.changed_at)
    .slice(0, limit)
    .map(({ kind, id, tenant }) => ({ kind, id, tenant }))
}

/** Before this one no ledger could hear of it: its own end says so, or its id, when that is one of ours, which begin with a time. */
const known = (beganAt: string) => `coalesce(${beganAt}, began + 1) > began and mark <> 'discarded'
  and not (r.id glob '????????-????-[78]???-*' and substr(r.id, 1, 13) < substr(hex, 1, 8) || '-' || substr(hex, 9))`
const strange = (kind: string, table: string, beganAt: string, where: string) => `select ${kind} as kind, id, ${TENANT}
  from ${table} r, since where ${where} and ${known(beganAt)} and changed_at <= ? and changed_at > ?`
const STRANGE = `with since(began, hex) as (select ?, ?) ${strange(`'task'`, 'task_rows', 'null', `created_at is null and finished_at is not null and mark <> 'outside'`)}
  union all ${strange(`'object'`, 'object_rows', 'coalesce(completed_at, failed_at) - duration_ms', `created_at is null and (completed_at is not null or failed_at is not null) and mark <> 'outside'`)}
  union all ${strange('kind', 'entry_rows', 'began_at', 'accepted_at is null and outcome is not null')} limit ?`
const strangeRow = openRow.pick({ kind: true }).extend({ id: z.string(), tenant: z.string() })

/** Hexadecimal digits of the time that an id of ours begins with. */
const TIME_DIGITS = 12

type StrangeRange = {
  readonly began: number
  readonly beforeMs: number
  readonly afterMs: number
  readonly limit: number
}

/**
 * What has ended and was never accepted: heard of after `afterMs`, and unchanged since `beforeMs`; but for what is known to be older than the
 * ledger, which began at `began`, and what was written off.
 */
export function readStrange(read: SqliteReader, { began, beforeMs, afterMs, limit }: StrangeRange): readonly Named[] {
  const hex = began.toString(16).padStart(TIME_DIGITS, '0')
  const range = [beforeMs, afterMs]
  return read.all(strangeRow, STRANGE, began, hex, ...range, ...range, ...range, limit)
}

/** A place among what is in the hub's hands. */
export type Cursor = { readonly changedAt: number; readonly seq: number }
export const FIRST: Cursor = { changedAt: -1, seq: 0 }
const handRow = z.object({ id: z.string(), tenant: z.string(), changedAt: z.number(), seq: z.number() })
const hands = (table: string, where: string) => `select id, ${TENANT}, changed_at as changedAt, seq from ${table} r
  where ${where} and mark = ? and mark_by = '' and (changed_at, seq) > (?, ?) and changed_at <= ?
  order by changed_at, seq limit ?`
const OBJECTS_AT_HUB = hands('object_rows', `${OPEN_OBJECT} and mark_stage = 1`)
const ENTRIES_AT_HUB = hands('entry_rows', `${OPEN_ENTRY} and kind = ?`)

export type AtHub = Exclude<EntryKind, 'task'>

/** What should be in the hub's hands, behind a place. */
export function readAtHub(
  read: SqliteReader,
  { kind, state }: { readonly kind: AtHub; readonly state: 'inFlight' | 'waiting' },
  { after, beforeMs, limit }: { readonly after: Cursor; readonly beforeMs: number; readonly limit: number },
) {
  const range = [state, after.changedAt, after.seq, beforeMs, limit] as const
  return kind === 'object'
    ? read.all(handRow, OBJECTS_AT_HUB, ...range)
    : read.all(handRow, ENTRIES_AT_HUB, kind, ...range)
}

const COUNT_AT_HUB = `select coalesce(sum(count), 0) as count from ledger_accounts
  where kind = ? and state = ? and queue = 'hub_consume'`

/** How much should be in the hub's hands. */
export const countAtHub = (
  read: SqliteReader,
  { kind, state }: { readonly kind: AtHub; readonly state: 'inFlight' | 'waiting' },
): number => read.get(z.object({ count: z.number() }), COUNT_AT_HUB, kind, state)?.count ?? 0

const STILL_OBJECTS = `select id from object_rows where id in (select value from json_each(?)) and ${OPEN_OBJECT}
  and mark_stage = 1 and mark in ('inFlight', 'waiting') and changed_at <= ?`
const STILL_ENTRIES = `select id from entry_rows where kind = ? and id in (select value from json_each(?)) and ${OPEN_ENTRY}
  and mark in ('inFlight', 'waiting') and changed_at <= ?`
const idRow = z.object({ id: z.string() })

/** Which of these should still be in the hub's hands. */
export function stillAtHub(read: SqliteReader, kind: AtHub, ids: readonly string[], beforeMs: number) {
  const all = JSON.stringify(ids)
  const rows =
    kind === 'object'
      ? read.all(idRow, STILL_OBJECTS, all, beforeMs)
      : read.all(idRow, STILL_ENTRIES, kind, all, beforeMs)
  return new Set(rows.map(({ id }) => id))
}

const RETRIED = `select id from entry_rows where kind = ? and id in (select value from json_each(?)) and mark = 'waiting'
  and mark_stage < ${STORED} union all
  select id from object_rows where 'object' = ? and id in (select value from json_each(?)) and mark = 'waiting'`

/** Of these, what waits for another attempt as far as anybody has said; a journey that waits for a person does not. */
export function readRetried(read: SqliteReader, kind: AtHub, ids: readonly string[]): ReadonlySet<string> {
  const all = JSON.stringify(ids)
  return new Set(read.all(idRow, RETRIED, kind, all, kind, all).map(({ id }) => id))
}

const MISSING_COUNTS = 'select place, count(*) as count from ledger_missing group by place'
const placeCount = z.object({ place: z.string(), count: z.number() })

/** How much is noted as missing from each place. */
export const readMissingCounts = (read: SqliteReader): ReadonlyMap<string, number> =>
  new Map(read.all(placeCount, MISSING_COUNTS).map(({ place, count }) => [place, count]))

/** What is noted as missing from a place. */
export const readMissingAt = (read: SqliteReader, place: string): readonly Named[] =>
  read.all(strangeRow, 'select kind, id, tenant from ledger_missing where place = ? order by since, id', place)
