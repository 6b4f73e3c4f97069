import { z } from 'zod'
import type { Ledger } from '../../../shared/ledger-view.ts'
import type { Labelled } from '../../../shared/service/metrics.ts'
import type { SqliteReader } from '../../../shared/store/sqlite-store.ts'
import { subjectKinds } from '../../../shared/subject.ts'
import { HUB } from './comparison.ts'
import type { EntryKind } from './entry.ts'
import { MISSING_MAX } from './findings.ts'
import { SUSPECTS_MAX } from './hub-hands.ts'

/** The ledger as it is shown: lists are bounded, so that it fits into a message. */

const IDS_PER_PLACE_MAX = 100
/** Of all places together: 64 KB or so. */
const IDS_MAX = 1_000
/** Kinds, tenants, queues, rules and people together; those with the greatest counts are shown. */
const ROWS_MAX = 1_000

/** A comparison is overdue when the last one is older than the settling time, so many looks, and at least so long. */
const OVERDUE_LOOKS = 3
/** A look at a busy broker takes seconds. */
const OVERDUE_MS_MIN = 30_000

const states = ['accepted', 'done', 'failed', 'inFlight', 'waiting', 'parked', 'dead', 'discarded'] as const
const columns = 'accepted, done, failed, in_flight as inFlight, waiting, parked, dead, discarded'
const kind = z.enum(subjectKinds)
const counts = {
  ...{ accepted: z.number(), done: z.number(), failed: z.number(), inFlight: z.number(), waiting: z.number() },
  ...{ parked: z.number(), dead: z.number(), discarded: z.number() },
}
const accountRow = z.object({ kind, tenant: z.string(), ...counts })
const placeRow = z.object({ kind, place: z.string(), count: z.number(), since: z.string() })
const heldRow = { kind, tenant: z.string(), queue: z.string(), count: z.number() }
const queueRow = z.object({
  ...{ queue: z.string(), ready: z.number(), unsettled: z.number().nullable(), replay: z.number(), parked: z.number() },
  ...{
    dead: z.number(),
    inFlight: z.number(),
    waiting: z.number(),
    entriesParked: z.number(),
    entriesDead: z.number(),
  },
  at: z.string(),
})
const watchRow = z.object({ since: z.string().nullable(), comparedAtMs: z.number().nullable() })
const noEntries = { accepted: 0, done: 0, failed: 0, inFlight: 0, waiting: 0, parked: 0, dead: 0, discarded: 0 }
/** A place that stands for all: nothing is compared at all. */
const LEDGER = 'ledger'
const idRow = z.object({ id: z.string() })

const ACCOUNTS = `select kind, tenant, ${columns} from ledger order by accepted desc, tenant limit ${ROWS_MAX}`
/** Not from the view, which looks for what each tenant misses. */
const TOTALS = `select kind, '' as tenant, ${states
  .map((state) => `sum(case when state = '${state}' then count else 0 end) as ${state}`)
  .join(', ')} from ledger_accounts group by kind`
const QUEUES = `select queue, ready, unsettled, replay, parked, dead, in_flight as inFlight, waiting,
  entries_parked as entriesParked, entries_dead as entriesDead, at from ledger_queues order by queue`
const PARKED = `select kind, tenant, queue, rule, count from ledger_parked order by count desc, rule limit ${ROWS_MAX}`
const DISCARDED = `select kind, tenant, queue, "by", count from ledger_discarded order by count desc limit ${ROWS_MAX}`
const PLACES = `select kind, place, count(*) as count, strftime('%Y-%m-%dT%H:%M:%fZ', min(since) / 1000.0, 'unixepoch') as since
  from ledger_missing group by kind, place order by count desc, kind, place`
const IDS = 'select id from ledger_missing where place = ? and kind = ? order by since, id limit ?'
const WATCH = `select strftime('%Y-%m-%dT%H:%M:%fZ', since / 1000.0, 'unixepoch') as since, compared_at as comparedAtMs
  from ledger_watch`
const UNOBSERVED = 'select place, why from ledger_unobserved order by place'

export type Pace = { readonly settleMs: number; readonly everyMs: number }

