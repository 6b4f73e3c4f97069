import type { Plan } from '../topology.ts'
import {
  type Broker,
  type BrokerState,
  type Browse,
  ClosedError,
  type ConnectOptions,
  type ConsumeOptions,
  type Consumer,
  type Delivery,
  type Follower,
  isFinal,
  type Listener,
  type Message,
  type Received,
} from './broker.ts'
import { DeclaredPlans } from './declared-plans.ts'
import { MemoryBrowse } from './memory-browse.ts'
import { MemoryConsumer } from './memory-consumer.ts'
import { MemoryFollower } from './memory-follower.ts'
import { MemoryListener } from './memory-listener.ts'
import { MemoryPublisher } from './memory-publisher.ts'
import { MemoryQueue } from './memory-queue.ts'
import type { Server } from './memory-server.ts'
import { MemoryStream } from './memory-stream.ts'

/** As over the wire: long enough to see that the link was away. */
const RECONNECT_MS = 100
const DRAIN_MS_DEFAULT = 5_000

/** A service's connection to the in-memory broker. */
export class MemoryLink implements Broker {
  readonly version = 'in-memory'
  readonly service: string
  readonly #server: Server
  readonly #plans: DeclaredPlans
  readonly #publisher: MemoryPublisher
  readonly #consumers = new Set<MemoryConsumer>()
  readonly #followers = new Set<MemoryFollower>()
  /** While connecting: the one that the others wait for. */
  #reading: MemoryFollower | undefined
  readonly #browses = new Set<MemoryBrowse>()
  /** With their queues. */
  readonly #own = new Set<MemoryListener>()
  readonly #listeners = new Set<(state: BrokerState) => void>()
  #state: BrokerState = 'connecting'
  #cancelConnect: () => void
  #readiness: 'open' | 'ready' | Error = 'open'
  #onReadiness: (() => void)[] = []
  #reportClosed: () => void = () => undefined
  /** Rejects when this side is closed: who waits to be attached then would wait for ever. */
  readonly #whenClosed = new Promise<never>((_, reject) => {
    this.#reportClosed = () => reject(new ClosedError('The bus is closed.'))
  })

  constructor(server: Server, { service, plan }: ConnectOptions) {
    this.service = service
    this.#server = server
    this.#plans = new DeclaredPlans(plan)
    this.#publisher = new MemoryPublisher((message) => server.accept(message), server.clock)
    this.#whenClosed.catch(() => undefined)
    const first = setImmediate(() => this.#connect())
    this.#cancelConnect = () => clearImmediate(first)
  }

  get state(): BrokerState {
    return this.#state
  }

  get saturated(): boolean {
    return this.#publisher.saturated
  }

  /** Publishes that are not confirmed yet. */
  get pending(): number {
    return this.#publisher.pending
  }

  async ready(): Promise<void> {
    if (this.#readiness === 'open') await new Promise<void>((resolve) => this.#onReadiness.push(resolve))
    if (this.#readiness instanceof Error) throw this.#readiness
  }

  onState(listener: (state: BrokerState) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  publish(message: Message): Promise<void> {
    return this.#publisher.publish(message)
  }

  async consume(
    queue: string,
    { prefetch }: ConsumeOptions,
    onDelivery: (delivery: Delivery) => void,
  ): Promise<Consumer> {
    this.#assertOpen()
    const consumer = new MemoryConsumer(queue, prefetch, onDelivery)
    this.#consumers.add(consumer)
    // A queue that is not there yet ends the connection, as in RabbitMQ; each reconnect tries again.
    if (this.#isConnected && !this.#attach(consumer)) this.cut()
    await Promise.race([consumer.attached, this.#whenClosed])
    return consumer
  }

  async listen(queue: string, onMessage: (message: Received) => void): Promise<Listener> {
    this.#assertOpen()
    const listener = new MemoryListener({
      onMessage,
      clock: this.#server.clock,
      declare: () => this.#server.declareOwn(queue, this),
      onStopped: (stopped) => {
        this.#own.delete(stopped)
        this.#deleteOwn(stopped)
      },
    })
    this.#own.add(listener)
    if (this.#isConnected) listener.attach()
    await Promise.race([listener.attached, this.#whenClosed])
    return listener
  }

  async follow(stream: string, onMessage: (message: Received) => void, onBegin?: () => void): Promise<Follower> {
    this.#assertOpen()
    const onStopped = (stopped: MemoryFollower) => {
      this.#followers.delete(stopped)
      this.#leave(stopped)
    }
    const follower = new MemoryFollower({ stream, onMessage, onBegin, onStopped })
    this.#followers.add(follower)
    if (this.#isConnected && !this.#attachFollower(follower)) this.cut()
    await Promise.race([follower.attached, this.#whenClosed])
    return follower
  }

  async browse(queue: string): Promise<Browse | undefined> {
    await this.#connected()
    const found = this.#server.findQueue(queue, this)
    if (!(found instanceof MemoryQueue)) return undefined
    const browse = new MemoryBrowse(found, (ended) => this.#browses.delete(ended))
    this.#browses.add(browse)
    return browse
  }

  async declare(queue: Plan['queues'][number]): Promise<void> {
    await this.#connected()
    this.#server.declare({ exchanges: [], queues: [queue], bindings: [] }, false)
  }

  async extend(plan: Plan): Promise<void> {
    await this.#connected()
    this.#server.declare(plan, false)
    this.#plans.add(plan)
  }

  async removeEmpty(queue: string): Promise<boolean> {
    await this.#connected()
    const found = this.#server.findQueue(queue, this)
    if (found && found.ready + found.unsettled + found.consumers > 0) return false
    if (found) this.#server.deleteQueue(queue)
    return true
  }

  async inspect(queue: string) {
    await this.ready()
    const found = this.#server.findQueue(queue, this)
    return found && { messages: found.ready, consumers: found.consumers, unsettled: found.unsettled }
  }

  async close(drainMs = DRAIN_MS_DEFAULT): Promise<void> {
    if (this.#state === 'closed') return
    await this.#publisher.close(drainMs)
    this.#disconnect(new ClosedError('The bus was closed.'))
    this.#setState('closed')
    this.#reportClosed()
    this.#server.forget(this)
    this.#settleReadiness(new ClosedError('The bus was closed before it was connected.'))
  }

  /** The connection is lost; it comes back by itself. */
  cut(): void {
    if (this.#state === 'closed') return
    this.#disconnect(new Error('The connection was lost: what was not removed is in the queue again.'))
    this.#setState('connecting')
    this.#cancelConnect = this.#server.clock.after(RECONNECT_MS, () => this.#connect())
  }

  /** The broker has raised or lifted its alarm. */
  followAlarm(): void {
    if (!this.#isConnected) return
    this.#publisher.setFlowing(!this.#server.status.blocked)
    this.#setState(this.#server.status.blocked ? 'blocked' : 'up')
  }

  get #isConnected(): boolean {
    return this.#state === 'up' || this.#state === 'blocked'
  }

  #connect(): void {
    if (this.#server.status.running && this.#declare()) this.#attachAll()
    else this.cut()
  }

  /** Followers first, one after the other, each to the end of its stream: what they read decides about what is consumed. */
  #attachAll(): void {
    const follower = [...this.#followers].find(({ isAttached }) => !isAttached)
    this.#reading = follower
    if (follower) {
      if (!this.#attachFollower(follower)) this.cut()
    } else if ([...this.#consumers].every((each) => this.#attach(each))) {
      for (const listener of this.#own) listener.attach()
      this.#setState(this.#server.status.blocked ? 'blocked' : 'up')
      this.followAlarm()
      this.#settleReadiness('ready')
    } else this.cut()
  }

  #attachFollower(follower: MemoryFollower): boolean {
    const stream = this.#server.findQueue(follower.stream, this)
    if (!(stream instanceof MemoryStream)) return false
    follower.attach(stream, { onEnd: () => this.#leave(follower), onGone: () => this.cut() })
    return true
  }

  /** A follower is at the end, or was stopped: whoever comes after it has its turn. */
  #leave(follower: MemoryFollower): void {
    if (this.#reading === follower) this.#attachAll()
  }

  /** Drift, or a newer topology, ends the wait for `ready`; the link goes on trying, because somebody may put the topology right. */
  #declare(): boolean {
    try {
      this.#plans.declareEach((plan) => this.#server.declare(plan, this.#readiness === 'open'))
      return true
    } catch (error) {
      if (!isFinal(error)) throw error
      this.#settleReadiness(error)
      return false
    }
  }

  #attach(consumer: MemoryConsumer): boolean {
    if (consumer.cancelled) return true
    const queue = this.#server.findQueue(consumer.queue, this)
    if (!(queue instanceof MemoryQueue)) return false
    consumer.attach(queue, () => this.cut())
    return true
  }

  #disconnect(reason: Error): void {
    this.#cancelConnect()
    this.#reading = undefined
    this.#publisher.cut()
    for (const consumer of this.#consumers) {
      consumer.detach()
      if (consumer.cancelled) this.#consumers.delete(consumer)
    }
    for (const follower of this.#followers) follower.detach()
    for (const browse of this.#browses) browse.lose(reason)
    for (const listener of this.#own) this.#deleteOwn(listener)
  }

  #deleteOwn(listener: MemoryListener): void {
    const queue = listener.detach()
    if (queue) this.#server.deleteQueue(queue.name)
  }

  async #connected(): Promise<void> {
    await this.ready()
    while (!this.#isConnected) {
      this.#assertOpen()
      await new Promise<void>((resolve) => {
        const end = this.onState(() => {
          end()
          resolve()
        })
      })
    }
  }

  /** Nothing is attached any more once it is closed: whoever consumed then would wait for ever. */
  #assertOpen(): void {
    if (this.#state === 'closed') throw new ClosedError('The bus is closed.')
  }

  #settleReadiness(outcome: 'ready' | Error): void {
    if (this.#readiness !== 'open') return
    this.#readiness = outcome
    for (const resolve of this.#onReadiness.splice(0)) resolve()
  }

  #setState(state: BrokerState): void {
    if (this.#state === state) return
    this.#state = state
    for (const listener of this.#listeners) listener(state)
  }
}
