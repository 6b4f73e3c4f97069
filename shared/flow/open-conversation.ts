import type { Conversation, ConversationChange, ConversationId, HistoryEntry } from '../store/conversations.ts'
import type { AnyKind, Conversing } from './any-kind.ts'
import type { Decision, HistoryLine, Origin } from './decision.ts'

const DETAIL_CHARS_MAX = 500

const NO_LOOKS = { label: null, attention: null }

export type Change = Extract<Decision<Conversing>, { kind: 'change' }>

/** A conversation in the hands of one transaction: as it was read, and what was made of it since. */
export class OpenConversation {
  readonly id: ConversationId
  /** Changed timers by name: the new due time, or undefined for one that was cancelled. */
  readonly timers = new Map<string, number | undefined>()
  /** Who opened it names it for all that follows. */
  origin: Origin
  readonly #stored: Conversation | undefined
  #conversing: Conversing | undefined
  #status: string
  #hasEnded: boolean
  #wasReopened = false
  #changes = 0
  readonly #history: HistoryEntry[] = []

  constructor({ kind, key }: ConversationId, stored: Conversation | undefined) {
    this.id = { kind, key }
    this.#stored = stored
    this.#status = stored?.status ?? ''
    this.#hasEnded = stored !== undefined && stored.endedAtMs !== null
    this.origin = {
      correlationId: stored?.correlationId ?? '',
      tenant: stored?.tenant ?? undefined,
      traceparent: stored?.traceparent ?? undefined,
    }
  }

  /** Whether there is such a conversation, stored or opened by this transaction. */
  get isThere(): boolean {
    return this.#stored !== undefined || this.#conversing !== undefined
  }

  get isStored(): boolean {
    return this.#stored !== undefined
  }

  get isChanged(): boolean {
    return this.#changes > 0
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /** By how much this transaction changes the number of open conversations. */
  get opened(): number {
    const wasOpen = this.#stored !== undefined && this.#stored.endedAtMs === null
    return Number(this.isThere && !this.#hasEnded) - Number(wasOpen)
  }

  /** Whether it ended before and goes on again: timers of the time before its end are none of its own. */
  get wasReopened(): boolean {
    return this.#wasReopened
  }

  /** Its state. Throws when what is stored cannot be read. */
  conversing(kind: AnyKind): Conversing {
    if (!this.#stored) return this.#conversing ?? kind.absent
    this.#conversing ??= kind.read(this.#stored.state)
    return this.#conversing
  }

  apply({ state, status, ended, history, timers }: Change, nowMs: number): void {
    this.#conversing = state
    this.#status = status
    if (this.#hasEnded && !ended) this.#wasReopened = true
    this.#hasEnded = ended
    this.#changes++
    for (const { what, detail } of history) this.#remember({ what, detail }, nowMs)
    if (ended) this.timers.clear()
    else for (const timer of timers) this.#setTimer(timer)
  }

  /** Adds a line to the history. */
  note(line: HistoryLine, nowMs: number): void {
    this.#remember(line, nowMs)
    this.#changes++
  }

  /** What is to be stored. */
  change(nowMs: number): ConversationChange {
    const stored = this.#stored
    const { label, attention } = this.#conversing ?? stored ?? NO_LOOKS
    const state = this.#conversing?.json() ?? stored?.state
    if (state === undefined) throw new Error(`The ${this.id.kind} ${this.id.key} was changed before it was opened.`)
    const readVersion = stored?.version ?? 0
    const to: Conversation = {
      ...this.id,
      version: readVersion + this.#changes,
      status: this.#status,
      label,
      attention,
      state,
      correlationId: this.origin.correlationId,
      tenant: this.origin.tenant ?? null,
      traceparent: this.origin.traceparent ?? null,
      // One that is opened again is as old as that, in lists and in the age of the oldest open one.
      createdAtMs: this.#wasReopened ? nowMs : (stored?.createdAtMs ?? nowMs),
      changedAtMs: nowMs,
      endedAtMs: this.#hasEnded ? this.#endedAtMs(nowMs) : null,
    }
    return { to, readVersion, history: this.#history }
  }

  #endedAtMs(nowMs: number): number {
    return this.#wasReopened ? nowMs : (this.#stored?.endedAtMs ?? nowMs)
  }

  #remember({ what, detail }: HistoryLine, atMs: number): void {
    this.#history.push({ atMs, what, detail: detail?.slice(0, DETAIL_CHARS_MAX) ?? null })
  }

  #setTimer(change: Change['timers'][number]): void {
    if ('arm' in change) this.timers.set(change.arm, change.dueMs)
    else this.timers.set(change.cancel, undefined)
  }
}
