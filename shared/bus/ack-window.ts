/**
 * Collects the acks of one channel and sends them once per turn of the event loop: everything below the lowest unsettled
 * delivery in one multiple ack, the rest one by one. `T` is what the channel needs to ack a delivery.
 */
export class AckWindow<T> {
  readonly #send: (delivery: T, multiple: boolean) => void
  readonly #unsettled = new Map<number, T>()
  /** Acked by the caller, not yet told to the broker. */
  #waiting = new Map<number, T>()
  #open = true
  #scheduled = false

  constructor(send: (delivery: T, multiple: boolean) => void) {
    this.#send = send
  }

  /** `tag` counts up on each channel. */
  delivered(tag: number, delivery: T): void {
    this.#unsettled.set(tag, delivery)
  }

  ack(tag: number): void {
    const delivery = this.release(tag)
    if (delivery === undefined) return
    this.#waiting.set(tag, delivery)
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => this.flush())
  }

  /** Takes a delivery out, to be settled by the caller; undefined when the channel is gone, because then the broker redelivers by itself. */
  release(tag: number): T | undefined {
    if (!this.#open) return undefined
    const delivery = this.#unsettled.get(tag)
    if (delivery === undefined) throw new Error(`Delivery ${tag} was settled twice: this is a bug in a consumer.`)
    this.#unsettled.delete(tag)
    return delivery
  }

  flush(): void {
    this.#scheduled = false
    if (!this.#open || this.#waiting.size === 0) return
    const waiting = this.#waiting
    this.#waiting = new Map()
    const floor = this.#lowestUnsettled()
    // The tag of a multiple ack must itself be outstanding, or the broker closes the channel.
    let highest = 0
    for (const tag of waiting.keys()) if (tag < floor && tag > highest) highest = tag
    const upTo = waiting.get(highest)
    if (upTo !== undefined) this.#send(upTo, true)
    for (const [tag, delivery] of waiting) if (tag > floor) this.#send(delivery, false)
  }

  /** Everything is settled, and the broker was told. */
  get isEmpty(): boolean {
    return this.#unsettled.size === 0 && this.#waiting.size === 0
  }

  close(): void {
    this.#open = false
  }

  /** The channel is gone. */
  get closed(): boolean {
    return !this.#open
  }

  /** Maps keep the order of insertion and tags come in order: the first is the lowest. */
  #lowestUnsettled(): number {
    for (const tag of this.#unsettled.keys()) return tag
    return Number.POSITIVE_INFINITY
  }
}
