import type { Follower, Received } from '../../../shared/bus/broker.ts'
import type { Bus } from '../../../shared/bus/bus.ts'
import { parseEvent } from '../../../shared/bus/envelope.ts'
import type { Body } from '../../../shared/events.ts'
import type { Rule } from '../../../shared/operation-events.ts'
import { controlStream } from '../../../shared/topology.ts'
import { Confirmations } from './confirmations.ts'

export type Tried = Body<'SIDELINE_TRIED'>

/** Around each record, in the stream's segments: its properties, offset and checksum. */
const FRAME_BYTES = 256

/** The hub's view of the stream `ebs.control`: rules as consumers find them there, what consumers say to them, and how long it has grown. */
export class ControlLog {
  readonly confirmations = new Confirmations()
  readonly #bus: Bus
  /** The newest record of each rule that is in the stream, lifted ones included. */
  readonly #rules = new Map<string, Rule>()
  readonly #trials = new Map<string, (answer: Tried) => void>()
  readonly #watchers = new Set<() => void>()
  #follower: Follower | undefined
  #bytes = 0

  constructor(bus: Bus) {
    this.#bus = bus
  }

  /** Reads the stream to its end, and follows it. Before anything is consumed. */
  async start(): Promise<void> {
    this.#follower = await this.#bus.broker.follow(controlStream, (message) => this.#take(message))
  }

  async stop(): Promise<void> {
    await this.#follower?.stop()
  }

  get rules(): ReadonlyMap<string, Rule> {
    return this.#rules
  }

  /** Bytes read since the counter was set back; after each reconnect the whole stream is read, and counted, again. */
  get bytes(): number {
    return this.#bytes
  }

  /** All open rules have been said again: what is in the stream before them is of no use any more. */
  restated(): void {
    this.#bytes = 0
  }

  /** Calls back for each answer to a trial; gives the function that ends it. */
  onTried(trial: string, listener: (answer: Tried) => void): () => void {
    this.#trials.set(trial, listener)
    return () => this.#trials.delete(trial)
  }

  /** Calls back after each record; gives the function that ends it. */
  onNews(listener: () => void): () => void {
    this.#watchers.add(listener)
    return () => this.#watchers.delete(listener)
  }

  #take(message: Received): void {
    this.#bytes += message.body.length + FRAME_BYTES
    const event = parseEvent(message)
    // What is none of ours, or of a version to come, is for others to read.
    if (!('data' in event)) return
    if (event.type === 'SIDELINE_RULE') this.#keep(event.data.rule)
    else if (event.type === 'SIDELINE_APPLIED') this.confirmations.note(event.data)
    else if (event.type === 'SIDELINE_TRIED') this.#trials.get(event.data.trial)?.(event.data)
    for (const listener of this.#watchers) listener()
  }

  #keep(rule: Rule): void {
    const known = this.#rules.get(rule.id)
    if (!known || known.revision <= rule.revision) this.#rules.set(rule.id, rule)
  }
}
