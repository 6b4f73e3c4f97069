import { setTimeout as pause } from 'node:timers/promises'
import type { Channel, ChannelModel, ConsumeMessage, Message } from 'amqplib'
import { AckWindow } from './ack-window.ts'
import { receivedFrom, settleOn } from './amqp-consumer.ts'
import { closeChannel, isEnded } from './amqp-ended.ts'
import { answered } from './amqp-goodbye.ts'
import { countIn, inspectQueue, isAbsent, unlessAbsent } from './amqp-queue.ts'
import { type Browse, type Browsed, type ClosedError, IN_ORDER_MAX } from './broker.ts'
import { BrowseWindow } from './browse-window.ts'
import { Fifo } from './memory-fifo.ts'
import { batchWrites } from './write-batching.ts'

/** So much of a window is kept: the next is asked for, before the rest of this one is too narrow. */
const KEPT_SHARE = 0.5
/** When nothing comes for so long, somebody else holds the rest. */
const QUIET_MS = 1_000
/** Or the broker is slow, if it still counts some as ready: then so often. */
const QUIETS_MAX = 10
/** What goes back is there again within some 10 ms. */
const BACK_MS_MAX = 1_000
const BACK_AGAIN_MS = 5
/** So many acks RabbitMQ passes on to a quorum queue at a time; those of an earlier burst have long arrived. */
const ACKS_AT_ONCE = 32
const BURST_GAP_MS = 10

/**
 * One look through a queue, on a channel of its own. Messages that are kept stay unsettled until the end and use up the prefetch, so the
 * consumer is replaced by a new one from time to time, which has a prefetch of its own. What is removed makes room for more, so that a pass
 * which removes everything runs as a consumer does. Closing the channel gives everything back.
 */
export class AmqpBrowse implements Browse {
  readonly queue: string
  readonly count: number
  readonly #model: ChannelModel
  readonly #inOrder: boolean
  readonly #channel: Channel
  readonly #acks: AckWindow<Message>
  readonly #window = new BrowseWindow()
  readonly #onEnded: (browse: AmqpBrowse) => void
  /** Delivered, and not asked for yet. */
  readonly #waiting = new Fifo<ConsumeMessage>()
  #taken = 0
  #consumers = 0
  /** Unsettled deliveries of all its consumers. */
  #kept = 0
  /** Those of the last one. */
  #unsettled = 0
  /** Removed shortly one after another, until now. */
  #burst = { removed: 0, atMs: 0 }
  #rest: Omit<Message, 'fields'> | undefined
  #state: 'open' | 'closed' | Error = 'open'
  #wake: () => void = () => undefined
  /** Resolves when the channel has ended. */
  readonly #gone: Promise<void>
  #closing: Promise<void> | undefined

  /** Undefined when there is no such queue. `onEnded` is called when it is closed or lost. */
  static async open(
    model: ChannelModel,
    queue: string,
    { inOrder, onEnded }: { readonly inOrder: boolean; readonly onEnded: (browse: AmqpBrowse) => void },
  ) {
    const channel = await model.createChannel()
    // Whatever waits for the channel fails with the same error, or is told below.
    channel.on('error', () => undefined)
    const found = await unlessAbsent(() => countIn(channel, queue))
    return found && new AmqpBrowse(channel, { model, queue, count: found.messages, inOrder, onEnded })
  }

