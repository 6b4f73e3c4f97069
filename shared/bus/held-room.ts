import type { Bus } from './bus.ts'

/** How many deliveries of a consumer rules may hold, so that others still find a place. */
export interface HeldRoom {
  /** Whether there is room for so many; makes more when it can. */
  has(held: number): boolean
  /** None is held any more. */
  leave(): void
}

/**
 * Where the prefetch stays as it is: half of it. On a queue with a single active consumer a change would hand the role to another one.
 */
export const halfOf = (prefetch: number): HeldRoom => ({
  has: (held) => held <= prefetch / 2,
  leave: () => undefined,
})

/** So many more than it handles a consumer takes, and this many times what it handles: where work is slow others do it sooner. */
const EXTRA_MAX = 256
const EXTRA_TIMES_MAX = 8

/** The prefetch of a consumer: what it handles at once, and as many more as rules hold. */
export class PrefetchRoom implements HeldRoom {
  readonly #bus: Bus
  readonly #apply: (prefetch: number) => Promise<void>
  #handled: number
  #extra = 0

  constructor(bus: Bus, handled: number, apply: (prefetch: number) => Promise<void>) {
    this.#bus = bus
    this.#handled = handled
    this.#apply = apply
  }

  /** From now on so many are handled at once. Rejects when the broker refuses. */
  async handle(handled: number): Promise<void> {
    this.#handled = handled
    await this.#apply(handled + this.#extra)
  }

  /** Each change makes the consumer start again: in steps of what it handles there are few of them. */
  has(held: number): boolean {
    if (held < this.#extra + this.#handled / 2) return true
    const extraMax = Math.min(EXTRA_MAX, this.#handled * EXTRA_TIMES_MAX)
    if (this.#extra >= extraMax) return false
    this.#change(Math.min(this.#extra + this.#handled, extraMax))
    return true
  }

  leave(): void {
    if (this.#extra > 0) this.#change(0)
  }

  #change(extra: number): void {
    this.#extra = extra
    this.#apply(this.#handled + extra).catch((error: unknown) =>
      this.#bus.log.debug({ err: error }, 'the prefetch could not be changed; the next connection starts with it'),
    )
  }
}
