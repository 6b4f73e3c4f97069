import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib'
import type { Logger } from 'pino'
import { directBinding } from '../topology.ts'
import { receivedFrom } from './amqp-consumer.ts'
import { closeChannel, isEnded } from './amqp-ended.ts'
import { ClosedError, type Listener, type Received } from './broker.ts'

/** Until the broker has noticed that an earlier connection of ours is gone, the queue is locked: two heartbeats at most. */
const AGAIN_MS = 500

type Options = {
  readonly queue: string
  readonly onMessage: (message: Received) => void
  readonly log: Logger | undefined
  /** Called when it is stopped. */
  readonly onStopped: (listener: AmqpListener) => void
}

/**
 * A queue of this connection's own, on a channel of its own, declared anew on each connection. It never keeps the connection's
 * consumers waiting: what goes wrong here is tried again by itself.
 */
export class AmqpListener implements Listener {
  readonly #options: Options
  #model: ChannelModel | undefined
  #channel: Channel | undefined
  #again: NodeJS.Timeout | undefined
  #stopped = false
  #onAttached: () => void = () => undefined
  #onClosed: (error: Error) => void = () => undefined
  /** Resolves when the queue is there for the first time; rejects when this is closed before. */
  readonly attached = new Promise<void>((resolve, reject) => {
    this.#onAttached = resolve
    this.#onClosed = reject
  })

  constructor(options: Options) {
    this.#options = options
    // Whoever listens awaits it; a listener that nobody waits for must not end the process.
    this.attached.catch(() => undefined)
  }

  get isUp(): boolean {
    return this.#channel !== undefined
  }

  /** Declares the queue on a new connection and consumes it. Never rejects. */
  async attach(model: ChannelModel): Promise<void> {
    if (this.#stopped) return
    clearTimeout(this.#again)
    this.#model = model
    model.once('close', () => {
      if (this.#model === model) this.#model = undefined
    })
    await this.#listen(model)
  }

  /** The broker deletes the queue with its only consumer. */
  async stop(): Promise<void> {
    await this.close()
    this.#options.onStopped(this)
  }

  /** Closes the channel, and with it the consumer. */
  async close(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#again)
    this.#onClosed(new ClosedError('The bus was closed before the queue was declared.'))
    const channel = this.#channel
    this.#channel = undefined
    try {
      if (channel) await closeChannel(channel)
    } catch (error) {
      // A channel that ended meanwhile, with its connection or by itself, has no consumer any more.
      if (!isEnded(error)) throw error
    }
  }

  async #listen(model: ChannelModel): Promise<void> {
    const { queue, onMessage } = this.#options
    try {
      const channel = await model.createChannel()
      let isOpen = true
      channel.on('error', (error) => this.#listenLater(model, error))
      channel.on('close', () => {
        isOpen = false
        if (this.#channel === channel) this.#channel = undefined
        this.#listenLater(model)
      })
      const take = (message: ConsumeMessage | null) => {
        // The queue was deleted under us. Closing the channel makes everything anew.
        if (message === null) channel.close().catch((error: Error) => this.#listenLater(model, error))
        else onMessage(receivedFrom(message))
      }
      await channel.assertQueue(queue, OWN)
      const { source, key } = directBinding(queue)
      await channel.bindQueue(queue, source, key)
      await channel.consume(queue, take, { noAck: true })
      // It may have ended in the same breath, before we heard that it was accepted.
      if (!isOpen) return
      if (this.#stopped) return await closeChannel(channel)
      this.#channel = channel
      this.#onAttached()
    } catch (error) {
      this.#listenLater(model, error)
    }
  }

  /** Once more on the same connection. When that is gone, the next one attaches this. */
  #listenLater(model: ChannelModel, error?: unknown): void {
    if (this.#stopped || this.#model !== model) return
    this.#options.log?.debug(
      { err: error, queue: this.#options.queue },
      'a queue of our own is not there; trying again',
    )
    clearTimeout(this.#again)
    this.#again = setTimeout(() => this.#listen(model), AGAIN_MS)
  }
}

/** Classic: neither of the others can be exclusive. It lives as long as its consumer. */
const OWN = { exclusive: true, autoDelete: true, durable: false, arguments: { 'x-queue-type': 'classic' } }
