import type { Plan } from '../topology.ts'
import type { Received } from './broker.ts'

/** A follower as its stream sees it. */
export type Reading = {
  readonly deliver: (message: Received) => void
  /** Called once, when everything has been delivered that was there when it began. */
  readonly onEnd: () => void
  /** Called when the stream is deleted under the follower. */
  readonly onGone: () => void
}

type Reader = Reading & { next: number; end: number | undefined }

/** Then other queues, timers and sockets have their turn, however long the stream is. */
const DELIVERIES_PER_TURN_MAX = 256

/** A stream of the in-memory broker: messages are added at its end, and everybody reads all of them, always in a later tick. */
export class MemoryStream {
  readonly name: string
  readonly arguments: Plan['queues'][number]['arguments']
  /** Streams belong to nobody, and nothing of them is ever unsettled. */
  readonly owner = undefined
  readonly unsettled = 0
  readonly #messages: Received[] = []
  /** Position of the first message that is still there. */
  #start = 0
  #bytes = 0
  readonly #readers = new Set<Reader>()
  #woken = false

  constructor(declared: Plan['queues'][number]) {
    this.name = declared.name
    this.arguments = declared.arguments
  }

  get ready(): number {
    return this.#messages.length
  }

  get consumers(): number {
    return this.#readers.size
  }

  /** Everybody has read everything. */
  get isIdle(): boolean {
    return [...this.#readers].every(({ next }) => next >= this.#length)
  }

  put(message: Received): void {
    this.#messages.push(message)
    this.#bytes += message.body.length
    this.#trim()
    this.wake()
  }

  /** Reads from the first message on; gives the function that ends it. */
  follow(reading: Reading): () => void {
    const reader: Reader = { ...reading, next: this.#start, end: this.#length }
    this.#readers.add(reader)
    this.wake()
    return () => this.#readers.delete(reader)
  }

  /** The stream is deleted with all that is in it. */
  destroy(): void {
    const readers = [...this.#readers]
    this.#readers.clear()
    for (const { onGone } of readers) onGone()
  }

  /** Nothing here waits for a time. */
  pause(): void {}

  /** Somebody may have something to read: look in the next turn of the event loop. */
  wake(): void {
    if (this.#woken) return
    this.#woken = true
    setImmediate(() => {
      this.#woken = false
      for (const reader of [...this.#readers]) this.#read(reader)
      if (!this.isIdle) this.wake()
    })
  }

  get #length(): number {
    return this.#start + this.#messages.length
  }

  #read(reader: Reader): void {
    // What was trimmed before it was read is lost for this reader.
    reader.next = Math.max(reader.next, this.#start)
    for (let n = 0; n < DELIVERIES_PER_TURN_MAX && this.#readers.has(reader); n++) {
      const message = this.#messages[reader.next - this.#start]
      if (!message) break
      reader.next += 1
      reader.deliver(message)
    }
    if (reader.end === undefined || reader.next < reader.end || !this.#readers.has(reader)) return
    reader.end = undefined
    reader.onEnd()
  }

  /** The oldest go when the rest is too large; RabbitMQ drops them by the segment, and keeps a little more. */
  #trim(): void {
    const bytesMax = this.arguments['x-max-length-bytes']
    if (typeof bytesMax !== 'number') return
    while (this.#bytes > bytesMax && this.#messages.length > 1) {
      this.#bytes -= this.#messages.shift()?.body.length ?? 0
      this.#start += 1
    }
  }
}
