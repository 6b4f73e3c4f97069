import { z } from 'zod'
import { vhostIn } from '../../shared/service/amqp-urls.ts'
import { NotDoneError } from '../cli/exit-code.ts'

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
export type Found = {
  readonly exchanges: readonly FoundExchange[]
  readonly queues: readonly FoundQueue[]
  /** Without those of the default exchange, which every queue has. */
  readonly bindings: readonly FoundBinding[]
  /** Names of those who consume a queue, by its name. */
  readonly consumers: ReadonlyMap<string, readonly string[]>
}

const ANSWER_MS_MAX = 30_000

/** Looks at a broker. Every look throws NotDoneError when the management API cannot be asked. */
export class BrokerLook {
  readonly #managementUrl: string
  readonly #vhost: string

  constructor({ amqpUrl, managementUrl }: { amqpUrl: string; managementUrl: string }) {
    this.#managementUrl = managementUrl
    this.#vhost = encodeURIComponent(vhostIn(amqpUrl))
  }

  async all(): Promise<Found> {
    const [exchanges, queues, bindings, consumers] = await Promise.all([
      this.#ask(exchangesSchema, `exchanges/${this.#vhost}`),
      this.#ask(z.array(queueSchema), `queues/${this.#vhost}`),
      this.#ask(z.array(bindingSchema), `bindings/${this.#vhost}`),
      this.#consumers(),
    ])
    return {
      exchanges: exchanges ?? [],
      queues: queues ?? [],
      bindings: (bindings ?? []).filter(({ source }) => source !== ''),
      consumers,
    }
  }

  /** Messages that consumers hold, or that are dead-lettered and not yet where they go. */
  async unsettled(queue: string): Promise<number> {
    return (await this.#ask(queueSchema, this.#pathOf(queue)))?.unsettled ?? 0
  }

  async bindingsTo(queue: string): Promise<readonly FoundBinding[]> {
    const bindings = (await this.#ask(z.array(bindingSchema), `${this.#pathOf(queue)}/bindings`)) ?? []
    return bindings.filter(({ source }) => source !== '')
  }

  async consumersOf(queue: string): Promise<readonly string[]> {
    return (await this.#consumers()).get(queue) ?? []
  }

  /** What stands in the arguments of a queue under this name. */
  async argumentOf(queue: string, name: string): Promise<string | undefined> {
    const found = await this.#ask(z.object({ arguments: argumentsSchema }), this.#pathOf(queue))
    return found?.arguments[name]?.toString()
  }

  async #consumers(): Promise<Found['consumers']> {
    const names = new Map<string, string[]>()
    for (const { consumer_tag, queue, channel_details } of (await this.#ask(
      consumersSchema,
      `consumers/${this.#vhost}`,
    )) ?? []) {
      const who = consumer_tag.startsWith('amq.ctag') ? (channel_details.connection_name ?? consumer_tag) : consumer_tag
      names.set(queue.name, [...(names.get(queue.name) ?? []), who])
    }
    return names
  }

  #pathOf(queue: string): string {
    return `queues/${this.#vhost}/${encodeURIComponent(queue)}`
  }

  /** Undefined when there is no such thing. */
  async #ask<T extends z.ZodType>(schema: T, path: string): Promise<z.output<T> | undefined> {
    const { origin, username, password, pathname } = new URL(this.#managementUrl)
    const user = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')
    try {
      const response = await fetch(`${origin}${pathname.replace(/\/$/, '')}/api/${path}`, {
        headers: { authorization: `Basic ${user}` },
        signal: AbortSignal.timeout(ANSWER_MS_MAX),
      })
      if (response.status === 404) return undefined
      if (!response.ok) throw new Error(`it answered ${response.status}`)
      return schema.parse(await response.json())
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      throw new NotDoneError(
        `The management API at ${origin} cannot be asked (${why}). EBS_AMQP_MANAGEMENT_URL says where it is.`,
        { cause: error },
      )
    }
  }
}
