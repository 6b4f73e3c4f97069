import type { LanePolicy } from '../service/lane-settings.ts'
import type { Delivery } from './broker.ts'

/** `live` is the work queue, `replay` the queue beside it through which messages come back. */
export type Lane = 'live' | 'replay'
export type Laned = { readonly lane: Lane }

/** What the lanes of a consumer hold. */
export type Visiting = Laned & {
  readonly delivery: Delivery
  /** Live, and here for the first time: not tried again, and not brought back. Such messages are not to wait because of a replay. */
  readonly isFresh: boolean
  readonly arrivedMs: number
}

/** A delivery that has come into a lane. */
export function visiting(lane: Lane, delivery: Delivery, nowMs: number): Visiting {
  const { 'x-ebs-replay': replay, 'x-ebs-attempt': attempt = 1 } = delivery.message.properties.headers
  return { lane, delivery, isFresh: lane === 'live' && replay === undefined && attempt === 1, arrivedMs: nowMs }
}

/**
 * What was delivered and waits to be handled. Within a lane the first to come is the first to go; between the lanes the policy decides.
 * It gives something as long as there is something, so that a lane that is alone gets everything.
 */
export interface LaneBuffer<T extends Laned> {
  readonly size: number
  sizeOf(lane: Lane): number
  push(item: T): void
  /** Back to the front of their lanes, in this order: they had their turn before those that wait. */
  putBack(items: readonly T[]): void
  /** Takes out the next one; with `only`, the next of that lane. */
  take(only?: Lane): T | undefined
}

/** The buffer of a policy. */
export const laneBuffer = <T extends Laned>(policy: LanePolicy): LaneBuffer<T> => {
  if (policy.kind === 'fifo') return new Arrivals()
  return new Turns(policy.kind === 'ratio' ? policy : { live: 1, replay: 1 })
}

/**
 * Smooth weighted round-robin, as nginx has it: of weights 2 and 1 comes `live replay live`, not `live live replay`. An idle lane saves
 * nothing up.
 */
class Turns<T extends Laned> implements LaneBuffer<T> {
  readonly #waiting: Readonly<Record<Lane, T[]>> = { live: [], replay: [] }
  readonly #weights: Readonly<Record<Lane, number>>
  /** What the live lane is owed, in parts of a turn; the other one is owed the opposite. */
  #owed = 0

  constructor({ live, replay }: Readonly<Record<Lane, number>>) {
    this.#weights = { live, replay }
  }

  get size(): number {
    return this.#waiting.live.length + this.#waiting.replay.length
  }

  sizeOf(lane: Lane): number {
    return this.#waiting[lane].length
  }

  push(item: T): void {
    this.#waiting[item.lane].push(item)
  }

  putBack(items: readonly T[]): void {
    for (const item of items.toReversed()) this.#waiting[item.lane].unshift(item)
  }

  take(only?: Lane): T | undefined {
    return this.#waiting[only ?? this.#next()].shift()
  }

  #next(): Lane {
    const { live, replay } = this.#waiting
    if (live.length === 0 || replay.length === 0) {
      this.#owed = 0
      return live.length > 0 ? 'live' : 'replay'
    }
    const weights = this.#weights
    const owed = this.#owed + weights.live
    const lane = owed >= weights.replay - this.#owed ? 'live' : 'replay'
    this.#owed = lane === 'live' ? owed - weights.live - weights.replay : owed
    return lane
  }
}

/** Whoever came first. */
class Arrivals<T extends Laned> implements LaneBuffer<T> {
  readonly #waiting: T[] = []
  readonly #sizes: Record<Lane, number> = { live: 0, replay: 0 }

  get size(): number {
    return this.#waiting.length
  }

  sizeOf(lane: Lane): number {
    return this.#sizes[lane]
  }

  push(item: T): void {
    this.#sizes[item.lane] += 1
    this.#waiting.push(item)
  }

  putBack(items: readonly T[]): void {
    for (const { lane } of items) this.#sizes[lane] += 1
    this.#waiting.unshift(...items)
  }

  take(only?: Lane): T | undefined {
    const at = only === undefined ? 0 : this.#waiting.findIndex(({ lane }) => lane === only)
    const [item] = at === -1 ? [] : this.#waiting.splice(at, 1)
    if (item) this.#sizes[item.lane] -= 1
    return item
  }
}
