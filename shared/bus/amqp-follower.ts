import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib'
import { receivedFrom, settleOn } from './amqp-consumer.ts'
import { closeChannel, isEnded } from './amqp-ended.ts'
import { isMarker, StreamEnd } from './amqp-stream-end.ts'
import { ClosedError, type Follower, type Received } from './broker.ts'

/** On the way at once: 5,000 records are read in 280 ms. */
const PREFETCH = 500
/** One ack for so many: the stream sends more long before it has run out of credit. */
const ACK_EVERY = 100
/** Or after so long: RabbitMQ closes a channel with a delivery that nobody has acked for half an hour, also one of a stream. */
const ACK_MS_MAX = 1_000

type Options = {
  readonly stream: string
  readonly onMessage: (message: Received) => void
  /** Called when it is read from its first message, before that one. */
  readonly onBegin?: (() => void) | undefined
  /** Writes the marker by which the end of the stream is known. */
  readonly mark: (end: StreamEnd) => Promise<void>
  /** Called when it is stopped. */
  readonly onStopped: (follower: AmqpFollower) => void
}

/** One reader of one stream, on a channel of its own that is made anew on each connection, and reads from the first message then. */
export class AmqpFollower implements Follower {
  readonly #options: Options
  #channel: Channel | undefined
  #end: StreamEnd | undefined
  #stopped = false
  #onAttached: () => void = () => undefined
  #onClosed: (error: Error) => void = () => undefined
  /** Resolves when the end was reached for the first time; rejects when this is closed before. */
  readonly attached = new Promise<void>((resolve, reject) => {
    this.#onAttached = resolve
    this.#onClosed = reject
  })

  constructor(options: Options) {
    this.#options = options
    // Whoever follows awaits it; a follower that nobody waits for must not end the process.
    this.attached.catch(() => undefined)
  }

  /**
   * Reads on a new connection, and resolves at the end of the stream; rejects when it cannot be read. `onLost` is called when the channel
   * ends without having been asked to.
   */
  async attach(model: ChannelModel, onLost: (reason: string) => void): Promise<void> {
    if (this.#stopped) return
    const end = new StreamEnd(this.#options.stream)
    this.#end = end
    try {
      const channel = await model.createChannel()
      const acks = new StreamAcks(channel)
      channel.on('error', (error) => onLost(error.message))
      channel.on('close', () => {
        if (this.#channel === channel) this.#channel = undefined
        acks.close()
        end.fail(new Error(`The channel that reads ${this.#options.stream} was closed.`))
      })
      this.#channel = channel
      this.#options.onBegin?.()
      await this.#read(channel, { end, acks, onLost })
      this.#options.mark(end).catch((error: Error) => end.fail(error))
      await end.reached
    } catch (error) {
      // Stopped meanwhile: then there is nothing to read, and the connection goes on.
      if (!this.#stopped) throw error
    } finally {
      end.close()
    }
    if (!this.#stopped) this.#onAttached()
  }

  async stop(): Promise<void> {
    await this.close()
    this.#options.onStopped(this)
  }

  async close(): Promise<void> {
    this.#stopped = true
    this.#onClosed(new ClosedError('The bus was closed before the stream was read.'))
    this.#end?.leave()
    const channel = this.#channel
    this.#channel = undefined
    try {
      if (channel) await closeChannel(channel)
    } catch (error) {
      // A channel that ended meanwhile, with its connection or by itself, reads nothing any more.
      if (!isEnded(error)) throw error
    }
  }

  async #read(channel: Channel, { end, acks, onLost }: Reading): Promise<void> {
    const { stream, onMessage } = this.#options
    const take = (raw: ConsumeMessage | null) => {
      if (raw === null) return onLost(`the broker ended the reading of ${stream}`)
      const message = receivedFrom(raw)
      if (!this.#stopped && !isMarker(message)) onMessage(message)
      end.saw(message)
      acks.add(raw)
    }
    await channel.prefetch(PREFETCH)
    await channel.consume(stream, take, { arguments: { 'x-stream-offset': 'first' } })
  }
}

type Reading = {
  readonly end: StreamEnd
  readonly acks: StreamAcks
  readonly onLost: (reason: string) => void
}

/** Acks the deliveries of one channel, many at a time, and none much later than it came. */
class StreamAcks {
  readonly #channel: Channel
  #last: ConsumeMessage | undefined
  #unacked = 0
  #timer: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(channel: Channel) {
    this.#channel = channel
  }

  add(raw: ConsumeMessage): void {
    if (this.#isClosed) return
    this.#last = raw
    this.#unacked += 1
    if (this.#unacked >= ACK_EVERY) this.#send(raw)
    else this.#timer ??= setTimeout(() => this.#last && this.#send(this.#last), ACK_MS_MAX)
  }

  /** The channel is gone, and with it what was not acked. */
  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
  }

  #send(last: ConsumeMessage): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#unacked = 0
    settleOn(this, () => this.#channel.ack(last, true))
  }
}
