import type { Broker, Message } from '../../shared/bus/broker.ts'
import { type Event, parseEvent, toMessage } from '../../shared/bus/envelope.ts'
import type { Body, EventType } from '../../shared/events.ts'
import { HEARD, type System } from './system.ts'

const PREFETCH = 1_000
/** What may come twice without a fault of anybody's: what asks for something, and what leads to it. */
const PASTED: ReadonlySet<string> = new Set<EventType>([
  ...(['OBJECT_CREATED', 'TASK_CREATED', 'EventGroupCollectorCreate', 'EventGroupCollectorEntityDone'] as const),
  ...(['FLOW_REQUESTED', 'INITIATE_WORKFLOW', 'INITIATE_JOURNEY', 'TASK_FINISHED'] as const),
])

export type Heard<T extends EventType> = { readonly data: Extract<Body, { type: T }>; readonly meta: Event['meta'] }

/** Those of one type. */
export const bodiesIn = <T extends EventType>(events: Iterable<Event>, type: T): Heard<T>[] =>
  [...events].flatMap(({ data, meta }) => (isOf(data, type) ? [{ data, meta }] : []))

const isOf = <T extends EventType>(body: Body, type: T): body is Extract<Body, { type: T }> => body.type === type

/** Hears everything that crosses the exchange, and speaks for the world outside. */
export class Witness {
  /** By message id, the first time counts: as every inbox has it. */
  readonly heard = new Map<string, Event>()
  /** Of another type, or none that we know, by message id. */
  readonly strangers = new Set<string>()
  /** Each time, copies and all, in order. */
  readonly each: Event[] = []
  /** Ids of messages that somebody has pasted. */
  readonly pasted = new Set<string>()
  readonly #system: System
  readonly #outside: Broker
  #numbers = 0

  constructor(system: System) {
    this.#system = system
    this.#outside = system.outside
  }

  async listen(): Promise<void> {
    await this.#outside.consume(HEARD, { prefetch: PREFETCH }, (delivery) => {
      const parsed = parseEvent(delivery.message)
      if ('data' in parsed) {
        if (!this.heard.has(parsed.meta.id)) this.heard.set(parsed.meta.id, parsed)
        this.each.push(parsed)
      } else if ('stranger' in parsed) this.strangers.add(parsed.meta.id)
      delivery.ack()
    })
  }

  /** Everything of this type, each message once. */
  of<T extends EventType>(type: T): Heard<T>[] {
    return bodiesIn(this.heard.values(), type)
  }

  /** Each time that it was heard. */
  eachOf<T extends EventType>(type: T): Heard<T>[] {
    return bodiesIn(this.each, type)
  }

  /** Somebody else says this. */
  say(id: string, body: Body): void {
    this.#publish(toMessage(body, { id, service: 'outside', correlationId: id, atMs: this.#system.nowMs }))
  }

  poison(queue: string, text: string): void {
    const messageId = `poison ${++this.#numbers}`
    this.#publish({ exchange: '', key: queue, body: Buffer.from(text), properties: { messageId, headers: {} } })
  }

  /** The last few that may come twice, once more: every other one without its id. */
  paste(count: number): void {
    const recent = this.each.filter(({ type }) => PASTED.has(type)).slice(-count)
    for (const [n, { data, meta }] of recent.entries()) {
      this.pasted.add(meta.id)
      const message = toMessage(data, { ...meta, service: 'outside', atMs: this.#system.nowMs })
      if (n % 2 === 0) this.#publish(message)
      else this.#pasteBare(message)
    }
  }

  #pasteBare({ exchange, key, body }: Message): void {
    const parsed = parseEvent({ exchange, key, body, properties: { headers: {} } })
    if ('data' in parsed) this.pasted.add(parsed.meta.id)
    this.#publish({ exchange, key, body, properties: {} })
  }

  #publish(message: Message): void {
    this.#system.trace.note('outside publishes', `${message.key} ${message.properties.messageId}`)
    this.#outside.publish(message).catch((error: unknown) => this.#system.trace.remark(`not published: ${error}`))
  }
}
