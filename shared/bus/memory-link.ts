import type { Clock } from '../clock.ts'
import {
  type Broker,
  type BrokerState,
  ClosedError,
  type ConnectOptions,
  type ConsumeOptions,
  type Consumer,
  type Delivery,
  type Listener,
  type Message,
  type Received,
  TopologyDriftError,
} from './broker.ts'
import { MemoryConsumer } from './memory-consumer.ts'
import { MemoryListener } from './memory-listener.ts'
import { MemoryPublisher } from './memory-publisher.ts'
import type { MemoryQueue } from './memory-queue.ts'

/** The side of the in-memory broker that its connections see. */
export type Server = {
  readonly clock: Clock
  readonly status: { readonly running: boolean; readonly blocked: boolean }
  /** @throws TopologyDriftError, and then nothing was changed */
  declare(plan: ConnectOptions['plan']): void
  /** Stores a message; gives the number of queues that took it, or undefined when there is no such exchange. */
  accept(message: Message): number | undefined
  /** A queue that this link may use. */
  findQueue(name: string, link: MemoryLink): MemoryQueue | undefined
  /** Makes a queue for this link alone; undefined when there is one of this name. */
  declareOwn(name: string, owner: MemoryLink): MemoryQueue | undefined
  deleteQueue(name: string): void
  /** The link is closed and wants no more news. */
  forget(link: MemoryLink): void
}

/** As over the wire: long enough to see that the link was away. */
const RECONNECT_MS = 100
const DRAIN_MS_DEFAULT = 5_000

/** A service's connection to the in-memory broker. */
export class MemoryLink implements Broker {
  readonly version = 'in-memory'
  readonly service: string
  readonly #server: Server
  readonly #plan: ConnectOptions['plan']
  readonly #publisher: MemoryPublisher
  readonly #consumers = new Set<MemoryConsumer>()
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
    this.#plan = plan
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
    const consumer = new MemoryConsumer(queue, prefetch, onDelivery)
    this.#consumers.add(consumer)
    // A queue that is not there yet ends the connection, as in RabbitMQ; each reconnect tries again.
    if (this.#isConnected && !this.#attach(consumer)) this.cut()
    await Promise.race([consumer.attached, this.#whenClosed])
    return consumer
  }

  async listen(queue: string, onMessage: (message: Received) => void): Promise<Listener> {
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

  async inspect(queue: string): Promise<{ messages: number; consumers: number } | undefined> {
    await this.ready()
    const found = this.#server.findQueue(queue, this)
    return found && { messages: found.ready, consumers: found.consumers }
  }

  async close(drainMs = DRAIN_MS_DEFAULT): Promise<void> {
    if (this.#state === 'closed') return
    await this.#publisher.close(drainMs)
    this.#disconnect()
    this.#setState('closed')
    this.#reportClosed()
    this.#server.forget(this)
    this.#settleReadiness(new ClosedError('The bus was closed before it was connected.'))
  }

  /** The connection is lost; it comes back by itself. */
  cut(): void {
    if (this.#state === 'closed') return
    this.#disconnect()
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
    if (this.#server.status.running && this.#declare() && [...this.#consumers].every((each) => this.#attach(each))) {
      for (const listener of this.#own) listener.attach()
      this.#setState(this.#server.status.blocked ? 'blocked' : 'up')
      this.followAlarm()
      this.#settleReadiness('ready')
    } else this.cut()
  }

  /** Drift ends the wait for `ready`; the link goes on trying, because somebody may put the topology right. */
  #declare(): boolean {
    try {
      this.#server.declare(this.#plan)
      return true
    } catch (error) {
      if (!(error instanceof TopologyDriftError)) throw error
      this.#settleReadiness(error)
      return false
    }
  }

  #attach(consumer: MemoryConsumer): boolean {
    if (consumer.cancelled) return true
    const queue = this.#server.findQueue(consumer.queue, this)
    if (queue) consumer.attach(queue, () => this.cut())
    return queue !== undefined
  }

  #disconnect(): void {
    this.#cancelConnect()
    this.#publisher.cut()
    for (const consumer of this.#consumers) {
      consumer.detach()
      if (consumer.cancelled) this.#consumers.delete(consumer)
    }
    for (const listener of this.#own) this.#deleteOwn(listener)
  }

  #deleteOwn(listener: MemoryListener): void {
    const queue = listener.detach()
    if (queue) this.#server.deleteQueue(queue.name)
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