  private constructor(
    channel: Channel,
    { model, queue, count, inOrder, onEnded }: Pick<AmqpBrowse, 'queue' | 'count'> & Surroundings,
  ) {
    this.queue = queue
    this.count = count
    this.#model = model
    this.#inOrder = inOrder
    this.#channel = channel
    this.#onEnded = onEnded
    const afterAck = batchWrites(model)
    this.#acks = new AckWindow((message, multiple) =>
      settleOn(this.#acks, () => {
        channel.ack(message, multiple)
        afterAck()
      }),
    )
    this.#gone = new Promise((resolve) => {
      channel.on('close', () => {
        this.#end(lost(queue, 'its connection was lost'))
        onEnded(this)
        resolve()
      })
    })
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Browsed> {
    while (this.#taken < this.count) {
      const raw = await this.#next()
      if (!raw) return
      this.#taken++
      yield this.#browsed(raw)
    }
  }

  /** With a reason, who iterates is told; otherwise the iteration just ends. */
  close(reason?: ClosedError): Promise<void> {
    this.#closing ??= this.#close(reason)
    return this.#closing
  }

  async #close(reason: ClosedError | undefined): Promise<void> {
    const isOpen = this.#state === 'open'
    this.#acks.flush()
    this.#end(reason ?? 'closed')
    try {
      const ready = isOpen && this.#consumers > 0 ? await answered(this.#channel, this.#settle()) : 0
      await closeChannel(this.#channel)
      if (isOpen && this.#kept > 0) await answered(this.#model, this.#untilBack(ready + this.#kept))
    } catch (error) {
      // The channel is gone already, or the queue, and with it what was to go back.
      if (!isEnded(error) && !isAbsent(error)) throw error
    } finally {
      this.#onEnded(this)
    }
  }

  /**
   * Waits until the queue has the acks; gives the number of those that are ready. RabbitMQ passes 32 acks at a time to a quorum queue and
   * keeps the others with the channel, to be lost with it (on 3.10, 215 of 2,000). A cancel waits for those that were passed on; by its
   * answer the others follow, and a get waits for them. What it gets goes back before the rest, and so does what was
   * on its way to a consumer that is cancelled: in order, neither is done for a few acks, which were passed on.
   */
  async #settle(): Promise<number> {
    const mayLose = !this.#inOrder || this.#burst.removed > ACKS_AT_ONCE
    if (mayLose) await this.#channel.cancel(tagOf(this.#consumers))
    const { messageCount } = await this.#channel.checkQueue(this.queue)
    // Of a get whose channel ends before its message has come amqplib tells nobody.
    if (mayLose) await Promise.race([this.#channel.get(this.queue), this.#gone])
    return messageCount
  }

  /** A queue hears of a closed channel a moment later: whoever looks next should find everything. Not for long, because others may take it. */
  async #untilBack(messages: number): Promise<void> {
    for (const deadline = performance.now() + BACK_MS_MAX; performance.now() < deadline; await pause(BACK_AGAIN_MS)) {
      const found = await inspectQueue(this.#model, this.queue)
      if (!found || found.messages >= messages) return
    }
  }

  /** Undefined at the end. Throws when the connection was lost. */
  async #next(): Promise<ConsumeMessage | undefined> {
    for (let quiets = 0; quiets < QUIETS_MAX; quiets++) {
      if (this.#isRenewalDue()) await this.#renew()
      if (this.#waiting.length === 0) await this.#arrival()
      if (this.#state instanceof Error) throw this.#state
      if (this.#waiting.length > 0 || this.#state === 'closed') break
      // Nothing came: whose are those that are missing?
      if ((await this.#ready()) === 0) break
    }
    return this.#waiting.shift()
  }

  #isRenewalDue(): boolean {
    if (this.#consumers === 0) return true
    if (this.#inOrder) return false
    if (this.#window.isWide) return true
    if (this.#waiting.length > 0) return false
    return this.#unsettled >= this.#window.messages * KEPT_SHARE || this.#window.isNarrow
  }

  /** A new consumer with a window of its own. What the last one got before its end comes first. */
  async #renew(): Promise<void> {
    if (this.#state !== 'open') return
    const channel = this.#channel
    try {
      if (this.#consumers > 0) await channel.cancel(tagOf(this.#consumers))
      await channel.prefetch(this.#inOrder ? IN_ORDER_MAX : this.#window.renew())
      // Of a tag that was used before, a quorum queue would count the deliveries as missing.
      const tag = tagOf(++this.#consumers)
      this.#unsettled = 0
      await channel.consume(this.queue, (message) => this.#take(message), { consumerTag: tag })
    } catch (error) {
      this.#end(lost(this.queue, error instanceof Error ? error.message : String(error)))
    }
  }

  #take(message: ConsumeMessage | null): void {
    if (message === null) this.#end(lost(this.queue, 'the queue was deleted'))
    if (message === null || this.#state !== 'open') return
    const { deliveryTag, consumerTag } = message.fields
    // Many may be kept, so no more of each than an ack needs; the rest, which amqplib asks for, is the first one's.
    this.#rest ??= { content: Buffer.alloc(0), properties: message.properties }
    this.#window.saw(message.content.length)
    this.#acks.delivered(deliveryTag, { ...this.#rest, fields: { ...NO_FIELDS, deliveryTag } })
    this.#kept++
    if (consumerTag === tagOf(this.#consumers)) this.#unsettled++
    this.#waiting.push(message)
    this.#wake()
  }

  #browsed(raw: ConsumeMessage): Browsed {
    const { deliveryTag, consumerTag } = raw.fields
    let isRemoved = false
    return {
      message: receivedFrom(raw),
      remove: () => {
        if (isRemoved || this.#state !== 'open') return
        isRemoved = true
        const nowMs = performance.now()
        this.#burst = { removed: nowMs - this.#burst.atMs > BURST_GAP_MS ? 1 : this.#burst.removed + 1, atMs: nowMs }
        this.#acks.ack(deliveryTag)
        this.#kept--
        if (consumerTag === tagOf(this.#consumers)) this.#unsettled--
      },
    }
  }

  #arrival(): Promise<void> {
    if (this.#state !== 'open') return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, QUIET_MS)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  async #ready(): Promise<number> {
    try {
      return (await countIn(this.#channel, this.queue)).messages
    } catch (error) {
      // The reason why it ended comes with the next look.
      if (isEnded(error) || this.#state !== 'open') return 1
      throw error
    }
  }

  #end(state: 'closed' | Error): void {
    if (this.#state !== 'open') return
    this.#state = state
    this.#acks.close()
    for (const _ of this.#waiting.drain());
    this.#wake()
  }
}

type Surroundings = {
  readonly model: ChannelModel
  readonly inOrder: boolean
  readonly onEnded: (browse: AmqpBrowse) => void
}

const NO_FIELDS = { redelivered: false, exchange: '', routingKey: '' }

const tagOf = (consumer: number) => `browse-${consumer}`

const lost = (queue: string, why: string) =>
  new Error(`The browse of ${queue} ended: ${why}. What was not removed is in the queue again; browse it again.`)
