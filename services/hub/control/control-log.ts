import type { Follower, Received } from '../../../shared/bus/broker.ts'
import { type Bus, publish } from '../../../shared/bus/bus.ts'
import { parseEvent, toMessage } from '../../../shared/bus/envelope.ts'
import { newId } from '../../../shared/bus/ids.ts'
import { isAhead } from '../../../shared/bus/rule-records.ts'
import type { Body } from '../../../shared/events.ts'
import type { Rule } from '../../../shared/operation-events.ts'
import { controlStream } from '../../../shared/topology.ts'
import { Confirmations } from './confirmations.ts'

export type Tried = Body<'SIDELINE_TRIED'>

/** Around each record, in the stream's segments: its properties, offset and checksum. */
const FRAME_BYTES = 256
/** Rules kept, open or lifted: ten times as many as may be open. Those that were lifted long ago are of interest to nobody. */
const RULES_KEPT = 2_000

/** Between two questions about one rule. */
const ASK_MS_MIN = 60_000

/** The hub's view of the stream `ebs.control`: rules as consumers find them there, what consumers say to them, and how long it has grown. */
export class ControlLog {
  readonly confirmations = new Confirmations()
  readonly #bus: Bus
  /** The newest record of each rule that is in the stream, lifted ones included. */
  readonly #rules = new Map<string, Rule>()
  readonly #trials = new Map<string, (answer: Tried) => void>()
  readonly #watchers = new Set<() => void>()
  #follower: Follower | undefined
  readonly #asked = new Map<string, number>()
  #bytes = 0

  constructor(bus: Bus) {
    this.#bus = bus
  }

  /** Reads the stream to its end, and follows it. Before anything is consumed. */
  async start(): Promise<void> {
    // What is not in the stream any more, because that was deleted and made anew, has to be said again.
    const begin = () => this.#rules.clear()
    this.#follower = await this.#bus.broker.follow(controlStream, (message) => this.#take(message), begin)
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

  /** Asks all consumers to confirm this revision once more, once in a minute: theirs may have been dropped before this hub read them. */
  async askAgain({ id, revision }: Pick<Rule, 'id' | 'revision'>): Promise<void> {
    const rule = this.#rules.get(id)
    const nowMs = this.#bus.clock.now()
    for (const [name, atMs] of this.#asked) if (Math.abs(nowMs - atMs) >= ASK_MS_MIN) this.#asked.delete(name)
    if (rule?.revision !== revision || this.#asked.has(id)) return
    this.#asked.set(id, nowMs)
    await sayAgain(this.#bus, { rule, confirm: true })
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
    if (event.type === 'SIDELINE_RULE') {
      // Consumers have no right to this key, and so cannot write rules.
      if (message.key === controlStream) this.#keep(event.data.rule)
    }
    if (event.type === 'SIDELINE_APPLIED') this.#note(event.data)
    else if (event.type === 'SIDELINE_TRIED') this.#trials.get(event.data.trial)?.(event.data)
    for (const listener of this.#watchers) listener()
  }

  #keep(rule: Rule): void {
    const known = this.#rules.get(rule.id)
    // A revision far ahead is counted and logged by the book of rules.
    if ((known && known.revision > rule.revision) || isAhead(rule.revision, this.#bus.clock.now())) return
    this.#rules.delete(rule.id)
    this.#rules.set(rule.id, rule)
    if (this.#rules.size > RULES_KEPT) this.#forget()
  }

  /** The one that was lifted first; an open one only when there are so many of them, and it is said again then. */
  #forget(): void {
    let gone: string | undefined
    for (const { id, phase } of this.#rules.values()) {
      gone ??= id
      if (phase !== 'lifted') continue
      gone = id
      break
    }
    if (gone !== undefined) this.#rules.delete(gone)
  }

  #note(said: Body<'SIDELINE_APPLIED'>): void {
    if (!isAhead(said.revision, this.#bus.clock.now())) this.confirmations.note(said)
  }
}

/** Appends a record that has been said before; resolves when that is confirmed. */
export async function sayAgain(bus: Bus, said: Pick<Body<'SIDELINE_RULE'>, 'rule' | 'confirm'>): Promise<void> {
  const atMs = bus.clock.now()
  const id = newId(atMs)
  const body: Body = { type: 'SIDELINE_RULE', ...said, again: true }
  const message = toMessage(body, { id, service: bus.service, correlationId: id, atMs })
  await publish(bus, { ...message, exchange: '', key: controlStream, mandatory: true })
}
