import type { Clock } from '../clock.ts'
import type { LanePolicy } from '../service/lane-settings.ts'
import { type Lane, laneBuffer, type Visiting } from './lanes.ts'
import { QUIET_MS, ReplayShare } from './replay-share.ts'

type Entrant = Pick<Visiting, 'lane' | 'isFresh'>
type Options<T extends Entrant> = {
  readonly policy: LanePolicy
  /** Handled at once, of both lanes together. */
  readonly limit: number
  readonly clock: Clock
  /** Begins to handle one. */
  readonly start: (item: T) => void
}

/** The places of a consumer that handles one by one: both lanes share them, and what finds none waits. */
export class Slots<T extends Entrant> {
  readonly #options: Options<T>
  readonly #waiting
  readonly #running: Record<Lane, number> = { live: 0, replay: 0 }
  /** Undefined where the policy alone decides how much comes back beside live messages. */
  readonly #share: ReplayShare | undefined
  #limit: number
  #isClosed = false
  #cancelLook: (() => void) | undefined

  constructor(options: Options<T>) {
    this.#options = options
    this.#limit = options.limit
    this.#waiting = laneBuffer<T>(options.policy)
    this.#share = options.policy.kind === 'round-robin' ? new ReplayShare() : undefined
  }

  set limit(limit: number) {
    this.#limit = limit
    this.#fill()
  }

  /** A delivery has come: it starts, or waits for its turn. */
  offer(item: T): void {
    if (item.isFresh) this.#share?.arrived(this.#options.clock.now())
    const { live, replay } = this.#running
    const isAlone = item.lane === 'live' && replay === 0 && this.#waiting.size === 0
    // The prefetch may be deeper: it has room for what rules hold, too.
    if (isAlone && live < this.#limit && !this.#isClosed) this.#start(item)
    else {
      this.#waiting.push(item)
      this.#fill()
    }
  }

  /** These had their turn before those that wait, and want another one. */
  putBack(items: readonly T[]): void {
    this.#waiting.putBack(items)
    this.#fill()
  }

  /** One is done, or waits for something that takes long. */
  leave(lane: Lane): void {
    this.#running[lane] -= 1
    if (this.#waiting.size > 0) this.#fill()
  }

  /** It goes on, whether there is a place or not: others were let in meanwhile. */
  reenter(lane: Lane): void {
    this.#running[lane] += 1
  }

  /** A fresh message is done, `delayMs` after it was published and `tookMs` after it was delivered. */
  handledFresh(delayMs: number, tookMs: number): void {
    this.#share?.handled({ delayMs, tookMs, replays: this.#running.replay }, this.#options.clock.now())
  }

  /** Starts nothing more; gives back those that wait. */
  close(): readonly T[] {
    this.#isClosed = true
    this.#cancelLook?.()
    const left: T[] = []
    for (let item = this.#waiting.take(); item; item = this.#waiting.take()) left.push(item)
    return left
  }

  #start(item: T): void {
    this.#running[item.lane] += 1
    this.#options.start(item)
  }

  #fill(): void {
    while (!this.#isClosed && this.#running.live + this.#running.replay < this.#limit) {
      const next = this.#waiting.take(this.#running.replay < this.#allowed ? undefined : 'live')
      if (!next) {
        this.#lookAgainWhenQuiet()
        return
      }
      this.#start(next)
    }
  }

  get #allowed(): number {
    return this.#share?.allowed(this.#limit, this.#options.clock.now()) ?? this.#limit
  }

  /** There are places and someone waits: no live message may be the next thing to happen. */
  #lookAgainWhenQuiet(): void {
    if (this.#cancelLook || this.#waiting.sizeOf('replay') === 0) return
    this.#cancelLook = this.#options.clock.after(QUIET_MS + 1, () => {
      this.#cancelLook = undefined
      this.#fill()
    })
  }
}
