import { z } from 'zod'
import type { Body } from '../events.ts'
import { type Decision, type HistoryLine, type Input, refuse, type Sent, type TimerChange } from './decision.ts'
import type { HubTerms } from './hub.ts'
import { findTooLarge, type HubCall, type HubState, statusOf, weighed } from './hub-state.ts'
import { sizeOf, VALUE_DEPTH_MAX } from './value-size.ts'

/** What the contract's functions keep, or why it cannot be read. */
type Own<S> = { readonly value: S } | { readonly fault: string }

/** A decision in the making: the state as it is to be, and what goes out with it. */
export class Draft<S> {
  readonly terms: HubTerms<S>
  readonly nowMs: number
  #state: HubState
  #own: Own<S> | undefined
  readonly #sent: Sent[] = []
  readonly #timers: TimerChange[] = []
  readonly #history: HistoryLine[] = []

  constructor(terms: HubTerms<S>, state: HubState, nowMs: number) {
    this.terms = terms
    this.nowMs = nowMs
    // The calls are the draft's own, because it puts them one by one.
    this.#state = { ...state, calls: [...state.calls] }
  }

  get state(): Readonly<HubState> {
    return this.#state
  }

  /** Since the request; a clock that was set back does not make it negative. */
  get durationMs(): number {
    return Math.max(0, this.nowMs - this.#state.createdAtMs)
  }

  /** What the contract's functions keep. Throws when it cannot be read. */
  get own(): S {
    const own = this.readOwn()
    if ('value' in own) return own.value
    throw new Error(
      `The ${this.terms.kind} ${this.#state.key} keeps a state that its contract cannot read: ${own.fault}. Deploy a contract that can.`,
    )
  }

  readOwn(): Own<S> {
    this.#own ??= read(this.terms.state, this.#state.own)
    return this.#own
  }

  /** Keeps what a function of the contract has returned. Throws when nobody could be told of it. */
  keep(own: S): void {
    const { depth } = sizeOf(own)
    if (depth > VALUE_DEPTH_MAX)
      throw new Error(
        `The ${this.terms.kind} ${this.#state.key} would keep a state that is nested ${depth} levels deep, at most ${VALUE_DEPTH_MAX} are kept.`,
      )
    this.#own = { value: own }
    this.#state = { ...this.#state, own }
  }

  change(fields: Partial<Omit<HubState, 'own'>>): void {
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
  decision(input: Input): Decision<HubState> {
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

function read<S>(schema: z.ZodType<S>, own: unknown): Own<S> {
  try {
    return { value: schema.parse(own) }
  } catch (error) {
    // A schema has functions of its author in it, which may throw anything.
    return { fault: error instanceof z.ZodError ? issuesOf(error) : String(error) }
  }
}

const issuesOf = ({ issues }: z.ZodError) =>
  issues.map(({ path, message }) => `${['state', ...path.map(String)].join('.')}: ${message}`).join('; ')
