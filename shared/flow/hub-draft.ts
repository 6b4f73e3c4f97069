import type { Body } from '../events.ts'
import { type Decision, type HistoryLine, type Input, refuse, type Sent, type TimerChange } from './decision.ts'
import type { HubTerms } from './hub.ts'
import { findTooLarge, type HubCall, type HubState, statusOf, weighed } from './hub-state.ts'

/** A decision in the making: the state as it is to be, and what goes out with it. */
export class Draft<S> {
  readonly terms: HubTerms<S>
  readonly nowMs: number
  #state: HubState<S>
  readonly #sent: Sent[] = []
  readonly #timers: TimerChange[] = []
  readonly #history: HistoryLine[] = []

  constructor(terms: HubTerms<S>, state: HubState<S>, nowMs: number) {
    this.terms = terms
    this.nowMs = nowMs
    // The calls are the draft's own, because it puts them one by one.
    this.#state = { ...state, calls: [...state.calls] }
  }

  get state(): Readonly<HubState<S>> {
    return this.#state
  }

  /** Since the request; a clock that was set back does not make it negative. */
  get durationMs(): number {
    return Math.max(0, this.nowMs - this.#state.createdAtMs)
  }

  change(fields: Partial<HubState<S>>): void {
    this.#state = { ...this.#state, ...fields }
  }

  /** Adds a call, or puts it in the place of what it was; gives it back as it is kept. */
  put(call: HubCall): HubCall {
    const kept = weighed(call)
    this.#state.calls[call.n - 1] = kept
    return kept
  }

  send(...sent: readonly Sent[]): void {
    this.#sent.push(...sent)
  }

  arm(name: string, dueMs: number): void {
    this.#timers.push({ arm: name, dueMs })
  }

  cancel(name: string): void {
    this.#timers.push({ cancel: name })
  }

  note(what: string, detail?: string): void {
    this.#history.push({ what, detail })
  }

  /** The end: the one reply, to everyone and once more to each who waits for it. */
  end(status: 'success' | 'error', reply: Body): void {
    this.change({ end: { status, atMs: this.nowMs, reply } })
    this.send({ body: reply }, ...this.#state.askers.map((to) => ({ body: reply, to })))
  }

  /** What comes of the input. A message that makes the conversation too large is refused. Throws when a timer does. */
  decision(input: Input): Decision<HubState<S>> {
    const tooLarge = findTooLarge(this.#state)
    if (tooLarge !== undefined) {
      if ('event' in input) return refuse(tooLarge)
      throw new Error(`The ${this.terms.kind} ${this.#state.key} cannot go on: ${tooLarge}.`)
    }
    const ended = this.#state.end !== undefined
    return {
      kind: 'change',
      state: this.#state,
      status: statusOf(this.#state),
      ended,
      sent: this.#sent,
      // After the end there are none: whoever carries this out cancels every timer that is left.
      timers: ended ? [] : this.#timers,
      history: this.#history,
    }
  }
}
