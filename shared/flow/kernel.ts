import type { Message } from '../bus/broker.ts'
import type { Event } from '../bus/envelope.ts'
import type { Arrived, Emission } from '../bus/stateful-consumer.ts'
import { topicMatches } from '../bus/topic-match.ts'
import { catalogue, isEventType, rowOf } from '../events.ts'
import type { ConversationId, ConversationTransaction, TimerId } from '../store/conversations.ts'
import type { OutboxRow } from '../store/store.ts'
import { queues } from '../topology.ts'
import { type AnyKind, addresseeOf } from './any-kind.ts'
import type { Input } from './decision.ts'
import { freezeThread, thawThread } from './frozen-timers.ts'
import { messageOfRow } from './sent-messages.ts'
import { Turn, type TurnOptions } from './turn.ts'

export type KernelOptions = Omit<TurnOptions, 'kinds' | 'queue'> & { readonly kinds: readonly AnyKind[] }

/** Who acts, and why: it stands in the history. */
export type Actor = { readonly actor: string; readonly reason: string }

const QUEUE = 'hub_consume'
/** Early events forgotten in one transaction. */
const EXPIRE_MAX = 500
/** What comes straight to the hub's queue, and not under a key that it hears. */
const direct: ReadonlySet<string> = new Set([
  'TIMERS_DUE',
  'REPLAY_REQUESTED',
  'REPLAY_COMMAND',
  'JOURNEY_RELEASED',
  'JOURNEY_OVERDUE',
  'REMEDIATION_COMMAND',
  'REMEDIATION_DONE',
  'REMEDIATION_TICKET',
  'REMEDIATION_REQUESTED',
])
/**
 * Matched once: asked for every event, it took as long as parsing one. A row that never crosses the exchange is not meant for this queue
 * whatever its key is: a record of the stream of rules that came under `sidelines.*` would be a rule that no consumer has heard of.
 */
const accepted: ReadonlySet<string> = new Set(
  Object.keys(catalogue)
    .filter(isEventType)
    .filter((type) => {
      const { key, direct: isDirect } = rowOf(type)
      return direct.has(type) || (!isDirect && queues[QUEUE].hears.some((heard) => topicMatches(heard, key)))
    }),
)

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
    return accepted.has(type)
  }

  /** Wake-ups only say "look": looking twice does no harm, and remembering each would fill the inbox. */
  isIdempotent(arrived: Arrived): boolean {
    return 'type' in arrived && arrived.type === 'TIMERS_DUE'
  }

  /** The message to publish for a row of its outbox, whenever the relay comes to it. */
  messageOf(row: OutboxRow): Message {
    return messageOfRow(this.#options.bus, row, QUEUE)
  }

  /** What `subscribeStateful` calls with events that were not handled before. */
  async handle(arrived: readonly Arrived[], tx: ConversationTransaction): Promise<readonly Emission[]> {
    const turn = new Turn(this.#options, tx)
    const addressed = arrived.map((one) => ({
      one,
      id: 'stranger' in one ? undefined : addresseeOf(this.#kinds, one),
    }))
    await turn.load(addressed.flatMap(({ id }) => id ?? []))
    const refused: Emission[] = []
    const slotsMs: number[] = []
    for (const { one, id } of addressed) {
      if ('stranger' in one) continue
      if (one.type === 'TIMERS_DUE') slotsMs.push(one.data.slotMs)
      else if (id === undefined) this.#options.bus.recorder.ignored(QUEUE)
      else {
        const decision = await turn.take(id, one)
        if (decision.kind === 'refuse') refused.push({ refused: one, reason: decision.reason })
      }
    }
    // Once and last: after a pause a batch may be wake-ups only, and what came with them came before anybody could fire.
    if (slotsMs.length > 0) {
      await turn.fireDue()
      await turn.wakeAgain(slotsMs)
    }
    await turn.flush()
    return refused
  }

  /**
   * Stands in for wake-ups that were lost: when something is overdue, another goes to the end of the queue, behind the answers that wait
   * there and came in time. Forgets early events that nobody opened a conversation for, a slice; true when more of them are left.
   */
  async sweep(tx: ConversationTransaction): Promise<boolean> {
    const turn = new Turn(this.#options, tx)
    const expired = await tx.expireEarly(this.#options.bus.clock.now() - this.#options.earlyKeepMs, EXPIRE_MAX)
    for (const { kind, key } of expired) turn.ignore(kind, 'unknown', { type: 'early event', key })
    if (expired.length === 0) await turn.wakeOverdue()
    await turn.flush()
    return expired.length > 0
  }

  /** Has an operator act on a conversation. */
  async act(tx: ConversationTransaction, id: ConversationId, act: Extract<Input, { act: string }>) {
    const turn = new Turn(this.#options, tx)
    const outcome = await turn.act(id, act)
    await turn.flush()
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
      // A time that has passed is now: slots have no numbers below zero.
      await turn.arm(id, Math.max(move.dueMs, this.#options.bus.clock.now()))
    })
  }

  /**
   * A message of this thread was set aside at `atMs`: timers of its conversations whose kind is `frozenWhileParked` stand still, but for
   * those that were due by then. Gives back how many; saying it again does no harm. To be called before `handle` fires what is due.
   */
  onParked(tx: ConversationTransaction, correlationId: string, atMs: number): Promise<number> {
    return freezeThread(this.#options, tx, { correlationId, atMs })
  }

  /**
   * A message of this thread is no longer set aside since `atMs`. When it was the last one (`stillParked` is 0), timers that stand still
   * go on: each is due later by exactly as long as it stood. Gives back how many.
   */
  async onReleased(
    tx: ConversationTransaction,
    correlationId: string,
    atMs: number,
    stillParked: number,
  ): Promise<number> {
    return stillParked > 0 ? 0 : thawThread(this.#options, tx, { correlationId, atMs })
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
    await turn.flush()
    return true
  }
}

const line = (what: string, { actor, reason }: Actor) => ({ what, detail: `${actor}: ${reason}` })
