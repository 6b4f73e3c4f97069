import type { Clock } from '../clock.ts'
import type { Plan } from '../topology.ts'
import type { Received } from './broker.ts'
import { Fifo } from './memory-fifo.ts'

/** A message in one queue. */
export type Entry = {
  /** Place in the queue; an entry that comes back takes it again. */
  readonly place: number
  readonly message: Received
  readonly expiresAt: number
  redelivered: boolean
  returns: number
}

export type DeathReason = 'expired' | 'delivery_limit'

/** A consumer as its queue sees it. */
export type Subscription = {
  prefetch: number
  readonly deliver: (entry: Entry) => void
  /** Called when the queue is deleted under the consumer. */
  readonly onGone: () => void
  /** In the order of delivery. */
  readonly unsettled: Set<Entry>
  /** The connection or the queue is gone: settling has no meaning any more. */
  lost: boolean
}

type Surroundings = {
  readonly clock: Clock
  /** The connection that this queue belongs to, and whose alone it is. */
  readonly owner?: object
  readonly onDead: (queue: MemoryQueue, entry: Entry, reason: DeathReason) => void
}

/** Then other queues, timers and sockets have their turn, however long the backlog is. */
const DELIVERIES_PER_TURN_MAX = 256

/** A queue of the in-memory broker: first in, first out, served to its consumers in turn, always in a later tick. */
export class MemoryQueue {
  readonly name: string
  readonly arguments: Plan['queues'][number]['arguments']
  /** Every entry here was in the queue before every entry of `#fresh`; sorted with the first to go at the end. */
  readonly #returned: Entry[] = []
  readonly #fresh = new Fifo<Entry>()
  readonly #subscriptions: Subscription[] = []
  readonly #around: Surroundings
  #unsettled = 0
  #places = 0
  /** Index of the consumer that is asked first for the next message. */
  #turn = 0
  #woken = false
  #cancelExpiry: (() => void) | undefined

  constructor(declared: Plan['queues'][number], around: Surroundings) {
    this.name = declared.name
    this.arguments = declared.arguments
    this.#around = around
  }

  get owner(): object | undefined {
    return this.#around.owner
  }

  get ready(): number {
    return this.#returned.length + this.#fresh.length
  }

  get unsettled(): number {
    return this.#unsettled
  }

  get consumers(): number {
    return this.#subscriptions.length
  }

  /** Nothing is unsettled, and nothing waits that somebody would take. */
  get isIdle(): boolean {
    return this.#unsettled === 0 && (this.ready === 0 || this.consumers === 0)
  }

  put(message: Received): void {
    const ttlMs = this.arguments['x-message-ttl']
    const expiresAt = typeof ttlMs === 'number' ? this.#around.clock.now() + ttlMs : Number.POSITIVE_INFINITY
    this.#fresh.push({ place: this.#places, message, expiresAt, redelivered: false, returns: 0 })
    this.#places += 1
    this.wake()
  }

  subscribe(options: Pick<Subscription, 'prefetch' | 'deliver' | 'onGone'>): Subscription {
    const subscription = { ...options, unsettled: new Set<Entry>(), lost: false }
    this.#subscriptions.push(subscription)
    this.wake()
    return subscription
  }

  /** The next message for a subscription that asks for it by itself; undefined when there is none. */
  take(subscription: Subscription): Entry | undefined {
    this.#expire()
    const entry = this.#take()
    if (entry) this.#hold(subscription, entry)
    return entry
  }

  /** Ends deliveries; what is unsettled stays with the consumer. The next in line becomes the single active one. */
  unsubscribe(subscription: Subscription): void {
    const at = this.#subscriptions.indexOf(subscription)
    if (at >= 0) this.#subscriptions.splice(at, 1)
    this.wake()
  }

  /** The consumer's connection is gone: what is unsettled comes back. */
  lose(subscription: Subscription): void {
    subscription.lost = true
    this.unsubscribe(subscription)
    this.#giveBack(subscription, [...subscription.unsettled])
  }

  ack(subscription: Subscription, entry: Entry): void {
    if (!subscription.unsettled.delete(entry)) return
    this.#unsettled -= 1
    this.wake()
  }

  requeue(subscription: Subscription, entry: Entry): void {
    this.#giveBack(subscription, [entry])
  }

  /** The queue is deleted with all that is in it. */
  destroy(): void {
    this.pause()
    for (const subscription of this.#subscriptions.splice(0)) {
      subscription.lost = true
      subscription.onGone()
    }
  }

  /** Stops expiry while the broker is down; `wake` starts it again. */
  pause(): void {
    this.#cancelExpiry?.()
    this.#cancelExpiry = undefined
  }

  /** Something changed: look in the next turn of the event loop whether there is anything to deliver or to expire. */
  wake(): void {
    if (this.#woken) return
    this.#woken = true
    setImmediate(() => {
      this.#woken = false
      this.#expire()
      this.#deliver()
    })
  }

  #deliver(): void {
    for (let n = 0; n < DELIVERIES_PER_TURN_MAX; n++) {
      const subscription = this.ready > 0 ? this.#nextWithCredit() : undefined
      const entry = subscription && this.#take()
      if (!entry) return
      this.#hold(subscription, entry)
      subscription.deliver(entry)
    }
    this.wake()
  }

  #nextWithCredit(): Subscription | undefined {
    const candidates = this.arguments['x-single-active-consumer'] === true ? 1 : this.#subscriptions.length
    for (let n = 0; n < candidates; n++) {
      const at = candidates === 1 ? 0 : (this.#turn + n) % candidates
      const subscription = this.#subscriptions[at]
      if (subscription && subscription.unsettled.size < subscription.prefetch) {
        this.#turn = at + 1
        return subscription
      }
    }
    return undefined
  }

  #hold(subscription: Subscription, entry: Entry): void {
    subscription.unsettled.add(entry)
    this.#unsettled += 1
  }

  #take(): Entry | undefined {
    return this.#returned.pop() ?? this.#fresh.shift()
  }

  #giveBack(subscription: Subscription, entries: readonly Entry[]): void {
    const limit = this.arguments['x-delivery-limit']
    for (const entry of entries) {
      if (!subscription.unsettled.delete(entry)) continue
      this.#unsettled -= 1
      entry.redelivered = true
      // Classic queues do not count.
      if (this.arguments['x-queue-type'] === 'quorum') entry.returns += 1
      if (typeof limit === 'number' && entry.returns > limit) this.#around.onDead(this, entry, 'delivery_limit')
      else this.#returned.push(entry)
    }
    this.#returned.sort((a, b) => b.place - a.place)
    this.wake()
  }

  /** Only the head is looked at, as in RabbitMQ: a message behind one that is not due yet waits, however old it is. */
  #expire(): void {
    const { clock, onDead } = this.#around
    for (let head = this.#head; head && head.expiresAt <= clock.now(); head = this.#head) {
      this.#take()
      onDead(this, head, 'expired')
    }
    const head = this.#head
    if (this.#cancelExpiry || !head || head.expiresAt === Number.POSITIVE_INFINITY) return
    this.#cancelExpiry = clock.after(head.expiresAt - clock.now(), () => {
      this.#cancelExpiry = undefined
      this.#expire()
    })
  }

  get #head(): Entry | undefined {
    return this.#returned.at(-1) ?? this.#fresh.first
  }
}
