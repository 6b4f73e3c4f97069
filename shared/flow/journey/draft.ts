import type { Json } from '../../events.ts'
import type { Decision, HistoryLine, Sent, TimerChange } from '../decision.ts'
import { bytesOf, STATE_BYTES_MAX } from '../hub-state.ts'
import { sizeOf, VALUE_DEPTH_MAX } from '../value-size.ts'
import type { CallName } from './call-names.ts'
import type { Definition, Definitions, Step } from './definition.ts'
import { findNoRoom } from './room.ts'
import { type Call, hasEnded, type JourneyState, type JourneyStep } from './state.ts'

/** What journeys are decided by, besides their own state. */
export type JourneyTerms = {
  readonly definitions: Definitions
  /** Whether somebody outside wants to hear of journeys that need a person. */
  readonly hasWebhook: boolean
}

type Change = Extract<Decision<JourneyState>, { kind: 'change' }>

/** A journey while an input is decided: the state as it becomes, and what is sent, timed and noted. */
export class JourneyDraft {
  readonly terms: JourneyTerms
  readonly nowMs: number
  #state: JourneyState
  #definition: Definition | undefined
  #bytes: number | undefined
  readonly #steps: Map<string, JourneyStep>
  readonly #sent: Sent[] = []
  readonly #timers: TimerChange[] = []
  readonly #history: HistoryLine[] = []

  constructor(terms: JourneyTerms, state: JourneyState, nowMs: number) {
    this.terms = terms
    this.nowMs = nowMs
    this.#state = state
    this.#steps = new Map(state.steps.map((step) => [step.name, step]))
  }

  /** But for the steps, which `step` and `steps` have. */
  get state(): Readonly<Omit<JourneyState, 'steps'>> {
    return this.#state
  }

  /** Steps whose turn has come. */
  get steps(): Iterable<JourneyStep> {
    return this.#steps.values()
  }

  /** What it keeps to. Throws when the hub does not have it. */
  get definition(): Definition {
    const { id, type, version } = this.#state
    this.#definition ??= this.terms.definitions.find(type, version)
    if (this.#definition) return this.#definition
    throw new Error(
      `The journey ${id} keeps to ${type} version ${version}, which this hub does not have: it goes on when the hub reads its definitions again.`,
    )
  }

  /** A step of the definition. Throws when there is none of this name. */
  defined(name: string): Step {
    const step = this.definition.steps.find((one) => one.name === name)
    if (step) return step
    throw new Error(
      `${this.#state.type} version ${this.#state.version} has no step ${name}, but the journey ${this.#state.id} has.`,
    )
  }

  step(name: string): JourneyStep | undefined {
    return this.#steps.get(name)
  }

  find({ step, isUndo }: CallName): Call | undefined {
    const found = this.#steps.get(step)
    return isUndo ? found?.undo : found
  }

  change(fields: Partial<Omit<JourneyState, 'steps' | 'id' | 'revision'>>): void {
    this.#state = { ...this.#state, ...fields }
  }

  putStep(step: JourneyStep): void {
    this.#steps.set(step.name, step)
  }

  /** Puts a call in the place of what it was; what takes a step back belongs to one that is there. */
  put({ step, isUndo }: CallName, call: Call): void {
    const before = this.#steps.get(step)
    if (!isUndo) this.putStep({ ...before, ...call, name: step })
    else if (before) this.putStep({ ...before, undo: call })
  }

  /** Why a value cannot be kept, by itself or beside all else; undefined when it can, and then it is counted. */
  findNoRoom(name: string, value: Json | undefined, depthMax = VALUE_DEPTH_MAX): string | undefined {
    if (value === undefined) return undefined
    const size = sizeOf(value)
    const fault = findNoRoom(name, size, this.#keptBytes, depthMax)
    if (fault === undefined) this.#bytes = this.#keptBytes + size.bytes
    return fault
  }

  /** A text, or no more of it than there is room for. */
  cut(text: string, charsMax: number): string {
    const short = text.slice(0, charsMax)
    const bytes = this.#keptBytes + Buffer.byteLength(short)
    if (bytes > STATE_BYTES_MAX) return NO_ROOM
    this.#bytes = bytes
    return short
  }

  get #keptBytes(): number {
    this.#bytes ??= bytesOf(this.#state)
    return this.#bytes
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

  decision(): Change {
    const ended = hasEnded(this.#state)
    return {
      kind: 'change',
      state: { ...this.#state, revision: this.#state.revision + 1, steps: [...this.#steps.values()] },
      status: this.#state.status,
      ended,
      sent: this.#sent,
      // After the end there are none: whoever carries this out cancels every timer that is left.
      timers: ended ? [] : this.#timers,
      history: this.#history,
    }
  }
}

const NO_ROOM = '(no room for the text)'
