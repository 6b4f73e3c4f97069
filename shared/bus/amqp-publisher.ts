import type { ConfirmChannel, Options } from 'amqplib'
import { wireExchange } from './amqp-direct.ts'
import { isEnded } from './amqp-ended.ts'
import { concerns, explained, type Refusal, Refusals } from './amqp-refusals.ts'
import { BufferFullError, ClosedError, type Message, NackedError, ReturnedError } from './broker.ts'

/** Unconfirmed at once on the wire: on a quorum queue 10 give 4,400 messages/s, 100 give 11,000 and 1,000 give 12,700. */
const WINDOW = 1_000
/** From here on the HTTP edge is told to answer 503. */
const SATURATED_AT = 10_000
/** Messages of 1 kB: about 100 MB. Consumers and the outbox relay stay far below by their own windows. */
const PENDING_MAX = 50_000

/** A message that was sent this often without a confirm may be what ends the channel: its caller is told, and decides. */
const SENDS_MAX = 20

/** A quorum queue refuses while it has no leader, which takes some 100 ms after it was declared or its node died: 3 s in all. */
const NACKS_MAX = 5
const NACK_PAUSE_MS = 100

type Entry = {
  readonly message: Message
  readonly resolve: () => void
  readonly reject: (error: Error) => void
  returned: boolean
  sends: number
  nacks: number
  /** Until it is sent again after a nack. */
  pause: NodeJS.Timeout | undefined
}

/**
 * Publishes with confirms over whatever channel is attached. Everything unconfirmed is kept in order and sent again when a
 * new channel is attached, so a cut connection costs duplicates and never a loss.
 */
export class AmqpPublisher {
  readonly #entries = new Set<Entry>()
  readonly #refusals = new Refusals()
  #unsent: Entry[] = []
  #unsentHead = 0
  #inFlight = 0
  #channel: ConfirmChannel | undefined
  #held = false
  #afterWrite: () => void = () => undefined
  #closed = false
  #emptied: (() => void)[] = []

  get saturated(): boolean {
    return this.#channel === undefined || this.#held || this.#entries.size >= SATURATED_AT
  }

