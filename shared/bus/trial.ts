import type { Received } from './broker.ts'
import type { Event } from './envelope.ts'
import type { Filter } from './filter.ts'
import type { Scope } from './filter-scope.ts'
import { scopeOf } from './rule-chain.ts'

/** Messages that a queue's sample keeps. */
export const SAMPLE_MAX = 500
/** Bodies that it keeps, as they came; parsed they take some times as much. */
export const SAMPLE_BYTES_MAX = 4 * 1_048_576
const EXAMPLES_MAX = 10
const EXAMPLE_CHARS_MAX = 255
/** Messages of the queue have their turn after so long. */
const SLICE_MS = 5

type Sampled = { readonly event: Event; readonly headers: Scope['headers']; readonly bytes: number }

/** The last messages of a queue, in a ring. */
export class Sample {
  readonly #ring: (Sampled | undefined)[] = new Array(SAMPLE_MAX).fill(undefined)
  /** Place of the next one, and how many there are before it. */
  #next = 0
  #size = 0
  #bytes = 0

  get size(): number {
    return this.#size
  }

  add(event: Event, { body, properties }: Pick<Received, 'body' | 'properties'>): void {
    if (this.#size === SAMPLE_MAX) this.#dropOldest()
    this.#ring[this.#next] = { event, headers: properties.headers, bytes: body.length }
    this.#next = (this.#next + 1) % SAMPLE_MAX
    this.#size++
    this.#bytes += body.length
    while (this.#bytes > SAMPLE_BYTES_MAX && this.#size > 1) this.#dropOldest()
  }

  /** The newest first. */
  last(count: number): readonly Sampled[] {
    const found = Array.from({ length: Math.min(count, this.#size) }, (_, i) => this.#ring.at(this.#next - 1 - i))
    return found.flatMap((one) => one ?? [])
  }

  #dropOldest(): void {
    const oldest = (this.#next - this.#size + SAMPLE_MAX) % SAMPLE_MAX
    this.#bytes -= this.#ring[oldest]?.bytes ?? 0
    this.#ring[oldest] = undefined
    this.#size--
  }
}

export type Tried = {
  readonly sampled: number
  readonly matched: number
  readonly unclear: number
  /** Ids of some messages that match, the newest first. */
  readonly examples: readonly string[]
}

/** What a filter says to the last messages of a queue, in slices, so that nothing waits for it. */
export async function tryFilter(filter: Filter, queue: string, samples: readonly Sampled[]): Promise<Tried> {
  let [matched, unclear, sliceMs] = [0, 0, performance.now()]
  const examples: string[] = []
  for (const { event, headers, bytes } of samples) {
    const answer = filter.test(scopeOf(event, queue, headers, bytes))
    if (answer === 'unclear') unclear++
    if (answer === 'match' && ++matched <= EXAMPLES_MAX) examples.push(event.meta.id.slice(0, EXAMPLE_CHARS_MAX))
    if (performance.now() - sliceMs < SLICE_MS) continue
    await new Promise((resolve) => setImmediate(resolve))
    sliceMs = performance.now()
  }
  return { sampled: samples.length, matched, unclear, examples }
}
