import type { Clock } from '../clock.ts'
import type { Listener, Received } from './broker.ts'
import type { MemoryQueue, Subscription } from './memory-queue.ts'

/** As over the wire: while another connection holds the name, and after the queue was deleted under us. */
const AGAIN_MS = 500

type Options = {
  readonly onMessage: (message: Received) => void
  readonly clock: Clock
  /** Makes the queue; undefined while another connection has one of this name. */
  readonly declare: () => MemoryQueue | undefined
  readonly onStopped: (listener: MemoryListener) => void
}

/** A queue of a connection's own, made anew on each connection. */
export class MemoryListener implements Listener {
  readonly #options: Options
  #session: { readonly queue: MemoryQueue; readonly subscription: Subscription } | undefined
  #cancelRetry: () => void = () => undefined
  #onAttached: () => void = () => undefined
  /** Resolves when the queue is there for the first time. */
  readonly attached = new Promise<void>((resolve) => {
    this.#onAttached = resolve
  })

  constructor(options: Options) {
    this.#options = options
  }

  get isUp(): boolean {
    return this.#session !== undefined
  }

  /** The connection is there. */
  attach(): void {
    const { declare, onMessage } = this.#options
    const queue = declare()
    if (!queue) {
      this.#attachLater()
      return
    }
    const subscription = queue.subscribe({
      prefetch: Number.POSITIVE_INFINITY,
      deliver: (entry) => {
        queue.ack(subscription, entry)
        onMessage(entry.message)
      },
      onGone: () => {
        this.#session = undefined
        this.#attachLater()
      },
    })
    this.#session = { queue, subscription }
    this.#onAttached()
  }

  /** The connection is gone, and the queue with it; gives its name back to the broker. */
  detach(): MemoryQueue | undefined {
    this.#cancelRetry()
    const session = this.#session
    this.#session = undefined
    session?.queue.unsubscribe(session.subscription)
    return session?.queue
  }

  async stop(): Promise<void> {
    this.#options.onStopped(this)
  }

  #attachLater(): void {
    this.#cancelRetry()
    this.#cancelRetry = this.#options.clock.after(AGAIN_MS, () => this.attach())
  }
}
