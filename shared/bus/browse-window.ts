/** Bodies that are on their way to whoever looks, or wait for it. */
const BYTES_MAX = 33_554_432
/** More gain nothing. */
const MESSAGES_MAX = 1_000
/** As long as nothing is known of their size: bodies may have 16 MiB each. */
const FIRST_MESSAGES = 16
/** From one window to the next: a few small bodies do not speak for all that come after them. */
const GROWTH_MAX = 8
/** Of the newest body in the mean. */
const WEIGHT = 1 / 16

/** How many messages a browse asks for at once, by the size of those that it has seen lately. */
export class BrowseWindow {
  #messages = FIRST_MESSAGES
  #meanBytes: number | undefined

  /** The one in use. */
  get messages(): number {
    return this.#messages
  }

  saw(bytes: number): void {
    const before = this.#meanBytes ?? bytes
    this.#meanBytes = before + (bytes - before) * WEIGHT
  }

  get isNarrow(): boolean {
    return this.#next() >= 2 * this.#messages
  }

  /** What is asked for could fill the memory. */
  get isWide(): boolean {
    return this.#next() * 2 <= this.#messages
  }

  /** Gives the size of the next one, which is in use from now on. */
  renew(): number {
    this.#messages = this.#next()
    return this.#messages
  }

  #next(): number {
    if (this.#meanBytes === undefined) return this.#messages
    const messages = Math.floor(BYTES_MAX / Math.max(1, this.#meanBytes))
    return Math.max(1, Math.min(messages, MESSAGES_MAX, this.#messages * GROWTH_MAX))
  }
}
