import { deadQueueOf, parkingQueueOf, replayQueueOf } from '../../../shared/topology.ts'
import type { EntryKind } from './entry.ts'
import { groupedBy } from './grouping.ts'

/**
 * The two sides of the ledger: what the events say should lie somewhere, and what was seen there. Per place the difference is entries less
 * messages: whatever else lies there can hide a loss for a while, and can never invent one.
 */

/** Entries that should be found at one place: of those in the hub's hands, only the ones that it does not know. */
export type Claim = {
  readonly kind: EntryKind
  /** Of the message that carries them. */
  readonly queue: string
  readonly state: 'inFlight' | 'waiting' | 'parked' | 'dead'
  /** The rule that parked them; else empty. */
  readonly by: string
  readonly count: number
}

/** Messages seen at a place; with `isAtLeast` there may be more. */
export type Lot = { readonly count: number; readonly isAtLeast: boolean }

/** What was seen, by queue; all rungs of the ladder are one place. A queue that is not there holds nothing. */
export type Seen = ReadonlyMap<string, Lot>
export const LADDER = 'ebs.delay'

/** So many of these entries are nowhere. */
export type Shortfall = { readonly place: string; readonly count: number; readonly claims: readonly Claim[] }
export type Unobserved = { readonly place: string; readonly why: string }
export type Comparison = { readonly missing: readonly Shortfall[]; readonly unobserved: readonly Unobserved[] }

/** In the hub's hands. What it does not know may still lie in its queue. */
export const HUB = 'hub'

export function compare(claims: readonly Claim[], seen: Seen): Comparison {
  const byQueue = groupedBy(claims, ({ queue }) => queue)
  const compared = [...byQueue].map(([queue, own]) => compareQueue(queue, own, seen))
  return {
    missing: compared.flatMap(({ missing }) => missing),
    unobserved: compared.flatMap(({ unobserved }) => unobserved),
  }
}

/** Of these shortfalls what was lacking there before, too: once may be a moment between two counts. */
export const lasting = (missing: readonly Shortfall[], before: ReadonlyMap<string, number>): readonly Shortfall[] =>
  missing
    .map((one) => ({ ...one, count: Math.min(one.count, before.get(one.place) ?? 0) }))
    .filter(({ count }) => count > 0)

/** What each group of claims may lie in: first a place of its own, then what is left in the common ones. */
function compareQueue(queue: string, claims: readonly Claim[], seen: Seen): Comparison {
  const lotOf = (place: string): Lot => seen.get(place) ?? { count: 0, isAtLeast: false }
  const around = [lotOf(queue), lotOf(replayQueueOf(queue))]
  const ladder = lotOf(LADDER)
  const inState = (state: Claim['state']) => claims.filter((claim) => claim.state === state)
  const pool = new Pool(around.reduce((sum, { count }) => sum + count, 0))
  const [inFlight, waiting] = [inState('inFlight'), inState('waiting')]
  const place = queue === 'hub_consume' ? HUB : queue
  // Whoever sends a message to the ladder says so: what nobody said that of is not there, whatever else is.
  const waitingElsewhere = (count: number) => Math.max(0, count - ladder.count)
  const lacking = [
    { place, lots: [], claims: inFlight, count: pool.take(sumOf(inFlight)) },
    { place, lots: [ladder], claims: waiting, count: waitingElsewhere(pool.take(sumOf(waiting))) },
  ]
  const held = [
    ...[...groupedBy(inState('parked'), ({ by }) => by)].map(
      ([rule, of]) => [parkingQueueOf(rule, queue), of] as const,
    ),
    [deadQueueOf(queue), inState('dead')] as const,
  ].map(([place, of]) => {
    const lot = lotOf(place)
    // What is not there any more may be on its way back.
    return { place, lots: [lot], claims: of, count: pool.take(Math.max(0, sumOf(of) - lot.count)) }
  })
  const short = [...lacking, ...held].filter(({ count }) => count > 0)
  const isUnclear = ({ lots }: { readonly lots: readonly Lot[] }) =>
    [...around, ...lots].some(({ isAtLeast }) => isAtLeast)
  return {
    missing: merged(short.filter((one) => !isUnclear(one))),
    unobserved: [...new Set(short.filter(isUnclear).map(({ place }) => place))].map((place) => ({
      place,
      why: `what is delivered from ${queue} and not acknowledged is not counted: give EBS_AMQP_MANAGEMENT_URL`,
    })),
  }
}

/** Messages that may be any of several entries. */
class Pool {
  #left: number

  constructor(count: number) {
    this.#left = count
  }

  /** Takes as many as there are; gives back how many are lacking. */
  take(count: number): number {
    const taken = Math.min(count, this.#left)
    this.#left -= taken
    return count - taken
  }
}

/** Those of one place together. */
function merged(short: readonly Shortfall[]): readonly Shortfall[] {
  return [...groupedBy(short, ({ place }) => place)].map(([place, parts]) => ({
    place,
    count: parts.reduce((sum, { count }) => sum + count, 0),
    claims: parts.flatMap(({ claims }) => claims),
  }))
}

const sumOf = (claims: readonly Claim[]) => claims.reduce((sum, { count }) => sum + count, 0)
