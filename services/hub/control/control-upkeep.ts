import type { Bus } from '../../../shared/bus/bus.ts'
import type { Body } from '../../../shared/events.ts'
import { recordIn, SAY_AGAIN_BYTES } from '../../../shared/flow/sideline-record.ts'
import type { Rule } from '../../../shared/operation-events.ts'
import type { Conversation } from '../../../shared/store/conversations.ts'
import type { HubStore } from '../../../shared/store/hub-store.ts'
import { parkingQueueOf } from '../../../shared/topology.ts'
import { type ControlLog, sayAgain } from './control-log.ts'

export type ControlUpkeepOptions = {
  readonly bus: Bus
  readonly store: Pick<HubStore, 'reader'>
  readonly control: Pick<ControlLog, 'rules' | 'bytes' | 'restated'>
  /** Gives an event to the kernel. */
  readonly tell: (body: Body) => Promise<unknown>
  /** Bytes of records after which all open rules are said again; tests take fewer. */
  readonly restateBytes?: number
}

/** What connections leave in the stream to find its end is not seen, and counted by the time: a hundred a second for this long are some 1 MiB. */
const RESTATE_MS = 900_000
/** A record that was decided this long ago is not on its way any more. Revisions are times. */
const ON_ITS_WAY_MS = 10_000
/** Lifted rules that are looked up once only: about as many as the stream is read for. */
const OVER_KEPT = 2_000
const PAGE = 100
const SIDELINE = 'sideline'

/** Keeps the stream of rules and the hub's own rules alike, and open rules from being dropped by retention. Run on one hub, every so often. */
export class ControlUpkeep {
  readonly #options: ControlUpkeepOptions
  #restatedMs: number
  /** Rules that the stream did not have the last time: young ones may have been on their way. */
  #lacking: ReadonlySet<string> = new Set()
  /** Lifted rules of the stream with nothing parked. */
  readonly #over = new Set<string>()

  constructor(options: ControlUpkeepOptions) {
    this.#options = options
    this.#restatedMs = options.bus.clock.now()
  }

  async run(): Promise<void> {
    const open = await this.#openRules()
    await this.#adopt()
    await this.#sayLacking(open)
    if (this.#isDue(open)) await this.#restate(open)
  }

  /** The stream is what consumers act by: what this hub does not know of, because its database was lost or is an older one, it takes over. */
  async #adopt(): Promise<void> {
    const { control, store, tell, bus } = this.#options
    for (const rule of control.rules.values()) {
      const known = await store.reader.findConversation({ kind: SIDELINE, key: rule.id })
      if (known ? recordIn(known.state).revision >= rule.revision : await this.#isOver(rule)) continue
      const about = { rule: rule.id, revision: rule.revision }
      bus.log.warn(about, 'a rule is in the stream that this hub does not know; it takes it over')
      await tell({ type: 'SIDELINE_RULE', rule })
    }
  }

  /** Lifted, and nothing is parked: closed long ago, and forgotten. Looked up once. */
  async #isOver(rule: Rule): Promise<boolean> {
    if (rule.phase !== 'lifted') return false
    if (this.#over.has(nameOf(rule))) return true
    for (const queue of rule.queues) {
      const parking = await this.#options.bus.broker.inspect(parkingQueueOf(rule.id, queue))
      if (parking && parking.messages > 0) return false
    }
    this.#over.add(nameOf(rule))
    const [oldest] = this.#over
    if (oldest !== undefined && this.#over.size > OVER_KEPT) this.#over.delete(oldest)
    return true
  }

  /** Rules whose newest record is not in the stream: said once more, the young ones when it is missing twice in a row. */
  async #sayLacking(open: readonly Rule[]): Promise<void> {
    const { control, bus } = this.#options
    const lacking = [...open, ...(await this.#lifted())].filter((rule) => {
      const inStream = control.rules.get(rule.id)
      return inStream === undefined || inStream.revision < rule.revision
    })
    const before = this.#lacking
    this.#lacking = new Set(lacking.map(nameOf))
    const isOld = ({ revision }: Rule) => revision <= bus.clock.now() - ON_ITS_WAY_MS
    for (const rule of lacking.filter((one) => isOld(one) || before.has(nameOf(one)))) {
      bus.log.warn({ rule: rule.id, revision: rule.revision }, 'the stream of rules lacks a record; it is said again')
      await this.#say(rule)
    }
  }

  /** Those which the stream takes for open, though they were lifted. */
  async #lifted(): Promise<readonly Rule[]> {
    const { control, store } = this.#options
    const rules: Rule[] = []
    for (const { id, phase } of control.rules.values()) {
      if (phase === 'lifted') continue
      const known = await store.reader.findConversation({ kind: SIDELINE, key: id })
      if (known && known.endedAtMs !== null) rules.push(recordIn(known.state))
    }
    return rules
  }

  #isDue(open: readonly Rule[]): boolean {
    const { control, bus, restateBytes = SAY_AGAIN_BYTES } = this.#options
    if (open.length === 0) return false
    return control.bytes >= restateBytes || Math.abs(bus.clock.now() - this.#restatedMs) >= RESTATE_MS
  }

  async #restate(open: readonly Rule[]): Promise<void> {
    const { control, bus } = this.#options
    await Promise.all(open.map((rule) => this.#say(rule)))
    // They count against the next time, when they are read: far fewer bytes than the bound, because rules are counted.
    control.restated()
    this.#restatedMs = bus.clock.now()
    bus.log.info({ rules: open.length }, 'said all open rules again')
  }

  /** As it is by now: what was decided meanwhile may be in the stream already, and an older record is not to outlive it there. */
  async #say({ id: key }: Rule): Promise<void> {
    const { bus, store } = this.#options
    const known = await store.reader.findConversation({ kind: SIDELINE, key })
    if (known) await sayAgain(bus, { rule: recordIn(known.state) })
  }

  async #openRules(): Promise<readonly Rule[]> {
    const { reader } = this.#options.store
    const found: Conversation[] = []
    let cursor: string | undefined
    do {
      const page = await reader.listConversations({ kind: SIDELINE, isOpen: true }, { limit: PAGE, cursor })
      found.push(...page.items)
      cursor = page.next
    } while (cursor !== undefined)
    return found.map(({ state }) => recordIn(state))
  }
}

const nameOf = ({ id, revision }: Rule) => `${id} ${revision}`
