import { ClosedError, type Delivery } from './broker.ts'
import type { Bus } from './bus.ts'
import { logSome } from './log-limit.ts'

/** While the store is out of order (disk full) or a publish is refused, deliveries are held and tried again after this. */
const HOLD_MS = 1_000

type Options = {
  readonly bus: Bus
  readonly queue: string
  /** Called for each delivery that is going to wait. */
  readonly onWait: (delivery: Delivery) => void
}

/** Work on deliveries that is tried until it succeeds, their connection is lost, or the consumer stops; a requeue would count as a crash. */
export class Holding {
  readonly #options: Options
  readonly #beside = new Set<Promise<void>>()
  #isStopping = false

  constructor(options: Options) {
    this.#options = options
  }

  get isStopping(): boolean {
    return this.#isStopping
  }

  /** What fails from now on goes back to the broker. */
  stop(): void {
    this.#isStopping = true
  }

  /** Resolves when all that is done beside is over. */
  async finished(): Promise<void> {
    await Promise.all(this.#beside)
  }

  /** Beside everything else: a queue that is not there must not keep anything but its own messages waiting. */
  beside(delivery: Delivery, work: () => Promise<void>): void {
    const done = this.while(() => [delivery], work).finally(() => this.#beside.delete(done))
    this.#beside.add(done)
  }

  /** Works on these deliveries, of which some may be settled on the way; never rejects. */
  async while(deliveries: () => readonly Delivery[], work: () => Promise<void>): Promise<void> {
    const { bus, queue, onWait } = this.#options
    for (;;) {
      try {
        return await work()
      } catch (error) {
        for (const delivery of deliveries()) onWait(delivery)
        if (error instanceof ClosedError) return
        const text = 'could not store or publish; the messages wait'
        logSome(bus, { level: 'error', queue, text }, { err: error, queue, held: deliveries().length })
      }
      if (!this.#isStopping) await new Promise<void>((resolve) => bus.clock.after(HOLD_MS, resolve))
      // The broker delivers them again; held any longer, they would pile up beside their copies.
      if (deliveries().every(({ lost }) => lost)) return
      if (this.#isStopping) {
        for (const delivery of deliveries()) delivery.requeue()
        return
      }
    }
  }
}
