import { expect } from 'vitest'
import type { Body } from '../../../events.ts'
import { splitCallId } from '../call-names.ts'
import type { Definition } from '../definition.ts'
import { type Call, isWaiting, type JourneyState } from '../state.ts'
import { JourneyRun } from './journey-run.ts'

export type Request = Body<'ACTIVITY_REQUESTED'>
/** Everything that a journey was seen to do, checked at every input. */
export class Witness {
  readonly run: JourneyRun
  readonly definition: Definition
  readonly requests: Request[] = []
  /** Steps in the order in which they were done, or became so that nobody knows. */
  order: string[] = []
  ends = 0
  readonly causes = new Set<string>()

  constructor(definition: Definition) {
    this.definition = definition
    this.run = new JourneyRun(definition)
    this.see(() => this.run.initiate())
  }

  get waiting(): Request[] {
    return this.requests.filter(({ callId, attempt }) => {
      const call = callIn(this.run.opened, callId)
      return call?.state === 'running' && call.attempt === attempt
    })
  }

  /** Has something happen, and looks at what it did. */
  see(happen: () => string): string {
    const before = this.run.state
    const hadEnded = this.run.hasEnded
    const result = happen()
    const after = this.run.opened
    const sent = this.run.taken().flatMap((one) => ('body' in one ? [one.body] : []))
    this.#checkRequests(sent, after)
    checkHalt(before, after, sent)
    this.#checkOnce(before, after)
    this.#checkTimers(after)
    this.order = orderAfter(this.order, before, after)
    for (const body of sent) {
      if (body.type === 'JOURNEY_NEEDS_REMEDIATION') this.causes.add(body.cause)
      if (isEnd(body)) this.ends++
    }
    if (hadEnded)
      expect({ sent: sent.filter(({ type }) => type !== 'JOURNEY_REJECTED'), after }).toEqual({
        sent: [],
        after: before,
      })
    if (after.status === 'COMPENSATED') this.#checkCompensation(after)
    return result
  }

  /** Attempts at a call are 1, 2, 3 in this order; the first at a step comes when all that it comes after are settled, one of them well. */
  #checkRequests(sent: readonly Body[], after: JourneyState): void {
    for (const body of sent) {
      if (body.type !== 'ACTIVITY_REQUESTED') continue
      const name = splitCallId(body.callId)
      const earlier = this.requests.filter(({ callId }) => callId === body.callId)
      expect(body.attempt).toBe(earlier.length + 1)
      expect(callIn(after, body.callId)?.attempt).toBe(body.attempt)
      const step = this.definition.steps.find((one) => one.name === name?.step)
      const before = step?.after.map((one) => after.steps.find((other) => other.name === one)) ?? []
      expect(before.filter((one) => one?.state !== 'done' && one?.state !== 'skipped')).toEqual([])
      const isOpen = before.length === 0 || before.some((one) => one?.state === 'done' || one?.output !== undefined)
      expect(isOpen).toBe(true)
      expect(body.activity).toBe(`${name?.isUndo ? 'undo' : 'do'}-${name?.step}`)
      this.requests.push(body)
    }
  }

  /** What is done stays done, and nothing is asked for twice at the same time. */
  #checkOnce(before: JourneyState | undefined, after: JourneyState): void {
    for (const step of before?.steps ?? []) {
      const now = after.steps.find(({ name }) => name === step.name)
      if (step.state === 'done')
        expect({ state: now?.state, output: now?.output }).toEqual({ state: 'done', output: step.output })
      if (step.undo?.state === 'done') expect(now?.undo?.state).toBe('done')
      expect(now?.attempt).toBeGreaterThanOrEqual(step.attempt)
    }
    expect(new Set(after.steps.map(({ name }) => name)).size).toBe(after.steps.length)
  }

  /** Whatever waits has its timer, nothing else has, and the deadline runs while steps do. */
  #checkTimers(state: JourneyState): void {
    const expected = state.steps.flatMap(({ name, undo, ...step }) => [
      ...(isWaiting(step) ? [`step:${name}`] : []),
      ...(undo && isWaiting(undo) ? [`undo:${name}`] : []),
    ])
    if (state.phase === 'running') expected.push('deadline')
    expect([...this.run.timers.keys()].toSorted()).toEqual(expected.toSorted())
    if (this.run.hasEnded || state.status === 'NEEDS_REMEDIATION') expect(expected).toEqual([])
    else expect(expected.length).toBeGreaterThan(state.phase === 'running' ? 1 : 0)
  }

  #checkCompensation(state: JourneyState): void {
    const able = this.definition.steps.flatMap(({ name, compensate }) => (compensate ? [name] : []))
    expect(state.undone).toEqual(this.order.toReversed().filter((name) => able.includes(name)))
    const firsts = this.requests.flatMap(({ callId, attempt }) => {
      const name = splitCallId(callId)
      return name?.isUndo && attempt === 1 ? [name.step] : []
    })
    expect(firsts).toEqual(state.undone.filter((name) => firsts.includes(name)))
  }
}

/** While a step has failed, no other step begins: unless it had failed, too, and somebody has it tried again. */
function checkHalt(before: JourneyState | undefined, after: JourneyState, sent: readonly Body[]): void {
  const still = before?.failed.filter((name) => after.failed.includes(name)) ?? []
  const begun = sent.flatMap((body) => (body.type === 'ACTIVITY_REQUESTED' ? (splitCallId(body.callId) ?? []) : []))
  const news = begun.filter(({ step, isUndo }) => !isUndo && !before?.steps.some(({ name }) => name === step))
  if (still.length > 0) expect(news).toEqual([])
}

const ENDS: readonly string[] = ['JOURNEY_COMPLETED', 'JOURNEY_FAILED', 'JOURNEY_COMPENSATED', 'JOURNEY_CANCELLED']
const isEnd = ({ type }: Body) => ENDS.includes(type)

export function callIn(state: JourneyState, callId: string): Call | undefined {
  const name = splitCallId(callId)
  const step = state.steps.find((one) => one.name === name?.step)
  return name?.isUndo ? step?.undo : step
}

/** Which steps may have had their effect, in the order in which that was known: told from their states alone. */
function orderAfter(order: readonly string[], before: JourneyState | undefined, after: JourneyState): string[] {
  const mayBeDone = (state: JourneyState | undefined, name: string) => {
    const step = state?.steps.find((one) => one.name === name)
    return step !== undefined && (step.state === 'done' || (!isWaiting(step) && step.isUnsure === true))
  }
  const now = after.steps.map(({ name }) => name).filter((name) => mayBeDone(after, name))
  const news = now.filter((name) => !mayBeDone(before, name) || !order.includes(name))
  return [...order.filter((name) => now.includes(name) && !news.includes(name)), ...news]
}
