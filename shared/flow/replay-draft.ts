import type { Body } from '../events.ts'
import type { Decision, HistoryLine, Sent, TimerChange } from './decision.ts'
import { hasEnded, type ReplaySource, type ReplayState, sumOf } from './replay-state.ts'

const ERRANDS = 'hub_work'
/** At most 500 messages, or a second's worth: much longer than it takes. Whoever ran the errand may be gone, and the message dead. */
const ERRAND_LOST_MS = 60_000
/** Bound of a reason in the catalogue. */
const REASON_CHARS_MAX = 1_024
export const PACE = 'pace'

type Change = Extract<Decision<ReplayState>, { kind: 'change' }>
type Ending = 'completed' | 'cancelled' | 'stopped'

/** A job while an input is decided: the state as it becomes, and what is sent, timed and noted. */
export class ReplayDraft {
  readonly nowMs: number
  #state: ReplayState
  readonly #sent: Sent[] = []
  readonly #timers: TimerChange[] = []
  readonly #history: HistoryLine[] = []

  constructor(state: ReplayState, nowMs: number) {
    this.#state = state
    this.nowMs = nowMs
  }

  get state(): Readonly<ReplayState> {
    return this.#state
  }

  change(fields: Partial<ReplayState>): void {
    this.#state = { ...this.#state, ...fields }
  }

  changeSource(at: number, fields: Partial<ReplaySource>): void {
    this.change({ sources: this.#state.sources.map((source, i) => (i === at ? { ...source, ...fields } : source)) })
  }

  note(what: string, detail?: string): void {
    this.#history.push({ what, detail })
  }

  /** Has messages of a source moved, until so many have been. */
  ask(at: number): void {
    const { id, act, which, rule, rate, sources } = this.#state
    const source = sources[at]
    if (!source) return
    const { from, to, upTo } = source
    this.changeSource(at, { isAsked: true })
    const errand: Body = { type: 'REPLAY_ERRAND', job: id, ...{ act, from, to, which, rule, upTo, rate } }
    this.#sent.push({ body: errand, queue: ERRANDS })
    this.#timers.push({ arm: errandTimer(at), dueMs: this.nowMs + ERRAND_LOST_MS })
  }

  /** The errand of a source has been run. */
  answered(at: number): void {
    this.changeSource(at, { isAsked: false })
    this.#timers.push({ cancel: errandTimer(at) })
  }

  arm(name: string, dueMs: number): void {
    this.#timers.push({ arm: name, dueMs })
  }

  cancelTimer(name: string): void {
    this.#timers.push({ cancel: name })
  }

  /** The end, or a stop until somebody has it go on. */
  end(status: Ending, reason: string): void {
    const isOver = status !== 'stopped'
    this.change({ status, stopReason: isOver ? undefined : reason, endedMs: isOver ? this.nowMs : undefined })
    this.note(status, reason)
    this.#sent.push({ body: endOf(this.#state, status, reason) })
  }

  decision(): Change {
    const ended = hasEnded(this.#state)
    return {
      kind: 'change',
      state: this.#state,
      status: this.#state.status,
      ended,
      sent: this.#sent,
      // After the end there are none: whoever carries this out cancels every timer that is left.
      timers: ended ? [] : this.#timers,
      history: this.#history,
    }
  }
}

/** How a job ended, or why it does not go on. */
export const endOf = (state: ReplayState, status: Ending, reason: string): Body<'REPLAY_ENDED'> => ({
  type: 'REPLAY_ENDED',
  id: state.id,
  status,
  rule: state.rule,
  total: sumOf(state, 'count'),
  handled: state.handled,
  failed: state.failed,
  reason: reason.slice(0, REASON_CHARS_MAX),
})

const errandTimer = (at: number) => `errand:${at}`
/** The source whose errand a timer of this name is about. */
export const sourceOfTimer = (name: string) => (name.startsWith('errand:') ? Number(name.slice(7)) : undefined)
