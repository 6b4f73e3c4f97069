import { z } from 'zod'
import { Management } from './management.ts'

/** What a broker holds, as its management API tells it. Numbers of messages are some 5 s old, everything else is as it is now. */

const valueSchema = z.union([z.string(), z.number(), z.boolean()])
const argumentsSchema = z.record(z.string(), z.unknown()).transform((all) => {
  const known: Record<string, string | number | boolean> = {}
  for (const [name, value] of Object.entries(all))
    known[name] = valueSchema.safeParse(value).data ?? JSON.stringify(value)
  return known
})
const count = z.number().default(0)

const exchangesSchema = z.array(
  z.object({
    ...{ name: z.string(), type: z.string(), durable: z.boolean(), internal: z.boolean() },
    arguments: argumentsSchema,
  }),
)
const queueSchema = z
  .object({
    name: z.string(),
    /** Of a queue that was declared this moment nothing more is known. */
    type: z.string().default('classic'),
    durable: z.boolean(),
    auto_delete: z.boolean(),
    exclusive: z.boolean().default(false),
    arguments: argumentsSchema,
    messages: count,
    messages_unacknowledged: count,
    messages_dlx: count,
  })
  .transform(({ auto_delete, messages_unacknowledged, messages_dlx, ...queue }) => ({
    ...queue,
    isAutoDelete: auto_delete,
    /** Held by consumers, or dead-lettered and not yet where they go. */
    unsettled: messages_unacknowledged + messages_dlx,
  }))
const policedSchema = z.object({
  /** Missing while the broker has not yet looked: up to five seconds. Some versions write "none" as a list. */
  effective_policy_definition: z
    .union([z.record(z.string(), z.unknown()), z.array(z.unknown()).transform(() => ({}))])
    .optional(),
})
const nodesSchema = z.array(
  z.object({ name: z.string(), mem_alarm: z.boolean().default(false), disk_free_alarm: z.boolean().default(false) }),
)
const bindingSchema = z
  .object({
    source: z.string(),
    destination: z.string(),
    destination_type: z.enum(['queue', 'exchange']),
    routing_key: z.string(),
    arguments: z.record(z.string(), z.unknown()),
  })
  .transform(({ destination_type, routing_key, ...binding }) => ({
    ...binding,
    to: destination_type,
    key: routing_key,
  }))
const consumersSchema = z.array(
  z.object({
    consumer_tag: z.string(),
    queue: z.object({ name: z.string() }),
    // An empty list when the channel is just ending.
    channel_details: z.object({ connection_name: z.string().optional() }).catch({}),
  }),
)

export type FoundExchange = z.output<typeof exchangesSchema>[number]
export type FoundQueue = z.output<typeof queueSchema>
export type FoundBinding = z.output<typeof bindingSchema>
/** What is declared. */
export type Declared = {
  readonly exchanges: readonly FoundExchange[]
  readonly queues: readonly FoundQueue[]
  /** Without those of the default exchange, which every queue has. */
  readonly bindings: readonly FoundBinding[]
}
export type Found = Declared & {
  /** Names of those who consume a queue, by its name. */
  readonly consumers: ReadonlyMap<string, readonly string[]>
}

/** To list all consumers is work for a broker: those who ask at once share one answer. */
const SHARED_MS = 1_000

/** Looks at a broker. Every look throws NotDoneError when the management API cannot be asked. */
export class BrokerLook {
  readonly #management: Management
  #shared: { readonly atMs: number; readonly consumers: Promise<Found['consumers']> } | undefined

  constructor(urls: { amqpUrl: string; managementUrl: string }) {
    this.#management = new Management(urls)
  }

  async all(): Promise<Found> {
    const [declared, consumers] = await Promise.all([this.declared(), this.#consumers()])
    return { ...declared, consumers }
  }

  async declared(): Promise<Declared> {
    const [exchanges, queues, bindings] = await Promise.all([
      this.#management.list(exchangesSchema, 'exchanges'),
      this.#management.list(z.array(queueSchema), 'queues'),
      this.#management.list(z.array(bindingSchema), 'bindings'),
    ])
    return { exchanges, queues, bindings: bindings.filter(({ source }) => source !== '') }
  }

  /** Messages that consumers hold, or that are dead-lettered and not yet where they go. */
  async unsettled(queue: string): Promise<number> {
    return (await this.#find(queueSchema, queue))?.unsettled ?? 0
  }

  async bindingsTo(queue: string): Promise<readonly FoundBinding[]> {
    const bindings = (await this.#find(z.array(bindingSchema), queue, '/bindings')) ?? []
    return bindings.filter(({ source }) => source !== '')
  }

  /** At most a second old. */
  async consumersOf(queue: string): Promise<readonly string[]> {
    const nowMs = performance.now()
    if (!this.#shared || nowMs - this.#shared.atMs > SHARED_MS)
      this.#shared = { atMs: nowMs, consumers: this.#consumers() }
    return (await this.#shared.consumers).get(queue) ?? []
  }

  /** What stands in the arguments of a queue under this name. */
  async argumentOf(queue: string, name: string): Promise<string | undefined> {
    const found = await this.#find(z.object({ arguments: argumentsSchema }), queue)
    return found?.arguments[name]?.toString()
  }

  /** What policies make of a queue; undefined while the broker does not say, which it does some 5 s after a queue was declared. */
  async policyOf(queue: string): Promise<Readonly<Record<string, unknown>> | undefined> {
    const lists = await Promise.all(
      ['policies', 'operator-policies'].map((kind) =>
        this.#management.listIfAllowed(z.array(z.unknown()), kind, { inVhost: true }),
      ),
    )
    // Then nobody has to wait.
    if (lists.every((list) => list?.length === 0)) return {}
    return (await this.#find(policedSchema, queue))?.effective_policy_definition
  }

  /** Why a broker takes no messages, by node; nothing for a user who may not see nodes. */
  async alarms(): Promise<readonly string[]> {
    const nodes = (await this.#management.listIfAllowed(nodesSchema, 'nodes', { inVhost: false })) ?? []
    return nodes.flatMap(({ name, mem_alarm, disk_free_alarm }) => [
      ...(mem_alarm ? [`${name} has too little memory`] : []),
      ...(disk_free_alarm ? [`${name} has too little disk`] : []),
    ])
  }

  async #consumers(): Promise<Found['consumers']> {
    const names = new Map<string, string[]>()
    const found = await this.#management.list(consumersSchema, 'consumers')
    for (const { consumer_tag, queue, channel_details } of found) {
      const who = consumer_tag.startsWith('amq.ctag') ? (channel_details.connection_name ?? consumer_tag) : consumer_tag
      names.set(queue.name, [...(names.get(queue.name) ?? []), who])
    }
    return names
  }

  #find<T extends z.ZodType>(schema: T, queue: string, below = ''): Promise<z.output<T> | undefined> {
    return this.#management.find(schema, 'queues', `${encodeURIComponent(queue)}${below}`)
  }
}
