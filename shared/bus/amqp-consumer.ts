import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib'
import { AckWindow } from './ack-window.ts'
import { ClosedError, type Consumer, type Delivery, type Received } from './broker.ts'
import { batchWrites } from './write-batching.ts'

/**
 * One consumer of one queue, on a channel of its own that is made anew on each connection. Acks of one turn of the event loop
 * are sent together.
 */
export class AmqpConsumer implements Consumer {
  readonly #queue: string
  readonly #onDelivery: (delivery: Delivery) => void
  #prefetch: number
  #session: { readonly channel: Channel; readonly window: AckWindow<ConsumeMessage>; tag: string } | undefined
  #cancelled = false
  #changing: Promise<void> = Promise.resolve()
  #onAttached: () => void = () => undefined
  #onClosed: (error: Error) => void = () => undefined
  /** Resolves when the broker has accepted this consumer for the first time; rejects when it is closed before. */
  readonly attached = new Promise<void>((resolve, reject) => {
    this.#onAttached = resolve
    this.#onClosed = reject
  })

  constructor(queue: string, prefetch: number, onDelivery: (delivery: Delivery) => void) {
    this.#queue = queue
    this.#prefetch = prefetch
    this.#onDelivery = onDelivery
    // Whoever consumes awaits it; a consumer that nobody waits for must not end the process.
    this.attached.catch(() => undefined)
  }

  /** Starts consuming on a new connection. `onLost` is called when the channel ends without having been asked to. */
  async attach(model: ChannelModel, onLost: (reason: string) => void): Promise<void> {
    if (this.#cancelled) return
    const channel = await model.createChannel()
    const afterWrite = batchWrites(model)
    const window = new AckWindow<ConsumeMessage>((message, multiple) =>
      settleOn(window, () => {
        channel.ack(message, multiple)
        afterWrite()
      }),
    )
    channel.on('error', (error) => onLost(error.message))
    channel.on('close', () => {
      window.close()
      if (this.#session?.channel === channel) this.#session = undefined
    })
    await channel.prefetch(this.#prefetch)
    this.#session = { channel, window, tag: '' }
    // As a change under way: another one, or a cancel, waits for the consumer to have its tag.
    this.#changing = this.#subscribe(onLost)
    await this.#changing
    this.#onAttached()
  }

  async cancel(): Promise<void> {
    this.#cancelled = true
    // A change under way may have asked for a consumer that has no tag yet. Whoever made the change hears of its failure.
    await this.#changing.catch(() => undefined)
    const session = this.#session
    try {
      await session?.channel.cancel(session.tag)
    } catch (error) {
      // A channel that ended meanwhile has no consumer any more.
      if (session && !session.window.closed) throw error
    }
  }

  setPrefetch(prefetch: number): Promise<void> {
    this.#prefetch = prefetch
    this.#changing = this.#changing.catch(() => undefined).then(() => this.#restart())
    return this.#changing
  }

  /** RabbitMQ applies a prefetch to consumers that start after it: so this one starts again. */
  async #restart(): Promise<void> {
    if (!this.#session || this.#cancelled) return
    await this.#session.channel.cancel(this.#session.tag)
    await this.#session.channel.prefetch(this.#prefetch)
    await this.#subscribe(this.#lost)
  }

  /** Sends the last acks and closes the channel; closing only the connection would lose them. */
  async close(): Promise<void> {
    this.#cancelled = true
    this.#onClosed(new ClosedError('The bus was closed before the consumer was accepted.'))
    this.#session?.window.flush()
    await this.#session?.channel.close()
  }

  #lost: (reason: string) => void = () => undefined

  async #subscribe(onLost: (reason: string) => void): Promise<void> {
    this.#lost = onLost
    const session = this.#session
    if (!session || this.#cancelled) return
    const { consumerTag } = await session.channel.consume(this.#queue, (message) => {
      if (message === null) onLost(`the broker cancelled the consumer of ${this.#queue}`)
      else this.#onDelivery(new AmqpDelivery(message, session.channel, session.window))
    })
    session.tag = consumerTag
    // Cancelled while the broker was making it: `cancel` could not name it.
    if (this.#cancelled) await session.channel.cancel(consumerTag)
  }
}

class AmqpDelivery implements Delivery {
  readonly message: Received
  readonly redelivered: boolean
  readonly returns: number
  readonly #raw: ConsumeMessage
  readonly #channel: Channel
  readonly #window: AckWindow<ConsumeMessage>

  constructor(raw: ConsumeMessage, channel: Channel, window: AckWindow<ConsumeMessage>) {
    this.#raw = raw
    this.#channel = channel
    this.#window = window
    this.message = receivedFrom(raw)
    this.redelivered = raw.fields.redelivered
    const count: unknown = this.message.properties.headers['x-delivery-count']
    // On a first delivery the header can only be a stranger's.
    this.returns = this.redelivered && typeof count === 'number' ? count : 0
    window.delivered(raw.fields.deliveryTag, raw)
  }

  get lost(): boolean {
    return this.#window.closed
  }

  ack(): void {
    this.#window.ack(this.#raw.fields.deliveryTag)
  }

  requeue(): void {
    const raw = this.#window.release(this.#raw.fields.deliveryTag)
    if (raw) settleOn(this.#window, () => this.#channel.nack(raw, false, true))
  }
}

/** A channel on its way out throws at whoever still settles on it: that ends the window, and the broker redelivers. */
function settleOn(window: AckWindow<ConsumeMessage>, settle: () => void): void {
  try {
    settle()
  } catch (error) {
    if (!(error instanceof Error && error.name === 'IllegalOperationError')) throw error
    window.close()
  }
}

/** A message as amqplib has it, in our words. Built field by field: seven spreads per message were the most expensive part of receiving one (docs/performance.md). */
export function receivedFrom({ fields, properties, content }: ConsumeMessage): Received {
  const known: Mutable<Received['properties']> = { headers: properties.headers ?? {} }
  for (const name of TEXT_PROPERTIES) {
    const value: unknown = properties[name]
    if (typeof value === 'string') known[name] = value
  }
  const timestamp: unknown = properties.timestamp
  if (typeof timestamp === 'number') known.timestamp = timestamp
  return { exchange: fields.exchange, key: fields.routingKey, body: content, properties: known }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }
const TEXT_PROPERTIES = [
  'messageId',
  'type',
  'correlationId',
  'replyTo',
  'appId',
  'contentType',
  'contentEncoding',
] as const
