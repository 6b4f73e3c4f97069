import type { Rule } from '../operation-events.ts'
import type { Delivery, Received } from './broker.ts'
import type { Bus } from './bus.ts'
import type { Event } from './envelope.ts'
import type { HeldRoom } from './held-room.ts'
import type { RuleVerdict } from './rules.ts'

export type HeldDelivery = { readonly delivery: Delivery; readonly event: Event; readonly rule: Rule }

type Options<T> = {
  readonly bus: Bus
  readonly queue: string
  readonly room: HeldRoom
  readonly giveBack: (items: readonly T[]) => void
}

/**
 * Deliveries that rules hold, in the order in which they came. They are given back in that order, to be judged again. When there are too
 * many of them, all are set aside again, and so is what comes after them: otherwise they would keep the messages of others waiting.
 */
export class HeldBack<T> {
  readonly #options: Options<T>
  /** Revisions of rules that would hold too much. A newer one may hold again: whoever says it has counted what was set aside. */
  readonly #givenUp = new Map<string, number>()
  #items: (HeldDelivery & { readonly item: T })[] = []
  #isWaiting = false

  constructor(options: Options<T>) {
    this.#options = options
  }

  /** What the rules say; instead of more than there is room for they hold nothing. Never throws. */
  judge(event: Event, message: Pick<Received, 'body' | 'properties'>): RuleVerdict {
    const { bus, queue } = this.#options
    const ruling = bus.rules.judge(queue, event, message)
    if (ruling.kind !== 'hold' || this.#givenUp.get(ruling.rule.id) !== ruling.rule.revision) return ruling
    return { kind: 'park', rule: ruling.rule }
  }

  add(item: T, held: HeldDelivery): void {
    this.#items.push({ ...held, item })
    if (this.#isWaiting) return
    this.#isWaiting = true
    void this.#options.bus.rules.changed().then(() => {
      this.#isWaiting = false
      this.#release()
    })
  }

  /**
   * To be called before anything newer is judged, and after something was held. Whoever is told of a change is told a moment later; without
   * looking, what comes in that moment would overtake what was held.
   */
  look(): void {
    const [first] = this.#items
    if (!first) return
    if (!this.#options.room.has(this.#items.length)) this.#giveUp()
    if (this.judge(first.event, first.delivery.message).kind !== 'hold') this.#release()
  }

  /** Takes all out, to put them elsewhere. */
  takeAll(): readonly T[] {
    return this.#items.splice(0).map(({ item }) => item)
  }

  #giveUp(): void {
    for (const { rule } of this.#items) this.#givenUp.set(rule.id, rule.revision)
    const [rules, held] = [[...this.#givenUp.keys()], this.#items.length]
    this.#options.bus.log.warn(
      { queue: this.#options.queue, rules, held },
      'sideline rules hold too many messages: they are set aside again',
    )
  }

  #release(): void {
    const items = this.takeAll()
    if (items.length > 0) this.#options.giveBack(items)
    // Judged again, they may be held again.
    if (this.#items.length === 0) this.#options.room.leave()
  }
}
