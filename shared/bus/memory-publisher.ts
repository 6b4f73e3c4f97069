import type { Clock } from '../clock.ts'
import { BufferFullError, ClosedError, type Message, NackedError, ReturnedError } from './broker.ts'
import { Fifo } from './memory-fifo.ts'

/** From here on the HTTP edge is told to answer 503. */
const SATURATED_AT = 10_000
/** Messages of 1 kB: about 100 MB, as much as over the wire. */
const PENDING_MAX = 50_000

type Publish = {
  readonly message: Message
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/** What became of a message: how many queues took it, or undefined when there is no such exchange. */
export type Accept = (message: Message) => number | undefined

/**
 * The publishing half of a connection. A message is stored one turn of the event loop after `publish` and confirmed one turn
 * later; what a cut connection leaves unconfirmed is sent again in order, so it may be stored twice, as over the wire.
 */
export class MemoryPublisher {
  readonly #accept: Accept
  readonly #clock: Clock
  #unsent = new Fifo<Publish>()
  #unconfirmed = new Fifo<Publish>()
  #flowing = false
  #closed = false
  #scheduled = false
  #onEmpty: (() => void) | undefined
  /** A confirm that belongs to an earlier connection is not heard any more. */
  #connection = 0

  constructor(accept: Accept, clock: Clock) {
    this.#accept = accept
    this.#clock = clock
  }

  get pending(): number {
    return this.#unsent.length + this.#unconfirmed.length
  }

  get saturated(): boolean {
    return !this.#flowing || this.pending >= SATURATED_AT
  }

  publish(message: Message): Promise<void> {
    if (this.#closed) return Promise.reject(new ClosedError('The bus is closed: nothing more is published.'))
    if (this.pending >= PENDING_MAX)
      return Promise.reject(
        new BufferFullError(`${PENDING_MAX} publishes wait for the broker: slow down or look why it is away.`),
      )
    return new Promise((resolve, reject) => {
      this.#unsent.push({ message, resolve, reject })
      this.#wake()
    })
  }

  /** Messages go out only while connected and not blocked. */
  setFlowing(flowing: boolean): void {
    this.#flowing = flowing
    if (flowing) this.#wake()
  }

  /** The connection is gone: what it has not confirmed goes out again, before what was not sent yet. */
  cut(): void {
    this.#flowing = false
    this.#connection += 1
    const again = new Fifo<Publish>()
    for (const publish of this.#unconfirmed.drain()) again.push(publish)
    for (const publish of this.#unsent.drain()) again.push(publish)
    this.#unsent = again
  }

  /** Takes nothing more, and waits until everything is confirmed, `drainMs` at most; then rejects what is left. */
  async close(drainMs: number): Promise<void> {
    this.#closed = true
    if (this.pending > 0)
      await new Promise<void>((resolve) => {
        const cancel = this.#clock.after(drainMs, resolve)
        this.#onEmpty = () => {
          cancel()
          resolve()
        }
      })
    this.cut()
    const error = new ClosedError('The bus was closed before the broker confirmed.')
    for (const { reject } of this.#unsent.drain()) reject(error)
  }

  #wake(): void {
    if (this.#scheduled || !this.#flowing || this.#unsent.length === 0) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      if (this.#flowing) this.#send()
    })
  }

  #send(): void {
    const connection = this.#connection
    const outcomes: (Error | undefined)[] = []
    for (const publish of this.#unsent.drain()) {
      this.#unconfirmed.push(publish)
      outcomes.push(outcomeOf(publish.message, this.#accept(publish.message)))
    }
    setImmediate(() => {
      if (connection === this.#connection) this.#confirm(outcomes)
    })
  }

  #confirm(outcomes: readonly (Error | undefined)[]): void {
    for (const error of outcomes) {
      const publish = this.#unconfirmed.shift()
      if (error) publish?.reject(error)
      else publish?.resolve()
    }
    if (this.pending === 0) this.#onEmpty?.()
  }
}

function outcomeOf({ exchange, key, mandatory }: Message, copies: number | undefined): Error | undefined {
  if (copies === undefined) return new NackedError(`There is no exchange '${exchange}': declare it in the topology.`)
  if (copies === 0 && mandatory) return new ReturnedError(`No queue takes '${key}' on exchange '${exchange}'.`)
  return undefined
}
