import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib'
import { AckWindow } from './ack-window.ts'
import { seenExchange } from './amqp-direct.ts'
import { closeChannel, isEnded } from './amqp-ended.ts'
import { answered } from './amqp-goodbye.ts'
import { ClosedError, type ConsumeOptions, type Consumer, type Delivery, type Received } from './broker.ts'
import { batchWrites } from './write-batching.ts'

type Session = {
  readonly channel: Channel
  readonly window: AckWindow<ConsumeMessage>
  tag: string
}

type Connection = { readonly model: ChannelModel; readonly onLost: (reason: string) => void }

/**
 * One consumer of one queue, on a channel of its own that is made anew on each connection. Acks of one turn of the event loop
 * are sent together.
 */
export class AmqpConsumer implements Consumer {
  readonly #queue: string
  readonly #tag: string | undefined
  readonly #onDelivery: (delivery: Delivery) => void
  #prefetch: number
  #connection: Connection | undefined
  /** The one that consumes. */
  #session: Session | undefined
  /** With those that it took over from: they are closed when they hold nothing, by the next change or with the connection. */
  readonly #sessions = new Set<Session>()
  #cancelled = false
  #changing: Promise<void> = Promise.resolve()
  #onAttached: () => void = () => undefined
  #onClosed: (error: Error) => void = () => undefined
  /** Resolves when the broker has accepted this consumer for the first time; rejects when it is closed before. */
  readonly attached = new Promise<void>((resolve, reject) => {
    this.#onAttached = resolve
    this.#onClosed = reject
  })

  constructor(queue: string, { prefetch, tag }: ConsumeOptions, onDelivery: (delivery: Delivery) => void) {
    this.#queue = queue
    this.#tag = tag
    this.#prefetch = prefetch
    this.#onDelivery = onDelivery
    // Whoever consumes awaits it; a consumer that nobody waits for must not end the process.
    this.attached.catch(() => undefined)
  }

  /** Starts consuming on a new connection. `onLost` is called when the channel ends without having been asked to. */
  async attach(model: ChannelModel, onLost: (reason: string) => void): Promise<void> {
    if (this.#cancelled) return
    const connection = { model, onLost }
    this.#connection = connection
    // As a change under way: another one, or a cancel, waits for the consumer to have its tag.
    this.#changing = this.#subscribe(connection)
    await this.#changing
    this.#onAttached()
  }

  cancel(): Promise<void> {
    return answered(this.#connection?.model, this.#cancel())
  }

  async #cancel(): Promise<void> {
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

  /**
   * RabbitMQ applies a prefetch to consumers that start after it: so this one starts again. On another channel, because a quorum queue
   * ends the connection (541) when a tag comes again on a channel that holds deliveries of it.
   */
  async #restart(): Promise<void> {
    const session = this.#session
    if (!session || !this.#connection || this.#cancelled) return
    // Not those that were settled just now: a quorum queue may not have the last acks, and they would be lost with the channel.
    for (const other of this.#sessions) if (other !== session && other.window.isEmpty) await closeChannel(other.channel)
    await session.channel.cancel(session.tag)
    await this.#subscribe(this.#connection)
  }

  /** Sends the last acks and closes the channel; closing only the connection would lose them. */
  async close(): Promise<void> {
    this.#cancelled = true
    this.#onClosed(new ClosedError('The bus was closed before the consumer was accepted.'))
    for (const { window, channel } of this.#sessions) {
      window.flush()
      await closeChannel(channel)
    }
  }

  async #subscribe({ model, onLost }: Connection): Promise<void> {
    const channel = await model.createChannel()
    const afterWrite = batchWrites(model)
    const window = new AckWindow<ConsumeMessage>((message, multiple) =>
      settleOn(window, () => {
        channel.ack(message, multiple)
        afterWrite()
      }),
    )
    const session = { channel, window, tag: '' }
    channel.on('error', (error) => onLost(error.message))
    channel.on('close', () => {
      window.close()
      this.#sessions.delete(session)
      if (this.#session === session) this.#session = undefined
    })
    this.#sessions.add(session)
    try {
      await channel.prefetch(this.#prefetch)
    } catch (error) {
      // One that ended before anybody listened to it never tells so, and would be in the way of every later change.
      this.#sessions.delete(session)
      throw error
    }
    if (this.#cancelled) return
    this.#session = session
    const take = (message: ConsumeMessage | null) => {
      if (message === null) onLost(`the broker cancelled the consumer of ${this.#queue}`)
      else this.#onDelivery(new AmqpDelivery(message, session))
    }
    const { consumerTag } = await channel.consume(
      this.#queue,
      take,
      this.#tag === undefined ? {} : { consumerTag: this.#tag },
    )
    session.tag = consumerTag
    // Cancelled while the broker was making it: `cancel` could not name it.
    if (this.#cancelled) await channel.cancel(consumerTag)
  }
}

class AmqpDelivery implements Delivery {
  readonly message: Received
  readonly redelivered: boolean
  readonly returns: number
  readonly #raw: ConsumeMessage
  readonly #session: Session

  constructor(raw: ConsumeMessage, session: Session) {
    this.#raw = raw
    this.#session = session
    this.message = receivedFrom(raw)
    this.redelivered = raw.fields.redelivered
    const count: unknown = this.message.properties.headers['x-delivery-count']
    // On a first delivery the header can only be a stranger's.
    this.returns = this.redelivered && typeof count === 'number' ? count : 0
    session.window.delivered(raw.fields.deliveryTag, raw)
  }

  get lost(): boolean {
    return this.#session.window.closed
  }

  ack(): void {
    this.#session.window.ack(this.#raw.fields.deliveryTag)
  }

  requeue(): void {
    const { window, channel } = this.#session
    const raw = window.release(this.#raw.fields.deliveryTag)
    if (raw) settleOn(window, () => channel.nack(raw, false, true))
  }
}

/** A channel on its way out throws at whoever still settles on it: that ends the window, and the broker redelivers. */
export function settleOn(window: { close(): void }, settle: () => void): void {
  try {
    settle()
  } catch (error) {
    if (!isEnded(error)) throw error
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
  return { exchange: seenExchange(fields.exchange), key: fields.routingKey, body: content, properties: known }
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
