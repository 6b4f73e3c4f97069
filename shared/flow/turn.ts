import type { Message } from '../bus/broker.ts'
import type { Bus } from '../bus/bus.ts'
import type { Event } from '../bus/envelope.ts'
import { newId, timerId } from '../bus/ids.ts'
import type {
  ConversationId,
  ConversationTransaction,
  EarlyEvent,
  IgnoredCount,
  Timer,
  TimerId,
} from '../store/conversations.ts'
import { inTimer, tellDecision, tracedBy } from '../tracing/decision-span.ts'
import { type AnyKind, addresseeOf, type Conversing } from './any-kind.ts'
import { type Decision, type HistoryLine, type Ignored, type Input, type Origin, refuse } from './decision.ts'
import { eventOf, toText } from './early-events.ts'
import { OpenConversation } from './open-conversation.ts'
import { type Following, messageOf, readBack, slotOf, wakeUp } from './sent-messages.ts'
import { TurnMessages } from './turn-messages.ts'

export type TurnOptions = {
  readonly bus: Bus
  readonly queue: string
  readonly kinds: ReadonlyMap<string, AnyKind>
  /** How long an event waits for its conversation. */
  readonly earlyKeepMs: number
  /** Kinds whose timers stand still while messages of their thread are set aside; missing: none. */
  readonly frozenWhileParked?: ReadonlySet<string> | undefined
  /** Told how late a timer fired. */
  readonly onFired: (latenessMs: number) => void
  readonly onIgnored: (kind: string, why: Ignored) => void
}

/** Early events of all conversations together, and of one: a flood of them is somebody's mistake, and must not fill the disk. */
const EARLY_MAX = { countMax: 100_000, bytesMax: 256 * 1_048_576, perConversationMax: 10_000 }
/** Timers fired in one transaction. */
const FIRE_MAX = 250
/** Documents held at once while timers fire: each may have a megabyte, and a hub that is short of memory at its start never starts. */
const HELD_MAX = 25
/** Wake-ups of a busy system take some 100 ms to come; one that takes longer is not waited for. */
const OVERDUE_MS = 1_000
/** A wake-up that has not come by then is lost. */
const WAKE_UP_LATE_MS = 60_000
/** A timer whose decision failed comes again after this: one broken conversation must not keep the others' timers waiting. */
const FIRE_AGAIN_MS = 60_000
/** A rule asks for a job, the job says how it ended, the rule asks for the next thing: no chain is as long. One that is goes on over the bus. */
const OWN_MAX = 10

/**
 * One transaction's work of the kernel: inputs are decided one after another on documents in memory, and `flush` writes what came of
 * them, and puts what is to be sent into the outbox, in order.
 */
export class Turn {
  readonly #messages = new TurnMessages()
  readonly #options: TurnOptions
  readonly #tx: ConversationTransaction
  readonly #open = new Map<string, OpenConversation>()
  readonly #early: EarlyEvent[] = []
  readonly #ignored = new Map<string, IgnoredCount>()
  /** Opened while messages of their thread are set aside. */
  readonly #openedParked: ConversationId[] = []
  readonly #nowMs: number

  constructor(options: TurnOptions, tx: ConversationTransaction) {
    this.#options = options
    this.#tx = tx
    this.#nowMs = options.bus.clock.now()
  }

