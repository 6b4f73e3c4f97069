import type { Plan } from '../topology.ts'
import type { MemoryQueue } from './memory-queue.ts'
import type { MemoryStream } from './memory-stream.ts'
import { topicMatches } from './topic-match.ts'

type Exchange = Plan['exchanges'][number]
type Binding = Plan['bindings'][number]
/** What a message may be routed to. */
type Destination = MemoryQueue | MemoryStream

/** Delays make many different keys; beyond this many, what is remembered is forgotten and worked out again. */
const REMEMBERED_ROUTES_MAX = 10_000

/** Exchanges, queues and bindings of the in-memory broker, and where a message goes. */
export class MemoryRoutes {
  readonly exchanges = new Map<string, Exchange>()
  readonly queues = new Map<string, Destination>()
  readonly #bindings = new Map<string, Binding>()
  readonly #bySource = new Map<string, Binding[]>()
  readonly #remembered = new Map<string, readonly Destination[]>()

  addExchange(exchange: Exchange): void {
    this.exchanges.set(exchange.name, exchange)
    this.#remembered.clear()
  }

  addQueue(queue: Destination): void {
    this.queues.set(queue.name, queue)
    this.#remembered.clear()
  }

  /** @throws Error when either end is not there */
  bind(binding: Binding): void {
    const ends = binding.to === 'queue' ? this.queues : this.exchanges
    if (!this.exchanges.has(binding.source) || !ends.has(binding.destination))
      throw new Error(
        `There is nothing to bind: '${binding.source}' to ${binding.to} '${binding.destination}'. Declare both before.`,
      )
    const id = JSON.stringify(binding)
    // Every connection declares all of them again.
    if (this.#bindings.has(id)) return
    this.#bindings.set(id, binding)
    this.#index(binding)
    this.#remembered.clear()
  }

  /** Removes a queue and every binding to it. */
  deleteQueue(name: string): void {
    this.queues.delete(name)
    for (const [id, { to, destination }] of this.#bindings)
      if (to === 'queue' && destination === name) this.#bindings.delete(id)
    this.#reindex()
  }

  /** The queues that get one copy each; undefined when there is no such exchange. */
  route(exchange: string, key: string): readonly Destination[] | undefined {
    if (exchange === '') return [this.queues.get(key)].filter((queue) => queue !== undefined)
    if (!this.exchanges.has(exchange)) return undefined
    const id = JSON.stringify([exchange, key])
    const known = this.#remembered.get(id)
    if (known) return known
    if (this.#remembered.size >= REMEMBERED_ROUTES_MAX) this.#remembered.clear()
    const found = [...this.#walk(exchange, key)]
    this.#remembered.set(id, found)
    return found
  }

  /** From exchange to exchange, each visited once; one whose bindings all say no hands over to its alternate exchange. */
  #walk(start: string, key: string): Set<Destination> {
    const found = new Set<Destination>()
    const visited = new Set([start])
    for (const name of visited) {
      const exchange = this.exchanges.get(name)
      if (!exchange) continue
      const matching = (this.#bySource.get(name) ?? []).filter(
        (binding) => exchange.type === 'fanout' || topicMatches(binding.key, key),
      )
      for (const { to, destination } of matching) {
        const queue = to === 'queue' ? this.queues.get(destination) : undefined
        if (queue) found.add(queue)
        else visited.add(destination)
      }
      const alternate = exchange.arguments['alternate-exchange']
      if (matching.length === 0 && typeof alternate === 'string') visited.add(alternate)
    }
    return found
  }

  #reindex(): void {
    this.#remembered.clear()
    this.#bySource.clear()
    for (const binding of this.#bindings.values()) this.#index(binding)
  }

  #index(binding: Binding): void {
    const bindings = this.#bySource.get(binding.source)
    if (bindings) bindings.push(binding)
    else this.#bySource.set(binding.source, [binding])
  }
}
