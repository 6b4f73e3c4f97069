import { z } from 'zod'
import { toMessage } from '../../../shared/bus/envelope.ts'
import { newId } from '../../../shared/bus/ids.ts'
import { toOutboxRow } from '../../../shared/bus/outbox-message.ts'
import type { Body } from '../../../shared/events.ts'
import { IMBALANCED_IDS_MAX } from '../../../shared/ledger-events.ts'
import type { SqliteTransaction } from '../../../shared/store/sqlite-transaction.ts'
import { deadQueueOf, parkingQueueOf, replayQueueOf } from '../../../shared/topology.ts'
import type { Named } from './claims.ts'
import type { Unobserved } from './comparison.ts'
import { groupedBy } from './grouping.ts'
import { type Counts, carryingQueues, type Observation } from './observation.ts'

/** Ids that are stored of what is missing; more are the same disaster. */
export const MISSING_MAX = 10_000
/** Kinds and places named in one event. */
const PLACES_MAX = 100

export type Missing = Named & { readonly place: string }
export type Findings = {
  readonly missing: readonly Missing[]
  readonly unobserved: readonly Unobserved[]
}

const SEEN = `insert into ledger_seen(queue, ready, unsettled, replay, parked, dead, at) values (?, ?, ?, ?, ?, ?, ?)
  on conflict(queue) do update set ready = excluded.ready, unsettled = excluded.unsettled, replay = excluded.replay,
    parked = excluded.parked, dead = excluded.dead, at = excluded.at`
const ADD_MISSING = `insert into ledger_missing(kind, id, tenant, place, since) values (?, ?, ?, ?, ?) on conflict do nothing`
const DROP_MISSING = 'delete from ledger_missing where place = ? and kind = ? and id = ?'
const ALL_MISSING = 'select kind, id, tenant, place from ledger_missing'
const WATCH = 'select said, since from ledger_watch'
const SAY = 'update ledger_watch set said = ?, since = ?'
const COMPARED = 'update ledger_watch set compared_at = ?'
const ADD_UNOBSERVED = 'insert into ledger_unobserved(place, why) values (?, ?) on conflict do nothing'

const missingRow = z.object({
  kind: z.enum(['object', 'task', 'group', 'flow', 'journey']),
  id: z.string(),
  tenant: z.string(),
  place: z.string(),
})
const watchRow = z.object({ said: z.number(), since: z.number().nullable() })

/** Writes down what was seen in the queues. */
export function saveSeen(
  tx: SqliteTransaction,
  { counts }: Observation,
  parking: readonly { readonly rule: string; readonly queue: string }[],
  nowMs: number,
): void {
  const of = (queue: string): Counts => counts.get(queue) ?? { ready: 0, unsettled: 0 }
  const all = (queue: string) => of(queue).ready + (of(queue).unsettled ?? 0)
  for (const queue of carryingQueues) {
    const { ready, unsettled } = of(queue)
    const parked = parking
      .filter((one) => one.queue === queue)
      .reduce((sum, { rule }) => sum + all(parkingQueueOf(rule, queue)), 0)
    tx.run(SEEN, queue, ready, unsettled, all(replayQueueOf(queue)), parked, all(deadQueueOf(queue)), nowMs)
  }
}

/** Replaces what cannot be observed. */
export function saveUnobserved(tx: SqliteTransaction, unobserved: readonly Unobserved[]): void {
  tx.run('delete from ledger_unobserved')
  for (const { place, why } of unobserved) tx.run(ADD_UNOBSERVED, place, why)
}

export type Change = { readonly body: Body<'LEDGER_IMBALANCED' | 'LEDGER_BALANCED'> }

/**
 * Replaces what is missing; of a place that cannot be observed now, what was missing stays so. Says it when it begins, when something of
 * another kind or at another place is missing, and when it is over: the numbers in between are in the metric, and who is called once per loss
 * stops listening. What is said goes out through the outbox, with the id that it has got here, however often this process dies on the way. Gives back what is said.
 */
export function saveFindings(
  tx: SqliteTransaction,
  { missing, unobserved }: Findings,
  { service, nowMs }: { readonly service: string; readonly nowMs: number },
): Change | undefined {
  const unclear = new Set(unobserved.map(({ place }) => place))
  const before = tx.all(missingRow, ALL_MISSING)
  const after = new Map(missing.slice(0, MISSING_MAX).map((one) => [keyOf(one), one]))
  for (const one of before) if (unclear.has(one.place)) after.set(keyOf(one), one)
  for (const one of before) if (!after.has(keyOf(one))) tx.run(DROP_MISSING, one.place, one.kind, one.id)
  for (const { kind, id, tenant, place } of after.values()) tx.run(ADD_MISSING, kind, id, tenant, place, nowMs)
  saveUnobserved(tx, unobserved)

  const { said, since } = tx.get(watchRow, WATCH) ?? { said: 0, since: null }
  tx.run(COMPARED, nowMs)
  if (said === 0 && after.size === 0) return undefined
  const places = new Set(before.map(placeOf))
  const isNew = said === 0 || after.size === 0 || [...after.values()].some((one) => !places.has(placeOf(one)))
  if (!isNew) return undefined
  const body: Change['body'] =
    after.size > 0
      ? { type: 'LEDGER_IMBALANCED', ...described([...after.values()]) }
      : { type: 'LEDGER_BALANCED', lastedMs: Math.max(0, nowMs - (since ?? nowMs)) }
  tx.run(SAY, after.size, after.size > 0 ? (since ?? nowMs) : null)
  const id = newId(nowMs)
  tx.enqueue([toOutboxRow(toMessage(body, { id, service, correlationId: id, atMs: nowMs }))])
  return { body }
}

function described(missing: readonly Missing[]) {
  const places = [...groupedBy(missing, ({ kind, place }) => JSON.stringify([kind, place]))].flatMap(([, of]) => {
    const [first] = of
    return first ? [{ kind: first.kind, place: first.place, count: of.length }] : []
  })
  return {
    count: missing.length,
    places: places.slice(0, PLACES_MAX),
    ids: missing.slice(0, IMBALANCED_IDS_MAX).map(({ id }) => id),
  }
}

const placeOf = ({ place, kind }: Missing) => JSON.stringify([place, kind])
const keyOf = ({ place, kind, id }: Missing) => JSON.stringify([place, kind, id])
