import type { Delivery } from './broker.ts'
import type { Event } from './envelope.ts'
import type { UnderWay } from './rules.ts'

/** Deliveries that were judged by the rules and are not settled: whoever changes a rule waits for those that it concerns. */
export class Judged {
  readonly #entries = new Map<Delivery, Entry>()

  /** Judged, or judged again. */
  begin(delivery: Delivery, event: Event, parkedBy?: string): void {
    const entry = this.#entries.get(delivery)
    if (entry) Object.assign(entry, { event, parkedBy })
    else this.#entries.set(delivery, new Entry(event, parkedBy))
  }

  /** Settled, or it waits and will be judged again. */
  end(delivery: Delivery): void {
    const entry = this.#entries.get(delivery)
    if (!entry) return
    this.#entries.delete(delivery)
    entry.end()
  }

  all(): Iterable<UnderWay> {
    return this.#entries.values()
  }
}

class Entry implements UnderWay {
  event: Event
  parkedBy: string | undefined
  #onEnd: (() => void)[] | undefined

  constructor(event: Event, parkedBy: string | undefined) {
    this.event = event
    this.parkedBy = parkedBy
  }

  /** Made when it is asked for: rules change seldom, and messages are many. Nobody asks once it has ended. */
  get done(): Promise<void> {
    const onEnd = this.#onEnd ?? []
    this.#onEnd = onEnd
    return new Promise((resolve) => onEnd.push(resolve))
  }

  end(): void {
    for (const resolve of this.#onEnd ?? []) resolve()
  }
}