/** The ledger as JSON, as it is at this moment. */
export function readLedger(
  read: SqliteReader,
  { settleMs, everyMs, nowMs }: Pace & { readonly nowMs: number },
): Ledger {
  const places = read.all(placeRow, PLACES)
  const imbalance = places.reduce((sum, { count }) => sum + count, 0)
  const { since, comparedAtMs } = read.get(watchRow, WATCH) ?? { since: null, comparedAtMs: null }
  const patienceMs = settleMs + Math.max(OVERDUE_LOOKS * everyMs, OVERDUE_MS_MIN)
  const isOverdue = comparedAtMs === null || nowMs - comparedAtMs > patienceMs
  const comparedAt = comparedAtMs === null ? undefined : new Date(comparedAtMs).toISOString()
  const totals = new Map(read.all(accountRow, TOTALS).map((row) => [row.kind, row]))
  const missingOf = (one: EntryKind) =>
    places.filter((place) => place.kind === one).reduce((sum, { count }) => sum + count, 0)
  const overdue = {
    place: LEDGER,
    why: comparedAt ? `nothing was compared since ${comparedAt}` : 'nothing was compared yet',
  }
  return {
    at: new Date(nowMs).toISOString(),
    settleMs,
    balanced: imbalance === 0 && !isOverdue,
    imbalance,
    ...(imbalance > 0 && since && { since }),
    ...(comparedAt && { comparedAt }),
    ...(isOverdue && { overdue: true }),
    totals: subjectKinds.map((one) => {
      const { tenant: _, ...counts } = totals.get(one) ?? { ...noEntries, tenant: '' }
      return { ...counts, kind: one, imbalance: missingOf(one) }
    }),
    accounts: read.all(accountRow, ACCOUNTS),
    queues: read.all(queueRow, QUEUES).map(({ inFlight, waiting, entriesParked, entriesDead, ...seen }) => ({
      ...seen,
      entries: { inFlight, waiting, parked: entriesParked, dead: entriesDead },
    })),
    parked: read.all(z.object({ ...heldRow, rule: z.string() }), PARKED),
    discarded: read.all(z.object({ ...heldRow, by: z.string() }), DISCARDED),
    imbalances: places.map((place, i) => {
      const limit = Math.min(IDS_PER_PLACE_MAX, Math.max(0, IDS_MAX - i * IDS_PER_PLACE_MAX))
      const isCut = imbalance >= MISSING_MAX || (place.place === HUB && place.count >= SUSPECTS_MAX)
      const ids = read.all(idRow, IDS, place.place, place.kind, limit).map(({ id }) => id)
      return { ...place, ...(isCut && { atLeast: true }), ids }
    }),
    unobserved: [
      ...(isOverdue ? [overdue] : []),
      ...read.all(z.object({ place: z.string(), why: z.string() }), UNOBSERVED),
    ],
  }
}

const imbalanceRow = z.object({ kind, id: z.string(), place: z.string(), since: z.string() })
export type Imbalance = z.infer<typeof imbalanceRow>
const IMBALANCES = `select kind, id, place, since from ledger_imbalances
  where (place, kind, id) > (?, ?, ?) order by place, kind, id limit ?`

/** What is missing, one by one, behind a place in the list. */
export const readImbalances = (
  read: SqliteReader,
  after: readonly [place: string, kind: string, id: string],
  limit: number,
): readonly Imbalance[] => read.all(imbalanceRow, IMBALANCES, ...after, limit)

const entriesRow = z.object({ kind, ...counts })

/** Entries by kind and state, for a metric. */
export const readEntryCounts = (read: SqliteReader): readonly Labelled[] =>
  read
    .all(entriesRow, TOTALS)
    .flatMap((row) => states.map((state) => ({ labels: { kind: row.kind, state }, value: row[state] })))

/** What is missing by kind and place, for a metric. Each kind has a number, also when nothing is missing: an alert can be written about it. */
export const readMissingGauge = (read: SqliteReader): readonly Labelled[] => [
  ...subjectKinds.map((one) => ({ labels: { kind: one, place: '' }, value: 0 })),
  ...read.all(placeRow, PLACES).map(({ kind, place, count }) => ({ labels: { kind, place }, value: count })),
]
