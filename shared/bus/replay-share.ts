/**
 * How many messages that come back a consumer handles at once while live ones come, too: as many as these do not notice.
 *
 * After LEDBAT (RFC 6817), by which background transfers make way for others: watch how long live messages take from being published to
 * being handled, remember what they take undisturbed, and give way as soon as it is more than that. Neither a fixed number nor the
 * processor's load would do: places cost nothing when handlers wait for a database, and everything when they compute.
 */

/** After this long without a live message those that come back get all places. */
export const QUIET_MS = 1_000
/** So many live messages, and so much time, make a measurement: fewer would be a matter of chance. */
const SAMPLES_MIN = 16
const WINDOW_MS = 100
/** Live messages may take longer by this, or by this part of what handling them takes. Twice as long would be noticed. */
const LATER_MS = 2
const LATER_PART = 0.5
/** A measurement's weight in what is remembered: undisturbed; and beside a replay, when it is less than what is remembered. */
const LEARNING = 0.3
const LEARNING_BESIDE = 0.1
/** Upwards carefully, down at once. */
const GROWTH = 1.25
/** To see what live messages take undisturbed, the replay pauses for a measurement: so long at most, and not more often than this. */
const LOOK_MS_MAX = 2_000
const LOOK_EVERY_MS = 10_000

export class ReplayShare {
  #allowed = 1
  #lastLiveMs = Number.NEGATIVE_INFINITY
  #lookedMs = Number.NEGATIVE_INFINITY
  #isLooking = false
  /** Undisturbed, ms: from being published (clocks of other machines may be off, and it may be less than nothing), and of that the handling. */
  #usual: { readonly delayMs: number; readonly tookMs: number } | undefined
  #window = emptyWindow(0)

  /** A live message has come, for the first time. */
  arrived(nowMs: number): void {
    this.#lastLiveMs = nowMs
    if (!this.#usual) this.#look(nowMs)
  }

  /**
   * It is done: `delayMs` since it was published, `tookMs` since it was delivered, while so many that
   * came back were under way.
   */
  handled(live: { delayMs: number; tookMs: number; replays: number }, nowMs: number): void {
    const window = this.#window
    window.count += 1
    window.delayMs += live.delayMs
    window.tookMs += live.tookMs
    window.replays = Math.max(window.replays, live.replays)
    if (window.count < SAMPLES_MIN || nowMs - window.sinceMs < WINDOW_MS) return
    this.#learn(window, nowMs)
    this.#window = emptyWindow(nowMs)
  }

  /** Of `places`, those that messages that come back may have now: at least one, but for moments in which it looks how things are without. */
  allowed(places: number, nowMs: number): number {
    if (nowMs - this.#lastLiveMs > QUIET_MS) return places
    if (this.#isLooking && nowMs - this.#lookedMs < LOOK_MS_MAX) return 0
    return Math.min(places, Math.floor(this.#allowed))
  }

  #look(nowMs: number): void {
    if (nowMs - this.#lookedMs < LOOK_EVERY_MS) return
    this.#isLooking = true
    this.#lookedMs = nowMs
  }

  #learn({ count, replays, ...sums }: Window, nowMs: number): void {
    const measured = { delayMs: sums.delayMs / count, tookMs: sums.tookMs / count }
    const usual = this.#usual ?? measured
    const laterMs = measured.delayMs - usual.delayMs
    this.#usual = {
      delayMs: usual.delayMs + laterMs * weightOf(laterMs, replays),
      tookMs: usual.tookMs + (measured.tookMs - usual.tookMs) * weightOf(measured.tookMs - usual.tookMs, replays),
    }
    if (replays === 0) this.#isLooking = false
    else if (laterMs > Math.max(LATER_MS, usual.tookMs * LATER_PART)) {
      // Even the last place is too much, or it is none of our doing.
      if (this.#allowed < 2) this.#look(nowMs)
      this.#allowed = Math.max(1, this.#allowed / 2)
      // What was not made use of has shown nothing.
    } else if (replays * 2 >= this.#allowed) this.#allowed *= GROWTH
  }
}

/** More is not believed while it may come of us. */
const weightOf = (moreMs: number, replays: number) => (replays === 0 ? LEARNING : moreMs < 0 ? LEARNING_BESIDE : 0)

type Window = { readonly sinceMs: number; count: number; delayMs: number; tookMs: number; replays: number }
const emptyWindow = (sinceMs: number): Window => ({ sinceMs, count: 0, delayMs: 0, tookMs: 0, replays: 0 })
