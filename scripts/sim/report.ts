import type { Told } from './tell.ts'

const MS_PER_S = 1_000

/** The one command that plays a seed again, exactly. */
export const replayCommand = (seed: number) => `npm run sim -- --seed ${seed} --trace`

/** What is wrong with a seed, and how to see it again. */
export const failureOf = ({ seed, broken }: Pick<Told, 'seed' | 'broken'>) =>
  [`seed ${seed} breaks ${broken.length} ${broken.length === 1 ? 'promise' : 'promises'}:`]
    .concat(
      broken.map((one) => `  ${one}`),
      `To play it again: ${replayCommand(seed)}`,
    )
    .join('\n')

/** Adds up what many seeds came to. */
export class Summary {
  seeds = 0
  failed = 0
  events = 0
  virtualMs = 0
  readonly #struck = new Map<string, number>()

  add({ broken, events, virtualMs, struck }: Told): void {
    this.seeds++
    if (broken.length > 0) this.failed++
    this.events += events
    this.virtualMs += virtualMs
    for (const [what, count] of struck) this.#struck.set(what, (this.#struck.get(what) ?? 0) + count)
  }

  /** For people; `tookMs` of real time. */
  lines(tookMs: number): string[] {
    const perS = this.seeds / Math.max(tookMs / MS_PER_S, 0.001)
    const faults = [...this.#struck].toSorted(([a], [b]) => (a < b ? -1 : 1))
    const events = `${this.events} events in ${Math.round(this.virtualMs / MS_PER_S)} s of virtual time`
    return [
      `${this.seeds} seeds, ${this.failed} failed; ${events}; ${perS.toFixed(1)} seeds/s`,
      'faults struck:',
      ...faults.map(([what, count]) => `  ${what.padEnd(16)} ${String(count).padStart(6)}`),
    ]
  }
}
