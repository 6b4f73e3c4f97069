import { type Clock, systemClock } from '../clock.ts'
import type { Plan } from '../topology.ts'
import {
  type Broker,
  type ConnectOptions,
  type Message,
  NewerTopologyError,
  type Received,
  TopologyDriftError,
} from './broker.ts'
import { versionOf } from './declared-plans.ts'
import { afterDeath, isCycle } from './memory-death.ts'
import { driftsOf } from './memory-drift.ts'
import { MemoryLink } from './memory-link.ts'
import { type DeathReason, type Entry, MemoryQueue } from './memory-queue.ts'
import { MemoryRoutes } from './memory-routes.ts'
import type { Server } from './memory-server.ts'
import { MemoryStream } from './memory-stream.ts'

/**
 * A broker inside this process, with what ebs relies on in RabbitMQ: topic and fanout exchanges, alternate exchanges, TTL and
 * dead-lettering with cycle detection, delivery limits, single active consumers, prefetch, confirms and redelivery. The
 * contract suite holds both to the same promises. Nothing survives the process. With a virtual clock it is deterministic.
 *
 * What services use is `connect`; the rest is for operators: tests, and people who play.
 */
export class MemoryBroker {
  readonly #clock: Clock
  readonly #routes = new MemoryRoutes()
  readonly #links = new Set<MemoryLink>()
  readonly #server: Server
  readonly #status = { running: true, blocked: false }

  constructor({ clock = systemClock }: { readonly clock?: Clock } = {}) {
    this.#clock = clock
    this.#server = {
      clock,
      status: this.#status,
      declare: (plan, isStart) => this.#declare(plan, isStart),
      accept: (message) => this.#accept(message),
      findQueue: (name, link) => {
        const queue = this.#routes.queues.get(name)
        return queue?.owner === undefined || queue.owner === link ? queue : undefined
      },
      declareOwn: (name, owner) => this.#declareOwn(name, owner),
      deleteQueue: (name) => this.deleteQueue(name),
      forget: (link) => this.#links.delete(link),
    }
  }

  /** Connects a service: in a later tick, or as soon as the broker runs. */
  connect(options: ConnectOptions): Broker {
    const link = new MemoryLink(this.#server, options)
    this.#links.add(link)
    return link
  }

  /** The connections of a service are lost: what it has not settled comes back, and it connects again by itself. */
  cut(service: string): void {
    for (const link of this.#links) if (link.service === service) link.cut()
  }

  /** Every connection is lost at once; topology and messages stay. */
  restart(): void {
    for (const link of this.#links) link.cut()
  }

  /** Nobody can connect until `start`. Messages whose time runs out meanwhile expire then. */
  stop(): void {
    this.#status.running = false
    this.restart()
    for (const queue of this.#routes.queues.values()) queue.pause()
  }

  start(): void {
    this.#status.running = true
    for (const queue of this.#routes.queues.values()) queue.wake()
  }

  /** Raises the memory alarm: deliveries go on, publishes wait. */
  block(): void {
    this.#setAlarm(true)
  }

  unblock(): void {
    this.#setAlarm(false)
  }

  /** Deletes a queue with its messages and bindings; its consumers lose their connection. */
  deleteQueue(name: string): void {
    const queue = this.#routes.queues.get(name)
    this.#routes.deleteQueue(name)
    queue?.destroy()
  }

  /** Messages in a queue or stream, unsettled ones too; 0 when there is no such queue. */
  depth(name: string): number {
    const queue = this.#routes.queues.get(name)
    return queue ? queue.ready + queue.unsettled : 0
  }

  /** Nothing is on its way: every publish is confirmed, every delivery settled, no queue with a consumer holds any, and streams are read. */
  isIdle(): boolean {
    const queues = [...this.#routes.queues.values()]
    return [...this.#links].every(({ pending }) => pending === 0) && queues.every(({ isIdle }) => isIdle)
  }

  #setAlarm(blocked: boolean): void {
    this.#status.blocked = blocked
    for (const link of this.#links) link.followAlarm()
  }

  #declare(plan: Plan, isStart: boolean): void {
    const { exchanges, queues } = this.#routes
    const [found, known] = [versionOf({ exchanges: [...exchanges.values()] }) ?? 0, versionOf(plan)]
    if (isStart && known !== undefined && found > known) throw new NewerTopologyError({ found, known })
    const drifts = driftsOf(plan, this.#routes)
    if (drifts.length > 0) throw new TopologyDriftError(drifts)
    for (const exchange of plan.exchanges) if (!exchanges.has(exchange.name)) this.#routes.addExchange(exchange)
    for (const queue of plan.queues) if (!queues.has(queue.name)) this.#addDeclared(queue)
    for (const binding of plan.bindings) this.#routes.bind(binding)
  }

  #declareOwn(name: string, owner: MemoryLink): MemoryQueue | undefined {
    if (this.#routes.queues.has(name)) return undefined
    return this.#addQueue({ name, arguments: { 'x-queue-type': 'classic' } }, owner)
  }

  #addDeclared(declared: Plan['queues'][number]): void {
    if (declared.arguments['x-queue-type'] === 'stream') this.#routes.addQueue(new MemoryStream(declared))
    else this.#addQueue(declared)
  }

  #addQueue(declared: Plan['queues'][number], owner?: MemoryLink): MemoryQueue {
    const queue = new MemoryQueue(declared, {
      clock: this.#clock,
      onDead: (from, entry, reason) => this.#deadLetter(from, { entry, reason }),
      ...(owner && { owner }),
    })
    this.#routes.addQueue(queue)
    return queue
  }

  #accept({ exchange, key, body, properties }: Message): number | undefined {
    const queues = this.#routes.route(exchange, key)
    const message = { exchange, key, body, properties: { ...properties, headers: properties.headers ?? {} } }
    for (const queue of queues ?? []) queue.put(message)
    return queues?.length
  }

  /** Without a dead-letter exchange, or with one that leads nowhere, the message is gone, as in RabbitMQ. */
  #deadLetter(from: MemoryQueue, { entry, reason }: { readonly entry: Entry; readonly reason: DeathReason }): void {
    const { 'x-dead-letter-exchange': exchange, 'x-dead-letter-routing-key': newKey } = from.arguments
    if (typeof exchange !== 'string') return
    const key = typeof newKey === 'string' ? newKey : entry.message.key
    const died = afterDeath(entry.message, { queue: from.name, reason, timeMs: this.#clock.now() })
    const message: Received = { ...died, exchange, key }
    for (const queue of this.#routes.route(exchange, key) ?? []) if (!isCycle(died, queue.name)) queue.put(message)
  }
}
