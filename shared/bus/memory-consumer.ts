import type { Consumer, Delivery, Received } from './broker.ts'
import type { Entry, MemoryQueue, Subscription } from './memory-queue.ts'

/** One consumer of one queue, subscribed anew on each connection. */
export class MemoryConsumer implements Consumer {
  readonly queue: string
  readonly #onDelivery: (delivery: Delivery) => void
  #prefetch: number
  #session: { readonly queue: MemoryQueue; readonly subscription: Subscription } | undefined
  cancelled = false
  #onAttached: () => void = () => undefined
  /** Resolves when the broker has accepted this consumer for the first time. */
  readonly attached = new Promise<void>((resolve) => {
    this.#onAttached = resolve
  })

  constructor(queue: string, prefetch: number, onDelivery: (delivery: Delivery) => void) {
    this.queue = queue
    this.#prefetch = prefetch
    this.#onDelivery = onDelivery
  }

  attach(queue: MemoryQueue, onGone: () => void): void {
    const subscription = queue.subscribe({
      prefetch: this.#prefetch,
      deliver: (entry) => this.#onDelivery(new MemoryDelivery(entry, queue, subscription)),
      onGone,
    })
    this.#session = { queue, subscription }
    this.#onAttached()
  }

  /** The connection is gone. */
  detach(): void {
    this.#session?.queue.lose(this.#session.subscription)
    this.#session = undefined
  }

  async cancel(): Promise<void> {
    this.cancelled = true
    this.#session?.queue.unsubscribe(this.#session.subscription)
  }

  async setPrefetch(prefetch: number): Promise<void> {
    this.#prefetch = prefetch
    if (!this.#session) return
    this.#session.subscription.prefetch = prefetch
    this.#session.queue.wake()
  }
}

class MemoryDelivery implements Delivery {
  readonly message: Received
  readonly redelivered: boolean
  readonly returns: number
  readonly #entry: Entry
  readonly #queue: MemoryQueue
  readonly #subscription: Subscription
  #settled = false

  constructor(entry: Entry, queue: MemoryQueue, subscription: Subscription) {
    this.#entry = entry
    this.#queue = queue
    this.#subscription = subscription
    this.redelivered = entry.redelivered
    this.returns = entry.returns
    this.message = receivedOf(entry)
  }

  get lost(): boolean {
    return this.#subscription.lost
  }

  ack(): void {
    this.#settle()
    this.#queue.ack(this.#subscription, this.#entry)
  }

  requeue(): void {
    this.#settle()
    this.#queue.requeue(this.#subscription, this.#entry)
  }

  #settle(): void {
    if (this.#subscription.lost) return
    if (this.#settled) throw new Error('A delivery was settled twice: this is a bug in a consumer.')
    this.#settled = true
  }
}

/** An entry as whoever takes it out of the queue sees it. */
export const receivedOf = ({ message, returns }: Entry): Received =>
  returns === 0
    ? message
    : {
        ...message,
        properties: { ...message.properties, headers: { ...message.properties.headers, 'x-delivery-count': returns } },
      }
