import { catalogue } from '../events.ts'
import { wireExchange } from './amqp-direct.ts'
import type { Message } from './broker.ts'

/** What a user may not publish to: an exchange, or one routing key of it. The default exchange is `''`. */
export type Refusal = {
  /** Missing: the broker has cut its words before that. */
  readonly exchange?: string
  readonly key?: string
  /** The key has more behind it: RabbitMQ's words end after 252 bytes. */
  readonly isCut?: true
}

/** So long nothing is tried that was refused: each try costs the channel, and whatever is on its way is sent again. */
const REFUSED_MS = 5_000
/** Keys are as many as users think of; then the oldest is tried again. */
const REFUSALS_MAX = 1_000

// RabbitMQ 4 says which access, 3 does not.
const TOPIC = /ACCESS_REFUSED - (?:write )?access to topic '(.*)' in (?:exchange )+'([^']*)'/s
const CUT_TOPIC = /ACCESS_REFUSED - (?:write )?access to topic '(.*?)(?:' in [^']*(?:'[^']*)?)?\.\.\."?$/s
const EXCHANGE = /ACCESS_REFUSED - (?:write )?access to exchange '([^']*)'/
const MISSING = /NOT_FOUND - no exchange '([^']*)'/

/** Reads why the broker ended a channel that publishes; undefined when it was not because of rights. */
export function parseRefusal(message: string): Refusal | undefined {
  const [, key, exchange] = TOPIC.exec(message) ?? []
  if (key !== undefined && exchange !== undefined) return { exchange, key }
  const [, start] = CUT_TOPIC.exec(message) ?? []
  if (start !== undefined) return { key: start, isCut: true }
  const [, whole] = EXCHANGE.exec(message) ?? []
  return whole === undefined ? undefined : { exchange: whole === 'amq.default' ? '' : whole }
}

/** The exchange of which the broker says that it is not there. */
export const parseMissing = (message: string): string | undefined => MISSING.exec(message)?.[1]

type Destination = Pick<Message, 'exchange' | 'key'>

/** Whether it was this message that was refused, or one like it. */
export const concerns = ({ exchange, key, isCut }: Refusal, message: Destination): boolean =>
  (exchange === undefined || exchange === wireExchange(message)) &&
  (key === undefined || (isCut ? message.key.startsWith(key) : message.key === key))

/** Destinations that were refused lately. */
export class Refusals {
  readonly #untilMs = new Map<string, number>()

  /** Why one message was refused, and which: the broker may have cut its key. */
  add(refusal: Refusal, message: Destination): void {
    const [oldest] = this.#untilMs.keys()
    if (oldest !== undefined && this.#untilMs.size >= REFUSALS_MAX) this.#untilMs.delete(oldest)
    const exchange = wireExchange(message)
    const name = refusal.key === undefined ? exchange : nameOf(exchange, message.key)
    this.#untilMs.set(name, performance.now() + REFUSED_MS)
  }

  has(message: Destination): boolean {
    // The usual case, for each message that is published.
    if (this.#untilMs.size === 0) return false
    const exchange = wireExchange(message)
    return [exchange, nameOf(exchange, message.key)].some((name) => {
      if (performance.now() >= (this.#untilMs.get(name) ?? Number.POSITIVE_INFINITY)) this.#untilMs.delete(name)
      return this.#untilMs.has(name)
    })
  }
}

const nameOf = (exchange: string, key: string) => JSON.stringify([exchange, key])

/** Rights on it are given only to those whose circuit breakers are on. */
const RULE_COMMANDS: string = catalogue.SIDELINE_COMMAND.key

/** What to say of it, and what to do. */
export function explained({ exchange, key = '' }: Refusal): string {
  const where = exchange === '' ? 'the default exchange' : `the exchange '${exchange ?? ''}'`
  const what = exchange === '' ? 'to queues that are not of ebs, over' : `'${key}' to`
  const command = `ebs topology definitions${key === RULE_COMMANDS ? ' --breakers' : ''}`
  return `The user of this service on the broker may not publish ${what} ${where}: import what \`${command}\` gives, or give it the right.`
}
