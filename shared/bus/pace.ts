import type { Bus } from './bus.ts'
import { nextPrefetch } from './prefetch.ts'

/** Often enough that a backlog is met with a deep prefetch after half a second. */
const ADAPT_MS = 200
/** Fewer would be a matter of chance. */
const ADAPT_AFTER_HANDLED = 8

/** The prefetch of a consumer, as it follows how long the work takes. */
export class Pace {
  readonly #bus: Bus
  readonly #apply: (prefetch: number) => Promise<void>
  #prefetch: number
  #handled = 0
  #tookMs = 0
  #cancel: () => void = () => undefined
  #isStopped = false

  constructor(bus: Bus, prefetch: number, apply: (prefetch: number) => Promise<void>) {
    this.#bus = bus
    this.#prefetch = prefetch
    this.#apply = apply
  }

  get prefetch(): number {
    return this.#prefetch
  }

  /** One is done that took so long. */
  took(tookMs: number): void {
    this.#handled += 1
    this.#tookMs += tookMs
  }

  /** Applies what it finds, again and again, until it is stopped. */
  follow(): void {
    this.#cancel = this.#bus.clock.after(ADAPT_MS, () => {
      void this.#adapt().finally(() => {
        if (!this.#isStopped) this.follow()
      })
    })
  }

  stop(): void {
    this.#isStopped = true
    this.#cancel()
  }

  async #adapt(): Promise<void> {
    if (this.#handled < ADAPT_AFTER_HANDLED) return
    const averageMs = this.#tookMs / this.#handled
    this.#handled = 0
    this.#tookMs = 0
    const next = nextPrefetch(this.#prefetch, averageMs)
    if (next === this.#prefetch) return
    try {
      await this.#apply(next)
      this.#prefetch = next
    } catch (error) {
      this.#bus.log.debug({ err: error }, 'the prefetch could not be changed; the next connection starts with it')
    }
  }
}
