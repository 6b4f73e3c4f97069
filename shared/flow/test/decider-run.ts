import type { Body } from '../../events.ts'
import { rowOf } from '../../events.ts'
import type { Decision, HistoryLine, Input, Kind, Sent } from '../decision.ts'
import { inputOf } from './group-run.ts'

export const START_MS = Date.parse('2030-01-01T00:00:00Z')

/**
 * One conversation of any kind, as a hub would run it that is killed after every input: the state goes through JSON and its schema
 * each time. What is sent has to be what the catalogue says, and every input is said to have come at `nowMs`.
 */
export class DeciderRun<S> {
  readonly #kind: Kind<S>
  state: S | undefined
  nowMs = START_MS
  last: Decision<S> | undefined
  readonly sent: Sent[] = []
  readonly history: HistoryLine[] = []
  readonly timers = new Map<string, number>()
  hasEnded = false

  constructor(kind: Kind<S>) {
    this.#kind = kind
  }

  /** Decides, and gives the status, why it was ignored, or `refuse: <reason>`. */
  take(input: Body | Input): string {
    return this.#decide('type' in input ? inputOf(input) : input)
  }

  /** Fires a timer, if it is armed. */
  fire(timer: string): string {
    const dueMs = this.timers.get(timer)
    this.last = undefined
    if (dueMs === undefined) return 'not armed'
    this.timers.delete(timer)
    this.nowMs = Math.max(this.nowMs, dueMs)
    return this.#decide({ timer, dueMs })
  }

  #decide(input: Input): string {
    const decision = this.#kind.decide(this.state, input, this.nowMs)
    this.last = decision
    if (decision.kind !== 'early') for (const one of decision.sent ?? []) this.#send(one)
    if (decision.kind === 'ignore') return decision.why
    if (decision.kind === 'refuse') return `refuse: ${decision.reason}`
    if (decision.kind === 'early') return 'early'
    this.#apply(decision)
    return decision.status
  }

  #apply({ state, history, timers, ended }: Extract<Decision<S>, { kind: 'change' }>): void {
    this.state = this.#kind.state.parse(JSON.parse(JSON.stringify(state)))
    this.history.push(...history)
    if (ended || this.hasEnded) this.timers.clear()
    this.hasEnded = ended
    for (const timer of timers)
      if ('arm' in timer) this.timers.set(timer.arm, timer.dueMs)
      else this.timers.delete(timer.cancel)
  }

  #send(sent: Sent): void {
    if ('body' in sent) rowOf(sent.body.type).body.parse(JSON.parse(JSON.stringify(sent.body)))
    this.sent.push(sent)
  }

  /** Takes out what was sent since. */
  taken(): readonly Sent[] {
    return this.sent.splice(0)
  }

  /** Bodies of a type that were sent and not taken out. */
  bodies<T extends Body['type']>(type: T): (Body & { readonly type: T })[] {
    return this.sent.flatMap((one) => ('body' in one && isOf(one.body, type) ? [one.body] : []))
  }

  view(): Readonly<Record<string, unknown>> {
    return this.#kind.view(this.opened, this.nowMs)
  }

  get opened(): S {
    if (this.state === undefined) throw new Error('There is no such conversation.')
    return this.state
  }

  /** What is in the history, with details. */
  get story(): string[] {
    return this.history.map(({ what, detail }) => (detail === undefined ? what : `${what}: ${detail}`))
  }
}

const isOf = <T extends Body['type']>(body: Body, type: T): body is Body & { readonly type: T } => body.type === type
