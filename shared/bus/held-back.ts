import type { Delivery } from './broker.ts'
import type { Bus } from './bus.ts'
import type { Event } from './envelope.ts'

export type HeldDelivery = { readonly delivery: Delivery; readonly event: Event }

/** Deliveries that rules hold, in the order in which they came. They are given back in that order, to be judged again. */
export class HeldBack<T> {
  readonly #bus: Bus
  readonly #queue: string
  readonly #giveBack: (items: readonly T[]) => void
  #items: (HeldDelivery & { readonly item: T })[] = []
  #isWaiting = false

  constructor({ bus, queue, giveBack }: { bus: Bus; queue: string; giveBack: (items: readonly T[]) => void }) {
    this.#bus = bus
    this.#queue = queue
    this.#giveBack = giveBack
  }

  add(item: T, held: HeldDelivery): void {
    this.#items.push({ ...held, item })
    if (this.#isWaiting) return
    this.#isWaiting = true
    void this.#bus.rules.changed().then(() => {
      this.#isWaiting = false
      this.#release()
    })
  }

  /**
   * To be called before anything newer is judged. Whoever is told of a change is told a moment later; without looking, what comes in that
   * moment would overtake what was held.
   */
  look(): void {
    const [first] = this.#items
    if (first && this.#bus.rules.judge(this.#queue, first.event, first.delivery.message).kind !== 'hold')
      this.#release()
  }

  /** Takes all out, to put them elsewhere. */
  takeAll(): readonly T[] {
    return this.#items.splice(0).map(({ item }) => item)
  }

  #release(): void {
    const items = this.takeAll()
    if (items.length > 0) this.#giveBack(items)
  }
}
