import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Browse, Browsed } from './broker.ts'
import { receivedOf } from './memory-consumer.ts'
import type { Entry, MemoryQueue, Subscription } from './memory-queue.ts'

/** Then others have their turn, however long the queue is. */
const TAKEN_PER_TURN_MAX = 256

/** One look through a queue: holds what it took until it is removed, or until the browse is closed or its connection lost. */
export class MemoryBrowse implements Browse {
  readonly count: number
  readonly #queue: MemoryQueue
  readonly #onEnded: (browse: MemoryBrowse) => void
  readonly #subscription: Subscription
  #taken = 0
  #state: 'open' | 'closed' | Error = 'open'

  constructor(queue: MemoryQueue, onEnded: (browse: MemoryBrowse) => void) {
    this.#queue = queue
    this.#onEnded = onEnded
    this.count = queue.ready
    // It asks for each message itself, so nothing is ever delivered to it.
    this.#subscription = queue.subscribe({
      prefetch: 0,
      deliver: () => undefined,
      onGone: () => this.lose(new Error(`The queue ${queue.name} was deleted while it was browsed.`)),
    })
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Browsed> {
    while (this.#taken < this.count) {
      if (this.#taken % TAKEN_PER_TURN_MAX === 0) await nextTurn()
      if (this.#state instanceof Error) throw this.#state
      const entry = this.#state === 'open' ? this.#queue.take(this.#subscription) : undefined
      // Others hold the rest.
      if (!entry) return
      this.#taken += 1
      yield this.#browsed(entry)
    }
  }

  async close(): Promise<void> {
    this.#end('closed')
  }

  /** Its connection is gone, or the queue. */
  lose(reason: Error): void {
    this.#end(reason)
  }

  #browsed(entry: Entry): Browsed {
    return {
      message: receivedOf(entry),
      remove: () => {
        if (this.#state === 'open') this.#queue.ack(this.#subscription, entry)
      },
    }
  }

  #end(state: 'closed' | Error): void {
    if (this.#state !== 'open') return
    this.#state = state
    this.#queue.lose(this.#subscription)
    this.#onEnded(this)
  }
}