  publish(message: Message): Promise<void> {
    if (this.#closed) return Promise.reject(new ClosedError('The bus is closed: nothing more is published.'))
    if (this.#refusals.has(message)) return Promise.reject(refusalOf(message))
    if (this.#entries.size >= PENDING_MAX)
      return Promise.reject(
        new BufferFullError(`${PENDING_MAX} publishes wait for the broker: slow down or look why it is away.`),
      )
    return new Promise((resolve, reject) => {
      const entry: Entry = { message, resolve, reject, returned: false, sends: 0, nacks: 0, pause: undefined }
      this.#entries.add(entry)
      this.#unsent.push(entry)
      this.#pump()
    })
  }

  /** `afterWrite` is called after each publish. */
  attach(channel: ConfirmChannel, afterWrite: () => void): void {
    this.#afterWrite = afterWrite
    for (const entry of this.#entries)
      if (entry.sends >= SENDS_MAX)
        this.#finish(entry, new NackedError(`Sent ${SENDS_MAX} times and never confirmed: '${entry.message.key}'.`))
    this.#channel = channel
    for (const { pause } of this.#entries) clearTimeout(pause)
    this.#unsent = [...this.#entries]
    this.#unsentHead = 0
    this.#inFlight = 0
    channel.on('return', (message) => this.#markReturned(message.fields.routingKey, message.properties.messageId))
    this.#pump()
  }

  detach(channel: ConfirmChannel): void {
    if (this.#channel === channel) this.#channel = undefined
  }

  /** An exchange that is not there ends the channel: what was meant for it would end the next one, too. */
  refuseExchange(exchange: string): void {
    for (const entry of this.#entries)
      if (wireExchange(entry.message) === exchange)
        this.#finish(entry, new NackedError(`There is no exchange '${exchange}'.`))
  }

  /** So does what this user may not publish; for a while it is not tried again. */
  refuse(refusal: Refusal): void {
    for (const { message } of this.#entries) if (concerns(refusal, message)) this.#refusals.add(refusal, message)
    for (const entry of this.#entries)
      if (this.#refusals.has(entry.message)) this.#finish(entry, refusalOf(entry.message))
  }

  /** While the broker raises an alarm, nothing more is written to its socket. */
  hold(held: boolean): void {
    this.#held = held
    this.#pump()
  }

  /** Resolves when everything is confirmed, or after the time has run out. */
  async drain(ms: number): Promise<void> {
    if (this.#entries.size === 0) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#emptied.push(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  close(): void {
    this.#closed = true
    this.#channel = undefined
    for (const entry of this.#entries)
      this.#finish(entry, new ClosedError('The bus was closed before the broker confirmed.'))
  }

  #pump(): void {
    while (this.#channel && !this.#held && this.#inFlight < WINDOW && this.#unsentHead < this.#unsent.length) {
      const entry = this.#unsent[this.#unsentHead++]
      if (entry) this.#send(this.#channel, entry)
    }
    if (this.#unsentHead === this.#unsent.length) {
      this.#unsent = []
      this.#unsentHead = 0
    }
  }

  #send(channel: ConfirmChannel, entry: Entry): void {
    const { key, body } = entry.message
    this.#inFlight++
    entry.sends++
    entry.returned = false
    try {
      channel.publish(wireExchange(entry.message), key, body, publishOptions(entry.message), (error: Error | null) =>
        this.#settle(channel, entry, error),
      )
      this.#afterWrite()
    } catch (error) {
      // A channel that has just closed throws as well: then the entry stays and goes out on the next channel.
      if (isEnded(error)) this.detach(channel)
      else {
        this.#inFlight--
        this.#finish(entry, error instanceof Error ? error : new Error(String(error)))
      }
    }
  }

  #settle(channel: ConfirmChannel, entry: Entry, error: Error | null): void {
    // An older channel has nothing to say any more: the entry was sent again on the newer one.
    if (channel !== this.#channel) return
    this.#inFlight--
    if (error === null) {
      const { key, exchange } = entry.message
      this.#finish(
        entry,
        entry.returned ? new ReturnedError(`No queue takes '${key}' on exchange '${exchange}'.`) : undefined,
      )
      // amqplib gives both by message only: a nack says so, anything else means that the channel is gone.
    } else if (error.message === 'message nacked') this.#sendLater(entry)
    this.#pump()
  }

  /** After a nack: again after a pause that doubles, until the caller has to know. */
  #sendLater(entry: Entry): void {
    if (++entry.nacks > NACKS_MAX) {
      this.#finish(
        entry,
        new NackedError(`The broker refused a message for '${entry.message.key}' ${entry.nacks} times.`),
      )
      return
    }
    entry.pause = setTimeout(
      () => {
        entry.pause = undefined
        this.#unsent.push(entry)
        this.#pump()
      },
      NACK_PAUSE_MS * 2 ** (entry.nacks - 1),
    )
  }

  #finish(entry: Entry, error: Error | undefined): void {
    if (!this.#entries.delete(entry)) return
    clearTimeout(entry.pause)
    if (error) entry.reject(error)
    else entry.resolve()
    if (this.#entries.size === 0) for (const emptied of this.#emptied.splice(0)) emptied()
  }

  /** The broker returns a message before it confirms it. Two with the same key and id share their fate. */
  #markReturned(key: string, messageId: unknown): void {
    for (const entry of this.#entries)
      if (entry.message.mandatory && entry.message.key === key && entry.message.properties.messageId === messageId)
        entry.returned = true
  }
}

const refusalOf = (message: Message) =>
  new NackedError(explained({ exchange: wireExchange(message), key: message.key }))

const publishOptions = ({ properties, mandatory }: Message): Options.Publish =>
  mandatory ? { ...properties, persistent: true, mandatory } : { ...properties, persistent: true }
