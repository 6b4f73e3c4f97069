import type { Bus } from './bus.ts'
import { laneBuffer, type Visiting } from './lanes.ts'
import { ReplayShare } from './replay-share.ts'

/** One transaction: long enough to share its fsync, short enough (some 10 ms) that HTTP answers in between. */
const BATCH_MAX = 250
/** Bodies of the largest size would otherwise take hundreds of megabytes once they are parsed. */
const BATCH_BYTES_MAX = 8 * 1_048_576
/** So often it is asked whether what came back may go on. */
const LOOK_AGAIN_MS = 50

/** Deliveries of both lanes that wait for the next batch. */
export class WaitingBatches<T extends Visiting> {
  readonly #clock
  readonly #waiting
  /** Undefined where the policy alone decides how much comes back beside live messages. */
  readonly #share: ReplayShare | undefined

  readonly #wake: () => void
  #cancelLook: () => void = () => undefined

  /** `wake` is called when an empty batch was taken and there may be another one now. */
  constructor({ clock, lanes: policy = { kind: 'round-robin' } }: Pick<Bus, 'clock' | 'lanes'>, wake: () => void) {
    this.#clock = clock
    this.#wake = wake
    this.#waiting = laneBuffer<T>(policy)
    this.#share = policy.kind === 'round-robin' ? new ReplayShare() : undefined
  }

  get size(): number {
    return this.#waiting.size
  }

  push(item: T): void {
    if (item.isFresh) this.#share?.arrived(this.#clock.now())
    this.#waiting.push(item)
  }

  /** These had their turn before those that wait, and want another one. */
  putBack(items: readonly T[]): void {
    this.#waiting.putBack(items)
  }

  /** Takes the next batch. Empty, when all that waits came back and makes way for live messages. */
  take(): readonly T[] {
    const replaysMax = this.#share?.allowed(BATCH_MAX, this.#clock.now()) ?? BATCH_MAX
    const batch: T[] = []
    let replays = 0
    for (let bytes = 0; batch.length < BATCH_MAX && bytes < BATCH_BYTES_MAX; ) {
      const next = this.#waiting.take(replays < replaysMax ? undefined : 'live')
      if (!next) break
      batch.push(next)
      bytes += next.delivery.message.body.length
      if (next.lane === 'replay') replays += 1
    }
    this.#cancelLook()
    if (batch.length === 0 && this.#waiting.size > 0)
      this.#cancelLook = this.#clock.after(LOOK_AGAIN_MS, () => this.#wake())
    return batch
  }

  /** Takes out what came back: it may have to make way for long. */
  takeReplays(): readonly T[] {
    this.#cancelLook()
    const replays: T[] = []
    for (let item = this.#waiting.take('replay'); item; item = this.#waiting.take('replay')) replays.push(item)
    return replays
  }

  /** A fresh message is done, `delayMs` after it was published and `tookMs` after it was delivered, in a batch with so many that came back. */
  handledFresh(delayMs: number, tookMs: number, replays: number): void {
    this.#share?.handled({ delayMs, tookMs, replays }, this.#clock.now())
  }
}
