import { deadQueueOf, replayQueueOf } from '../../../shared/topology.ts'
import type { Counts } from './observation.ts'

/** What statistics itself has not counted: until it has, entries look as if nothing had happened to them. */

export const OWN_QUEUE = 'statistics'
export const ownQueues = [OWN_QUEUE, replayQueueOf(OWN_QUEUE), deadQueueOf(OWN_QUEUE)] as const
const live = [OWN_QUEUE, replayQueueOf(OWN_QUEUE)]
/** Where a rule sets events aside that were for statistics. */
const PARKING = /^ebs\.sideline\..+\.statistics$/
export const isOwnParking = (queue: string): boolean => PARKING.test(queue)

/** How far it was at one look. */
export type Progress = {
  readonly ready: number
  /** Delivered and not acked; 0 where nobody can say. */
  readonly unsettled: number
  /** When events were counted last, ms since 1970. */
  readonly countedAtMs: number
}

export function progressIn(counts: ReadonlyMap<string, Counts>, countedAtMs: number): Progress {
  const own = live.flatMap((queue) => counts.get(queue) ?? [])
  return {
    ready: own.reduce((sum, { ready }) => sum + ready, 0),
    unsettled: own.reduce((sum, { unsettled }) => sum + (unsettled ?? 0), 0),
    countedAtMs,
  }
}

/** Why entries cannot be compared now, if they cannot. Some events are always on their way into the file: only that none arrives is strange. */
export function whyBehind(
  { ready, unsettled, countedAtMs }: Progress,
  before: Progress | undefined,
): string | undefined {
  if (ready > 0) return `${ready} events are not counted yet`
  if (!before || unsettled === 0 || before.unsettled === 0 || countedAtMs !== before.countedAtMs) return undefined
  return `${unsettled} events were delivered to a process of statistics that does not count them: if it hangs, end it`
}

/** Events that are dead or set aside, each of which may be what is not known of an entry. */
export function heldBack(counts: ReadonlyMap<string, Counts>): number {
  const held = [...counts].filter(([queue]) => queue === deadQueueOf(OWN_QUEUE) || isOwnParking(queue))
  return held.reduce((sum, [, { ready, unsettled }]) => sum + ready + (unsettled ?? 0), 0)
}
