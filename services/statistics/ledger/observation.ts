import { z } from 'zod'
import type { Broker } from '../../../shared/bus/broker.ts'
import { askQueues, type ManagementApi } from '../../../shared/bus/management.ts'
import { deadQueueOf, levels, replayQueueOf, rungQueue } from '../../../shared/topology.ts'
import { LADDER, type Lot, type Seen } from './comparison.ts'
import { isOwnParking, ownQueues } from './hearing-lag.ts'

/** Queues whose messages carry entries. */
export const carryingQueues = ['distributor_consume', 'process_consume', 'hub_consume'] as const

/** RabbitMQ gathers what its management API tells every five seconds, and each queue at a moment of its own. */
export const MANAGEMENT_AGE_MS = 6_000

/** Messages of a queue; `unsettled` is null where the broker does not say. */
export type Counts = { readonly ready: number; readonly unsettled: number | null }
export type Observation = { readonly counts: ReadonlyMap<string, Counts>; readonly ladder: Lot }
/** Looks at the queues that carry entries, those beside them, the parking queues that are named, and the ladder. */
export type Observe = (parking: readonly string[]) => Promise<Observation>

type Inspect = Broker['inspect']

/** Its own last: what was in the others before is counted, or waits there. */
const queuesWith = (parking: readonly string[]) => [
  ...carryingQueues.flatMap((queue) => [queue, replayQueueOf(queue), deadQueueOf(queue)]),
  ...parking,
  ...ownQueues,
]
const NOTHING: Counts = { ready: 0, unsettled: 0 }
const rungs = levels.flatMap((level) => level.rungs.map((rung) => rungQueue(rung)))
const isRung = new Set(rungs)

/**
 * What is ready as each queue says it at this moment, what is not acknowledged and what is on the ladder as the management API does, in
 * one question for all. Throws when it does not answer.
 */
export const byManagement =
  (api: ManagementApi, inspect: Inspect): Observe =>
  async (parking) => {
    const answer = await askQueues(api, '', '?columns=name,messages_ready,messages_unacknowledged')
    const told = new Map<string, Counts>()
    let ladder: Lot = { count: 0, isAtLeast: false }
    for (const { name, messages_ready: ready, messages_unacknowledged: unacked } of listed.parse(answer ?? [])) {
      // Of a queue that is new nothing is known for some seconds.
      const own = { ready: ready ?? 0, unsettled: ready === undefined ? null : (unacked ?? null) }
      if (isRung.has(name)) ladder = together([ladder, lotOf(own)])
      else told.set(name, own)
    }
    const counts = new Map<string, Counts>()
    for (const queue of queuesWith([...parking, ...[...told.keys()].filter(isOwnParking)])) {
      const { ready, unsettled } = await countsOf(inspect, queue)
      counts.set(queue, { ready, unsettled: unsettled ?? told.get(queue)?.unsettled ?? null })
    }
    return { counts, ladder }
  }

const listed = z.array(
  z.object({
    name: z.string(),
    messages_ready: z.number().optional(),
    messages_unacknowledged: z.number().optional(),
  }),
)

/** Queue by queue. RabbitMQ's protocol counts what is ready; where nobody consumes, that is all. */
export const byInspection =
  (inspect: Inspect): Observe =>
  async (parking) => {
    const counts = new Map<string, Counts>()
    for (const queue of queuesWith(parking)) counts.set(queue, await countsOf(inspect, queue))
    let ladder: Lot = { count: 0, isAtLeast: false }
    for (const rung of rungs) ladder = together([ladder, lotOf(await countsOf(inspect, rung))])
    return { counts, ladder }
  }

async function countsOf(inspect: Inspect, queue: string): Promise<Counts> {
  const found = await inspect(queue)
  if (!found) return NOTHING
  return { ready: found.messages, unsettled: found.unsettled ?? (found.consumers === 0 ? 0 : null) }
}

/** What was seen, as it is compared. */
export const seenIn = ({ counts, ladder }: Observation): Seen =>
  new Map([...[...counts].map(([queue, own]) => [queue, lotOf(own)] as const), [LADDER, ladder]])

const lotOf = ({ ready, unsettled }: Counts): Lot => ({
  count: ready + (unsettled ?? 0),
  isAtLeast: unsettled === null,
})

const together = (lots: readonly Lot[]): Lot => ({
  count: lots.reduce((sum, { count }) => sum + count, 0),
  isAtLeast: lots.some(({ isAtLeast }) => isAtLeast),
})
