import type { Clock } from '../../../shared/clock.ts'

/** What was not used in this time is lost: a pause must not be followed by a flood. */
const BURST_MS = 100

/** Lets so many per second pass, evenly, whatever was asked for before. */
export class Pace {
  readonly #clock: Clock
  #nextMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Milliseconds until the next may pass; counts it as passed. */
  take(perS: number): number {
    const nowMs = this.#clock.now()
    const atMs = Math.max(this.#nextMs, nowMs - BURST_MS)
    this.#nextMs = atMs + 1_000 / perS
    return Math.max(0, atMs - nowMs)
  }
}
