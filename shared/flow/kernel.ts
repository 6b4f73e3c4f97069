import type { Event } from '../bus/envelope.ts'
import type { Arrived, Emission } from '../bus/stateful-consumer.ts'
import { topicMatches } from '../bus/topic-match.ts'
import { rowOf } from '../events.ts'
import type { ConversationId, ConversationTransaction, TimerId } from '../store/conversations.ts'
import { queues } from '../topology.ts'
import type { AnyKind } from './any-kind.ts'
import type { Input } from './decision.ts'
import { FIRE_MAX, Turn, type TurnOptions } from './turn.ts'

export type KernelOptions = Omit<TurnOptions, 'kinds' | 'queue'> & { readonly kinds: readonly AnyKind[] }

/** Who acts, and why: it stands in the history. */
export type Actor = { readonly actor: string; readonly reason: string }

const QUEUE = 'hub_consume'
/** Early events forgotten in one transaction. */
const EXPIRE_MAX = 500
/** A wake-up that has not come by then is lost; the sweep stands in for it. */
const WAKE_UP_LATE_MS = 60_000

/**
 * Runs conversations: finds the document that an event is for, has its kind decide, and writes what came of it, all within the
 * transaction that holds the event's inbox row. It keeps nothing in memory between transactions, so any number of open
 * conversations costs what happens in them and nothing else.
 */
export class Kernel {
  readonly #options: TurnOptions
  readonly #kinds: readonly AnyKind[]

  constructor({ kinds, ...options }: KernelOptions) {
    this.#kinds = kinds
    this.#options = { ...options, queue: QUEUE, kinds: new Map(kinds.map((kind) => [kind.name, kind])) }
  }

  /** Whether an event may be on the hub's queue: others are poison there. What is heard and nobody's business is ignored. */
  accepts({ type }: Event): boolean {
    const { key } = rowOf(type)
    return type === 'TIMERS_DUE' || queues[QUEUE].hears.some((pattern) => topicMatches(pattern, key))
  }

  /** Wake-ups only say "look": looking twice does no harm, and remembering each would fill the inbox. */
  isIdempotent(arrived: Arrived): boolean {
    return 'type' in arrived && arrived.type === 'TIMERS_DUE'
  }

  /** What `subscribeStateful` calls with events that were not handled before. */
  async handle(arrived: readonly Arrived[], tx: ConversationTransaction): Promise<readonly Emission[]> {
    const turn = new Turn(this.#options, tx)
    const addressed = arrived.map((one) => ({ one, id: 'stranger' in one ? undefined : this.#find(one) }))
    await turn.load(addressed.flatMap(({ id }) => id ?? []))
    const refused: Emission[] = []
    for (const { one, id } of addressed) {
      if ('stranger' in one) continue
      if (one.type === 'TIMERS_DUE') {
        await turn.fireDue()
        await turn.wakeAgain(one.data.slotMs)
      } else if (id === undefined) this.#options.bus.recorder.ignored(QUEUE)
      else {
        const decision = await turn.take(id, one)
        if (decision.kind === 'refuse') refused.push({ refused: one, reason: decision.reason })
      }
    }
    await turn.flush()
    return [...turn.rows.map((row) => ({ row })), ...refused]
  }

  /** Fires what is overdue, a slice, and forgets early events that nobody opened a conversation for; false when nothing is left. */
  async sweep(tx: ConversationTransaction): Promise<boolean> {
    const turn = new Turn(this.#options, tx)
    const nowMs = this.#options.bus.clock.now()
    const fired = await turn.fireDue()
    const expired = await tx.expireEarly(nowMs - this.#options.earlyKeepMs, EXPIRE_MAX)
    for (const { kind, key } of expired) turn.ignore(kind, 'unknown', { type: 'early event', key })
    await turn.wakeAgain(nowMs - WAKE_UP_LATE_MS)
    await this.#end(turn, tx)
    return fired === FIRE_MAX || expired.length === EXPIRE_MAX
  }

  /** Has an operator act on a conversation. */
  async act(tx: ConversationTransaction, id: ConversationId, act: Extract<Input, { act: string }>) {
    const turn = new Turn(this.#options, tx)
    const outcome = await turn.act(id, act)
    await this.#end(turn, tx)
    return outcome
  }

  /** Fires a timer now, whenever it is due; false when it is not there, or was armed again since `token`. */
  fire(tx: ConversationTransaction, id: TimerId, by: Actor, token?: number): Promise<boolean> {
    return this.#onTimer(tx, id, token, async (turn, timer) => {
      await turn.note(id, line(`timer ${id.name} fired`, by))
      await turn.fire(timer)
    })
  }

  /** Takes a timer away: its conversation may then wait for ever. */
  cancelTimer(tx: ConversationTransaction, id: TimerId, by: Actor, token?: number): Promise<boolean> {
    return this.#onTimer(tx, id, token, (turn) => turn.note(id, line(`timer ${id.name} cancelled`, by)))
  }

  /** Gives a timer another due time. */
  moveTimer(
    tx: ConversationTransaction,
    id: TimerId,
    move: Actor & { readonly dueMs: number },
    token?: number,
  ): Promise<boolean> {
    return this.#onTimer(tx, id, token, async (turn) => {
      await turn.note(id, line(`timer ${id.name} moved to ${new Date(move.dueMs).toISOString()}`, move))
      await turn.arm(id, move.dueMs)
    })
  }

  async #onTimer(
    tx: ConversationTransaction,
    id: TimerId,
    token: number | undefined,
    act: (turn: Turn, timer: Parameters<Turn['fire']>[0]) => Promise<void>,
  ): Promise<boolean> {
    const timer = await tx.takeTimer(id, token)
    if (!timer) return false
    const turn = new Turn(this.#options, tx)
    await act(turn, timer)
    await this.#end(turn, tx)
    return true
  }

  async #end(turn: Turn, tx: ConversationTransaction): Promise<void> {
    await turn.flush()
    await tx.enqueue(turn.rows)
  }

  #find(event: Event): ConversationId | undefined {
    for (const { name, keyOf } of this.#kinds) {
      const key = keyOf(event)
      if (key !== undefined) return { kind: name, key }
    }
    return undefined
  }
}

const line = (what: string, { actor, reason }: Actor) => ({ what, detail: `${actor}: ${reason}` })
