import type { Channel, ChannelModel, ConfirmChannel, ConsumeMessage, Options } from 'amqplib'
import { AckWindow } from './ack-window.ts'
import { settleOn } from './amqp-consumer.ts'
import { seenExchange } from './amqp-direct.ts'
import { closeChannel, isUnconfirmed } from './amqp-ended.ts'
import { countIn } from './amqp-queue.ts'
import { BROKER_HEADERS } from './envelope.ts'
import { batchWrites } from './write-batching.ts'

/** Unacked at once; a quorum queue confirms some 11,000/s with it. */
const WINDOW_MAX = 256
/** Until it is known how large messages are: others than ebs may send some of 128 MiB. */
const WINDOW_FIRST = 4
/** On their way at once; in the worst case each is in memory three times: received, in frames, in the socket. */
const WINDOW_BYTES = 67_108_864
/** When nothing comes for so long, the queue is asked what it has. */
const QUIET_MS = 1_000
/** A queue that says for so long that it has messages, and gives none, is left. */
const SILENT_MS = 60_000
const LOOK_EVERY_MS = 100
const LAST_TAG = 'ebs.moving.last'

export type Moving = {
  readonly from: string
  readonly to: string
  /** So many, or those that are there. */
  readonly count: number
  /** The messages lie there for people to look at: where they came from, and when they died, is kept in headers. */
  readonly isHolding: boolean
}

export type Moved = {
  /** Messages that are in the other queue. */
  readonly count: number
  /** The queue says that it has more, and nobody else consumes it, but it gave nothing for a minute. */
  readonly isSilent: boolean
}

/** How many messages may be unacked when the largest so far has so many bytes. */
export const windowFor = (largestBytes: number): number =>
  Math.min(WINDOW_MAX, Math.max(1, Math.floor(WINDOW_BYTES / Math.max(1, largestBytes))))

/**
 * Moves messages from one queue to another, in order: each is acked when the broker has confirmed its copy. Fewer than asked for
 * when the queue is empty before, when somebody else consumes it, or when it is silent. Whatever ends it, none is lost; those that
 * were confirmed and not acked are in both queues. Rejects when the other queue is gone or refuses.
 */
export async function moveMessages(model: ChannelModel, moving: Moving): Promise<Moved> {
  if (moving.count === 0) return { count: 0, isSilent: false }
  const channel = await model.createConfirmChannel()
  const move = new Move(channel, moving, batchWrites(model))
  try {
    await move.begin()
    await move.over
  } catch (error) {
    // Whatever the end of the channel says, this is why.
    await settle(channel, move, moving.from).catch(() => undefined)
    throw error
  }
  await settle(channel, move, moving.from)
  return { count: move.moved, isSilent: move.isSilent }
}

/**
 * RabbitMQ passes acks to a quorum queue 32 at a time and keeps the others with the channel, to be lost with it: then those messages
 * would be moved twice (see `AmqpBrowse`). Another consumer waits for them; a get would, too, but is refused where a single consumer is
 * active. What it is given goes back with the channel.
 */
async function settle(channel: Channel, move: Move, queue: string): Promise<void> {
  await move.resized
  if (move.isLost) return
  move.flush()
  await channel.cancel(move.tag)
  await channel.checkQueue(queue)
  await channel.prefetch(1)
  await channel.consume(queue, () => undefined, { consumerTag: LAST_TAG })
  await channel.cancel(LAST_TAG)
  await closeChannel(channel)
}

class Move {
  moved = 0
  isSilent = false
  /** The channel is gone. */
  isLost = false
  readonly over: Promise<void>
  readonly #channel: ConfirmChannel
  readonly #moving: Moving
  readonly #afterWrite: () => void
  readonly #acks: AckWindow<ConsumeMessage>
  /** The consumer that takes with another window; there is always one, or one to come. */
  resized: Promise<void> = Promise.resolve()
  #isResizing = false
  #consumers = 0
  #window = WINDOW_FIRST
  #largestBytes = 0
  #sent = 0
  #heardAtMs = performance.now()
  #lookedAtMs = 0
  #isOver = false
  #end: (error?: Error) => void = () => undefined

