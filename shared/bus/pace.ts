import type { Bus } from './bus.ts'
import { nextPrefetch } from './prefetch.ts'

/** Often enough that a backlog is met with a deep prefetch after half a second. */
const ADAPT_MS = 200
/** Fewer would be a matter of chance. */
const ADAPT_AFTER_HANDLED = 8

/** The prefetch of a consumer, as it follows how long the work takes. */
export class Pace {
  readonly #bus: Pick<Bus, 'clock' | 'log'>
  readonly #apply: (prefetch: number) => Promise<void>
  #prefetch: number
  #handled = 0
  #tookMs = 0
  /** Ends the wait for the next time; undefined while nobody waits for it. */
  #cancel: (() => void) | undefined
  #isFollowing = false

  constructor(bus: Pick<Bus, 'clock' | 'log'>, prefetch: number, apply: (prefetch: number) => Promise<void>) {
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
    this.#arm()
  }

  /** Applies what it finds, whenever there is something new to find, until it is stopped. */
  follow(): void {
    this.#isFollowing = true
    this.#arm()
  }

  stop(): void {
    this.#isFollowing = false
    this.#cancel?.()
  }

  /** A consumer that has nothing to do sets no timer: each would wake an idle process five times a second. */
  #arm(): void {
    if (!this.#isFollowing || this.#cancel || this.#handled < ADAPT_AFTER_HANDLED) return
    this.#cancel = this.#bus.clock.after(ADAPT_MS, () => {
      void this.#adapt().finally(() => {
        this.#cancel = undefined
        this.#arm()
      })
    })
  }

  async #adapt(): Promise<void> {
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