  /** Loads the documents that the turn will need, all at once. */
  async load(ids: readonly ConversationId[]): Promise<void> {
    const missing = ids.filter((id) => !this.#open.has(textOf(id)))
    if (missing.length === 0) return
    const stored = new Map((await this.#tx.findConversations(missing)).map((one) => [textOf(one), one]))
    for (const id of missing) this.#open.set(textOf(id), new OpenConversation(id, stored.get(textOf(id))))
  }

  /** Decides an event; `refuse` is for the caller to carry out. */
  async take(id: ConversationId, event: Event): Promise<Decision<Conversing>> {
    const decision = await this.#take(id, event)
    await this.#hearOwn()
    return decision
  }

  /** Decides an operator's act. */
  async act(id: ConversationId, input: Extract<Input, { act: string }>): Promise<'done' | 'not-found' | 'ended'> {
    const open = await this.#get(id)
    if (!open.isThere) return 'not-found'
    const decision = await this.#decide(open, input, { id: newId(this.#nowMs), position: 0 }, open.origin)
    await this.#hearOwn()
    return decision.kind === 'change' ? 'done' : 'ended'
  }

  /** Fires what is due, a slice. */
  async fireDue(): Promise<void> {
    await this.flush()
    const due = await this.#tx.takeDueTimers(this.#nowMs, FIRE_MAX)
    for (let from = 0; from < due.length; from += HELD_MAX) {
      const held = due.slice(from, from + HELD_MAX)
      this.#open.clear()
      await this.load(held)
      for (const timer of held) await this.#fireOrPostpone(timer)
      await this.flush()
    }
  }

  /** Fires a timer that was taken from the store. Throws what its decision throws. */
  async fire(timer: Timer): Promise<void> {
    const open = await this.#get(timer)
    // Another timer of the slice may have ended the conversation, or cancelled or moved this one, since it was taken.
    if (!open.isThere || open.hasEnded || open.timers.has(timer.name)) return
    const input = { timer: timer.name, dueMs: timer.dueMs }
    const cause = { id: timerId(timer), position: 0 }
    const firing = { ...timer, nowMs: this.#nowMs }
    await inTimer(open.origin, firing, (origin) => this.#decide(open, input, cause, origin))
    await this.#hearOwn()
  }

  async #fireOrPostpone(timer: Timer): Promise<void> {
    this.#options.onFired(this.#nowMs - timer.dueMs)
    try {
      await this.fire(timer)
    } catch (error) {
      this.#options.bus.log.error({ err: error, ...timer }, 'a timer could not be decided; it comes again in a minute')
      await this.arm(timer, this.#nowMs + FIRE_AGAIN_MS)
    }
  }

  /** Adds a line to the history of a conversation, if there is one. */
  async note(id: ConversationId, line: HistoryLine): Promise<void> {
    const open = await this.#get(id)
    if (open.isThere) open.note(line, this.#nowMs)
  }

  async arm({ name, ...id }: TimerId, dueMs: number): Promise<void> {
    const open = await this.#get(id)
    open.timers.set(name, dueMs)
  }

  /** Wake-ups have arrived: forgets them, and sees to it that there is one for what is left. */
  async wakeAgain(slotsMs: readonly number[]): Promise<void> {
    await this.flush()
    for (const slotMs of slotsMs) await this.#tx.removeWakeup(slotMs)
    // Of those that were due long ago nobody knows where they are.
    await this.#tx.removeWakeups(this.#nowMs - WAKE_UP_LATE_MS)
    const next = await this.#tx.nextTimerDue()
    // One is on its way already, unless more was due than fits into one slice, or a clock was set back since it was sent.
    if (next !== undefined) await this.#wakeAt([slotOf(next)])
  }

  /** Puts a wake-up behind what waits in the queue, when something is overdue for longer than one takes to come. */
  async wakeOverdue(): Promise<void> {
    // While the broker is away each sweep would put one more into the outbox.
    if (this.#options.bus.broker.state !== 'up') return
    const next = await this.#tx.nextTimerDue()
    if (next === undefined || next > this.#nowMs - OVERDUE_MS) return
    await this.#tx.removeWakeup(slotOf(next))
    await this.#wakeAt([slotOf(next)])
  }

  /** Counts an input that changed nothing. */
  ignore(kind: string, why: Ignored, about: { readonly type: string; readonly key: string }): void {
    this.#options.onIgnored(kind, why)
    const id = JSON.stringify([kind, why, about.type])
    const count = (this.#ignored.get(id)?.count ?? 0) + 1
    this.#ignored.set(id, { kind, why, type: about.type, count, lastKey: about.key, lastAtMs: this.#nowMs })
  }

  /** Writes everything decided so far. */
  async flush(): Promise<void> {
    const touched = [...this.#open.values()].filter(({ isChanged, timers }) => isChanged || timers.size > 0)
    const changes = touched.filter(({ isChanged }) => isChanged).map((open) => open.change(this.#nowMs))
    if (changes.length > 0) await this.#tx.saveConversations(changes)
    await this.#flushTimers(touched)
    if (this.#openedParked.length > 0) await this.#tx.frozen.freeze(this.#openedParked.splice(0), this.#nowMs)
    await this.#flushEarly()
    const rows = this.#messages.takeRows()
    if (rows.length > 0) await this.#tx.enqueue(rows)
    if (this.#ignored.size > 0) await this.#tx.countIgnored([...this.#ignored.values()])
    this.#ignored.clear()
    for (const { to } of changes) this.#open.set(textOf(to), new OpenConversation(to, to))
  }

  async #take(id: ConversationId, event: Event): Promise<Decision<Conversing>> {
    const open = await this.#get(id)
    const decision = await this.#decide(open, { event }, { id: event.meta.id, position: 0 }, event.meta)
    if (decision.kind === 'early') this.#early.push({ ...open.id, event: toText(event), atMs: this.#nowMs })
    return decision
  }

  /** Decides what conversations have said to each other; what cannot be goes to the hub's queue, to be dealt with there. */
  async #hearOwn(): Promise<void> {
    for (let heard = 0; ; heard++) {
      const message = this.#messages.takeOwn()
      if (!message) return
      if (heard >= OWN_MAX || !(await this.#hear(message))) this.#messages.sendOwn(message)
    }
  }

  /** False when it is nobody's business, or refused. */
  async #hear(message: Message): Promise<boolean> {
    const event = readBack(message)
    const id = 'data' in event ? addresseeOf(this.#options.kinds.values(), event) : undefined
    return 'data' in event && id !== undefined && (await this.#take(id, event)).kind !== 'refuse'
  }

  async #get(id: ConversationId): Promise<OpenConversation> {
    await this.load([id])
    const open = this.#open.get(textOf(id))
    if (!open) throw new Error(`The ${id.kind} ${id.key} was not loaded.`)
    return open
  }

  async #decide(open: OpenConversation, input: Input, cause: Following, sender: Origin): Promise<Decision<Conversing>> {
    const kind = this.#options.kinds.get(open.id.kind)
    if (!kind) throw new Error(`Nobody decides conversations of the kind ${open.id.kind}.`)
    const decision = await this.#bounded(open, open.conversing(kind).decide(input, this.#nowMs))
    const isOpening = decision.kind === 'change' && !open.isThere
    const isReopening = decision.kind === 'change' && open.hasEnded && !decision.ended
    const origin = open.isThere && !isReopening ? open.origin : originOf(sender)
    // First of all, because it throws when a message is too large: then nothing may have changed.
    const messages = this.#messagesOf(decision, { origin: tracedBy(origin, sender), cause, queue: this.#options.queue })
    tellDecision(sender, open.id, decision.kind)
    open.origin = origin
    if (decision.kind === 'change') open.apply(decision, this.#nowMs)
    if (decision.kind === 'ignore') this.ignore(open.id.kind, decision.why, { type: nameOf(input), key: open.id.key })
    this.#messages.send(...messages)
    if (isOpening) await this.#freezeIfParked(open)
    if (isOpening) await this.#takeEarly(open)
    return decision
  }

  /** A decision to open one more of its kind than there may be is a refusal. */
  async #bounded(open: OpenConversation, decision: Decision<Conversing>): Promise<Decision<Conversing>> {
    if (decision.kind !== 'change' || !decision.unlessOpen || (open.isThere && !open.hasEnded)) return decision
    const { kind } = open.id
    let count = await this.#tx.countOpen(kind)
    for (const { id, opened } of this.#open.values()) if (id.kind === kind) count += opened
    return count < decision.unlessOpen.count ? decision : refuse(decision.unlessOpen.reason)
  }

  #messagesOf(decision: Decision<Conversing>, about: Parameters<typeof messageOf>[2]): readonly Message[] {
    if (decision.kind === 'early') return []
    return (decision.sent ?? []).map((sent) => messageOf(this.#options.bus, sent, about))
  }

  async #freezeIfParked(open: OpenConversation): Promise<void> {
    if (!this.#options.frozenWhileParked?.has(open.id.kind)) return
    if (!(await this.#tx.frozen.isParked(open.origin.correlationId))) return
    open.note({ what: 'timers frozen', detail: 'messages of its thread are set aside' }, this.#nowMs)
    this.#openedParked.push(open.id)
  }

  /** What came before the conversation opened counts now, in the order in which it came. */
  async #takeEarly(open: OpenConversation): Promise<void> {
    await this.#flushEarly()
    const kept = await this.#tx.takeEarly(open.id, this.#nowMs - this.#options.earlyKeepMs)
    for (const { event: text } of kept) {
      const event = eventOf(text)
      const decision = await this.#decide(open, { event }, { id: event.meta.id, position: 0 }, event.meta)
      // Its delivery is settled: what is left is to say so.
      if (decision.kind === 'refuse')
        open.note({ what: 'early event refused', detail: `${event.meta.id}: ${decision.reason}` }, this.#nowMs)
    }
  }

  async #flushEarly(): Promise<void> {
    const early = this.#early.splice(0)
    if (early.length === 0) return
    for (const { kind, key, event } of await this.#tx.keepEarly(early, EARLY_MAX))
      this.ignore(kind, 'unknown', { type: eventOf(event).type, key })
  }

  async #flushTimers(touched: readonly OpenConversation[]): Promise<void> {
    const ended = touched.filter(({ hasEnded, wasReopened, isStored }) => (hasEnded || wasReopened) && isStored)
    if (ended.length > 0) await this.#tx.cancelTimersOf(ended.map(({ id }) => id))
    const changes = touched.flatMap(({ id, timers }) => [...timers].map(([name, dueMs]) => ({ ...id, name, dueMs })))
    for (const { timers } of touched) timers.clear()
    const cancelled = changes.filter(({ dueMs }) => dueMs === undefined)
    if (cancelled.length > 0) await this.#tx.cancelTimers(cancelled)
    const armed = changes.flatMap(({ dueMs, ...id }) => (dueMs === undefined ? [] : [{ ...id, dueMs }]))
    if (armed.length === 0) return
    await this.#tx.armTimers(armed)
    await this.#wakeAt(armed.map(({ dueMs }) => slotOf(dueMs)))
  }

  /** Sends a wake-up for each of these times that has none on its way. */
  async #wakeAt(slotsMs: readonly number[]): Promise<void> {
    const { bus, queue } = this.#options
    for (const slotMs of await this.#tx.addWakeups([...new Set(slotsMs)]))
      this.#messages.send(wakeUp(bus, { id: newId(this.#nowMs), slotMs, queue }))
  }
}

const originOf = ({ correlationId, tenant, traceparent }: Origin): Origin => ({ correlationId, tenant, traceparent })
const textOf = ({ kind, key }: ConversationId) => `${kind} ${key}`
const nameOf = (input: Input) => ('event' in input ? input.event.type : 'timer' in input ? 'timer' : input.act)