  constructor(channel: ConfirmChannel, moving: Moving, afterWrite: () => void) {
    this.#channel = channel
    this.#moving = moving
    this.#afterWrite = afterWrite
    this.#acks = new AckWindow((message, multiple) =>
      settleOn(this.#acks, () => {
        channel.ack(message, multiple)
        afterWrite()
      }),
    )
    const timer = setInterval(() => this.#lookForQuiet(), LOOK_EVERY_MS)
    this.over = new Promise<void>((resolve, reject) => {
      this.#end = (error) => {
        this.#isOver = true
        clearInterval(timer)
        if (error) reject(error)
        else resolve()
      }
    })
    // Whoever moves awaits it; it may fail before.
    this.over.catch(() => undefined)
    channel.on('error', (error: Error) => this.#lose(error.message))
    channel.on('close', () => this.#lose('the connection was lost'))
    // Before its confirm, and all go to one queue: what is confirmed from now on may be lost, and is not acked.
    channel.on('return', () => this.#fail(`${moving.to} is gone`))
  }

  /** Another one each time: a quorum queue (3.10) ends the connection when a tag comes again of which it still waits for acks. */
  get tag(): string {
    return `ebs.moving.${this.#consumers}`
  }

  async begin(): Promise<void> {
    await this.#consume(WINDOW_FIRST)
  }

  #take(message: ConsumeMessage | null): void {
    this.#heardAtMs = performance.now()
    if (message === null) this.#fail(`${this.#moving.from} was deleted`)
    // What came behind those that were to be moved goes back.
    if (message === null || this.#isOver || this.#sent === this.#moving.count) return
    this.#sent++
    const { deliveryTag } = message.fields
    this.#acks.delivered(deliveryTag, message)
    try {
      const options = { ...movedOptions(message, this.#moving.isHolding), mandatory: true }
      this.#channel.publish('', this.#moving.to, message.content, options, (error: Error | null) =>
        this.#confirmed(deliveryTag, error),
      )
      this.#afterWrite()
    } catch (error) {
      // Headers that are larger than amqplib encodes, or a channel on its way out.
      this.#fail(error instanceof Error ? error.message : String(error))
    }
    this.#largestBytes = Math.max(this.#largestBytes, message.content.length)
    this.#resize()
  }

  /** Sends the last acks. */
  flush(): void {
    this.#acks.flush()
  }

  #confirmed(deliveryTag: number, error: Error | null): void {
    if (error && isUnconfirmed(error)) this.#lose('the connection was lost')
    else if (error) this.#fail(`${this.#moving.to} refuses a message (${error.message})`)
    if (this.#isOver) return
    this.#heardAtMs = performance.now()
    this.#acks.ack(deliveryTag)
    this.moved++
    if (this.moved === this.#moving.count) this.#end()
  }

  /** What comes behind those that are to be moved would only go back, counted as given out once more. */
  async #consume(window: number): Promise<void> {
    this.#window = Math.min(window, this.#moving.count - this.#sent)
    if (this.#window <= 0) return
    await this.#channel.prefetch(this.#window)
    this.#consumers++
    await this.#channel.consume(this.#moving.from, (message) => this.#take(message), { consumerTag: this.tag })
  }

  /** Once larger, when the first have come; smaller whenever messages turn out to be larger. A quorum queue takes that of a new consumer only. */
  #resize(): void {
    const fitting = windowFor(this.#largestBytes)
    const isLarger = this.#window === WINDOW_FIRST && this.#sent >= WINDOW_FIRST && fitting > this.#window
    if (this.#isResizing || this.#isOver || (!isLarger && fitting * 2 > this.#window)) return
    this.#isResizing = true
    this.resized = this.#channel
      .cancel(this.tag)
      .then(() => this.#consume(windowFor(this.#largestBytes)))
      .catch((error: unknown) => this.#fail(error instanceof Error ? error.message : String(error)))
      .finally(() => {
        this.#isResizing = false
      })
  }

  #lookForQuiet(): void {
    const nowMs = performance.now()
    const quietMs = nowMs - Math.max(this.#heardAtMs, this.#lookedAtMs)
    if (this.#isResizing || this.#sent !== this.moved || quietMs <= QUIET_MS) return
    this.#lookedAtMs = Number.POSITIVE_INFINITY
    this.#look()
      .catch((error: unknown) => this.#fail(error instanceof Error ? error.message : String(error)))
      .finally(() => {
        this.#lookedAtMs = performance.now()
      })
  }

  /** What is on its way comes before the answer, so that nothing is taken for empty whose messages are slow. */
  async #look(): Promise<void> {
    const heardAtMs = this.#heardAtMs
    const { messages, consumers } = await countIn(this.#channel, this.#moving.from)
    if (heardAtMs !== this.#heardAtMs) return
    const hasOthers = consumers > 1
    const isSilent = performance.now() - heardAtMs > SILENT_MS
    if (messages > 0 && !hasOthers && !isSilent) return
    this.isSilent = messages > 0 && !hasOthers
    this.#end()
  }

  #lose(why: string): void {
    this.isLost = true
    this.#acks.close()
    this.#fail(why)
  }

  #fail(why: string): void {
    if (this.#isOver) return
    const { from, to } = this.#moving
    this.#end(new Error(`Moving from ${from} to ${to} ended after ${this.moved} messages: ${why}. None is lost.`))
  }
}

/**
 * A message as it goes into another queue: all that it is, but what brokers write for themselves. With `x-death` kept it would vanish in
 * the ladder, with CC it would go to other queues as well, and a user id is refused from anybody else. The original key, from which ids
 * are derived, moves into its header.
 */
export function movedOptions({ fields, properties }: ConsumeMessage, isHolding: boolean): Options.Publish {
  const { userId: _user, clusterId: _cluster, deliveryMode, headers: received = {}, ...own } = properties
  const headers: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(received)) if (!BROKER_HEADERS.test(name)) headers[name] = value
  headers['x-ebs-key'] ??= fields.routingKey
  if (isHolding && headers['x-ebs-held'] === undefined) {
    // Of what nobody has given an id, it is derived of these (hub: held-row.ts, adoption.ts).
    headers['x-ebs-origin'] ??= `${seenExchange(fields.exchange)} ${fields.routingKey}`
    const diedAt = deathOf(received['x-death'])
    if (diedAt !== undefined) headers['x-ebs-last-failed-at'] ??= diedAt
  }
  return { ...own, headers, persistent: deliveryMode === PERSISTENT }
}

const PERSISTENT = 2

/** The time of the last death, as ISO 8601; the broker notes seconds. */
function deathOf(deaths: unknown): string | undefined {
  const [last]: readonly unknown[] = Array.isArray(deaths) ? deaths : []
  const time: unknown = last && typeof last === 'object' && 'time' in last ? last.time : undefined
  const seconds: unknown = time && typeof time === 'object' && 'value' in time ? time.value : undefined
  return typeof seconds === 'number' ? new Date(seconds * 1_000).toISOString() : undefined
}
