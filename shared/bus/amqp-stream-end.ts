import { randomUUID } from 'node:crypto'
import type { ChannelModel } from 'amqplib'
import { controlSaid, controlStream, exchanges } from '../topology.ts'
import { closeConnection } from './amqp-goodbye.ts'
import { connectOnce } from './amqp-link.ts'
import type { AmqpNodes } from './amqp-nodes.ts'
import type { Received } from './broker.ts'

/** A stream of the size that we declare is read in 3 s. */
const END_MS_MAX = 10_000

const MARKER_TYPE = 'ebs.marker'

/** A message that somebody wrote to find the end of a stream: nobody else needs it. */
export const isMarker = ({ properties }: Received): boolean => properties.type === MARKER_TYPE

/**
 * Finds the end of a stream: writes a marker to it, and the end is reached when the reader sees it. Over a connection of its own, which
 * lives for that long: while an alarm is on, RabbitMQ takes the first message of a connection and then reads no more of it, so that acks
 * would not come through (seen on 3.10 and 4.3).
 */
export class StreamEnd {
  readonly reached: Promise<void>
  readonly #id = randomUUID()
  readonly #stream: string
  readonly #giveUp: NodeJS.Timeout
  #model: ChannelModel | undefined
  #closed = false
  #reach: () => void = () => undefined
  #fail: (error: Error) => void = () => undefined

  constructor(stream: string) {
    this.#stream = stream
    this.reached = new Promise<void>((resolve, reject) => {
      this.#reach = resolve
      this.#fail = reject
    })
    // It may fail before anybody waits for it.
    this.reached.catch(() => undefined)
    this.#giveUp = setTimeout(
      () => this.fail(new Error(`The end of the stream ${stream} did not come within ${END_MS_MAX} ms.`)),
      END_MS_MAX,
    )
  }

  /** Writes the marker; `name` is what operators see of the connection. */
  async mark(nodes: AmqpNodes, name: string): Promise<void> {
    const model = await connectOnce(nodes, name)
    model.on('error', (error) => this.fail(error))
    this.#model = model
    if (this.#closed) return this.#disconnect()
    const channel = await model.createChannel()
    channel.on('error', (error) => this.fail(error))
    // Under a key that every service has the right to.
    const [exchange, key] = this.#stream === controlStream ? [exchanges.direct, controlSaid] : ['', this.#stream]
    channel.publish(exchange, key, Buffer.alloc(0), {
      type: MARKER_TYPE,
      messageId: this.#id,
      persistent: true,
    })
  }

  /** The reader tells each message that it got. */
  saw(message: Received): void {
    if (message.properties.messageId === this.#id && isMarker(message)) this.#reach()
  }

  /** The reader stops before the end, and that is well. */
  leave(): void {
    this.#reach()
  }

  fail(error: Error): void {
    this.#fail(error)
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#giveUp)
    this.#disconnect()
  }

  #disconnect(): void {
    if (this.#model) void closeConnection(this.#model)
    this.#model = undefined
  }
}
