import type { Lot, Seen } from './comparison.ts'

/** What was seen at one time. */
export type Look = { readonly atMs: number; readonly seen: Seen }

export type WindowOptions = {
  readonly settleMs: number
  readonly everyMs: number
  /** How old the numbers of a look may be. */
  readonly ageMs: number
}

/** A difference must be there at least this often in a row. */
const LOOKS_MIN = 2

/**
 * The looks of a settling time, without the newest: what it saw may follow from events that were not heard yet. Numbers of several queues
 * are not taken at one moment, so a message on its way from one to another could be in neither. The greatest of several looks counts it
 * at least once.
 */
export class LookWindow {
  readonly #options: WindowOptions
  #looks: readonly Look[] = []

  constructor(options: WindowOptions) {
    this.#options = options
  }

  add(look: Look): void {
    const { settleMs, everyMs } = this.#options
    const fromMs = look.atMs - settleMs - everyMs
    const before = this.#looks
    this.#looks = [...before.filter(({ atMs }, i) => atMs >= fromMs || i >= before.length - LOOKS_MIN), look]
  }

  /** Another process has looked meanwhile. */
  forget(): void {
    this.#looks = []
  }

  /** What was seen, and of which entries it can be said: of those unchanged since `beforeMs`. Undefined before a settling time is over. */
  settled(): { readonly seen: Seen; readonly beforeMs: number } | undefined {
    const newest = this.#looks.at(-1)
    const looks = this.#looks.slice(0, -1)
    const first = looks[0]
    if (!newest || !first || looks.length < LOOKS_MIN || newest.atMs - first.atMs < this.#options.settleMs)
      return undefined
    return { seen: greatest(looks), beforeMs: first.atMs - this.#options.ageMs }
  }
}

function greatest(looks: readonly Look[]): Seen {
  const lots = new Map<string, Lot>()
  for (const { seen } of looks)
    for (const [place, lot] of seen) {
      const known = lots.get(place)
      const count = Math.max(known?.count ?? 0, lot.count)
      lots.set(place, { count, isAtLeast: lot.isAtLeast || (known?.isAtLeast ?? false) })
    }
  return lots
}
