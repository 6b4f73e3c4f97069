import { setImmediate as turn } from 'node:timers/promises'
import type { Bus } from '../../../shared/bus/bus.ts'
import { newId } from '../../../shared/bus/ids.ts'
import type { Body } from '../../../shared/events.ts'
import type { Page, PageRequest } from '../../../shared/store/conversations.ts'
import type { Held } from '../../../shared/store/held-messages.ts'
import type { HubStore, HubTransaction } from '../../../shared/store/hub-store.ts'
import { INBOX_KEEP_MS } from '../../../shared/store/inbox-retention.ts'
import { unroutedQueue } from '../../../shared/topology.ts'
import type { ReplayAnswer, ReplayRequest, Selection } from '../held-operations.ts'
import { findWorkQueue } from './work-queue.ts'

export type RequestOptions = {
  readonly bus: Pick<Bus, 'clock'>
  readonly store: Pick<HubStore, 'write'>
  readonly search: (which: Selection, page: PageRequest) => Promise<Page<Held>>
  /** Gives an event to the kernel within a transaction; the reason when it was refused. */
  readonly tellIn: (body: Body, tx: HubTransaction) => Promise<string | undefined>
}

/** Of one job: their ids are in memory while they are chosen, and choosing them is one transaction of some seconds. */
const MESSAGES_MAX = 200_000
const PLACES_MAX = 100
const PAGE = 1_000
/** Chosen without a turn of the event loop: some 10 ms. */
const CHOSEN_AT_ONCE = 1_000
const DAY_MS = 86_400_000

type Found = { readonly ids: readonly string[]; readonly old: number; readonly isAll: boolean }

/** Freezes the set of a job and starts it, in one transaction; or says why not. */
export async function requestReplay(options: RequestOptions, request: ReplayRequest): Promise<ReplayAnswer> {
  const { ids, old, isAll } = await find(options, request)
  const count = ids.length
  if (!isAll)
    return {
      outcome: 'refused',
      reason: `More than ${MESSAGES_MAX} messages match, which is all that one job takes: narrow the filter, and do the rest afterwards.`,
    }
  if (request.dryRun) return { outcome: 'counted', count, old }
  if (count === 0) return { outcome: 'empty' }
  if (old > 0 && !request.force)
    return { outcome: 'too-old', count, old, olderThanDays: Math.round(INBOX_KEEP_MS / DAY_MS) }
  return begin(options, request, ids)
}

async function find({ search, bus }: RequestOptions, { filter, where, act }: ReplayRequest): Promise<Found> {
  const which = { filter: { ...filter, states: ['held'] as const }, where }
  const forgottenMs = act === 'replay' ? bus.clock.now() - INBOX_KEEP_MS : Number.NEGATIVE_INFINITY
  const ids: string[] = []
  let old = 0
  let cursor: string | undefined
  do {
    const page = await search(which, { limit: PAGE, cursor })
    for (const { id, heldAtMs } of page.items) {
      ids.push(id)
      if (heldAtMs < forgottenMs) old++
    }
    if (ids.length > MESSAGES_MAX) return { ids, old, isAll: false }
    cursor = page.next
    await turn()
  } while (cursor !== undefined)
  return { ids, old, isAll: true }
}

class RefusedError extends Error {}

async function begin(
  { bus, store, tellIn }: RequestOptions,
  { act, by, pacing }: ReplayRequest,
  ids: readonly string[],
): Promise<ReplayAnswer> {
  const id = newId(bus.clock.now())
  try {
    return await store.write(async (tx): Promise<ReplayAnswer> => {
      const sources = await choose(tx, { job: id, ids, atMs: bus.clock.now() })
      const count = sources.reduce((sum, source) => sum + source.count, 0)
      if (count === 0) return { outcome: 'empty' }
      if (sources.length > PLACES_MAX)
        throw new RefusedError(`They lie in ${sources.length} queues, at most ${PLACES_MAX} are taken.`)
      const refused = await tellIn(
        { type: 'REPLAY_REQUESTED', id, act, sources, which: 'chosen', ...by, ...given(pacing) },
        tx,
      )
      // Thrown, so that the choice is undone.
      if (refused !== undefined) throw new RefusedError(refused)
      return { outcome: 'requested', id, count }
    })
  } catch (error) {
    if (error instanceof RefusedError) return { outcome: 'refused', reason: error.message }
    throw error
  }
}

type Source = Body<'REPLAY_REQUESTED'>['sources'][number]

/** Where those lie that are still `held`, and how many. */
async function choose(
  { held }: HubTransaction,
  { job, ids, atMs }: { readonly job: string; readonly ids: readonly string[]; readonly atMs: number },
): Promise<Source[]> {
  const sources = new Map<string, Source>()
  for (let from = 0; from < ids.length; from += CHOSEN_AT_ONCE) {
    const slice = ids.slice(from, from + CHOSEN_AT_ONCE)
    await held.choose(job, slice, atMs)
    for (const row of await held.findHeld(slice)) {
      const { state, job: chosenBy, place } = row
      if (state !== 'chosen' || chosenBy !== job) continue
      const source = sources.get(place) ?? { from: place, ...toOf(row), count: 0 }
      sources.set(place, { ...source, count: source.count + 1 })
    }
    await turn()
  }
  return [...sources.values()]
}

/** By the place, which the broker knows: what a message says of itself is written by whoever sent it. */
function toOf(row: Held): Pick<Source, 'to'> {
  if (row.place === unroutedQueue) return {}
  const to = findWorkQueue(row)
  if (to !== undefined) return { to }
  throw new RefusedError(
    `${row.place} is neither a dead queue nor one of a rule: it is not known where its messages go.`,
  )
}

/** Without what is not given. */
const given = ({ canary, rate, maxFailure, ordered }: ReplayRequest['pacing']) => ({
  ...(canary !== undefined && { canary }),
  ...(rate !== undefined && { rate }),
  ...(maxFailure !== undefined && { maxFailure }),
  ...(ordered !== undefined && { ordered }),
})
