import { parseEvent } from '../../bus/envelope.ts'
import type { Decision, Input, Sent } from '../decision.ts'
import { groupKind } from '../group.ts'
import { type GroupState, groupState } from '../group-state.ts'

export const OPENED_MS = Date.parse('2026-03-01T12:00:00.000Z')
export const CREATED = '2026-03-01T12:00:00.000Z'

/** A body, or its text, as the bus reads it: an input, or the reason why it is poison. */
export function readEvent(body: object | string): Input | { readonly poison: string } {
  const parsed = parseEvent({
    exchange: 'ebs',
    key: 'any',
    body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
    properties: { headers: {} },
  })
  if ('poison' in parsed) return { poison: parsed.poison }
  if ('stranger' in parsed) throw new Error(`not in the catalogue: ${parsed.stranger}`)
  return { event: parsed }
}

/** A body that is in order. */
export function inputOf(body: object | string): Input {
  const read = readEvent(body)
  if ('poison' in read) throw new Error(read.poison)
  return read
}

export const createOf = (change: object = {}) => ({
  type: 'EventGroupCollectorCreate',
  id: 'g',
  expected: ['a', 'b', 'c'],
  ...change,
})
export const doneOf = (id: string, outcome: object = {}) => ({
  type: 'EventGroupCollectorEntityDone',
  id,
  group: 'g',
  ...outcome,
})
const task = (taskId: string) => ({ taskId, objectId: 'g', processor: 'p1', attempt: 1, durationMs: 1 })
export const finishedOf = (id: string, change: object = {}) => ({ type: 'TASK_FINISHED', ...task(id), ...change })
export const failedOf = (id: string, change: object = {}) => ({
  type: 'TASK_FAILED',
  ...task(id),
  error: 'boom',
  final: true,
  ...change,
})
export const DEADLINE: Input = { timer: 'deadline', dueMs: 0 }
export const CANCEL: Input = { act: 'cancel', actor: 'ada', reason: 'no longer wanted' }

const isInput = (input: Input | object): input is Input => 'event' in input || 'timer' in input || 'act' in input

const said = (decision: Decision<GroupState>) => {
  if (decision.kind === 'ignore') return decision.why
  if (decision.kind === 'change') return decision.status
  return decision.kind === 'refuse' ? `refuse: ${decision.reason}` : decision.kind
}

/**
 * One group, as a hub would run it that is killed after every input: the state goes through JSON and its schema each time,
 * unless it is so large that a test of many steps would take long.
 */
export class GroupRun {
  readonly #isStored: boolean
  state: GroupState | undefined
  readonly sent: Sent[] = []
  last: Decision<GroupState> | undefined

  constructor({ isStored = true } = {}) {
    this.#isStored = isStored
  }

  /** Decides, and gives the status, why it was ignored, or `refuse: <reason>`. */
  take(input: Input | object, nowMs = OPENED_MS): string {
    const decision = groupKind.decide(this.state, isInput(input) ? input : inputOf(input), nowMs)
    this.last = decision
    if (decision.kind === 'change') {
      this.state = this.#isStored ? groupState.parse(JSON.parse(JSON.stringify(decision.state))) : decision.state
      this.sent.push(...decision.sent)
    }
    return said(decision)
  }

  /** All of them at the same time; gives the last answer. */
  play(...inputs: readonly (Input | object)[]): string {
    return inputs.map((input) => this.take(input)).at(-1) ?? ''
  }

  /** Bodies sent, as they go over the wire. */
  get bodies(): Record<string, unknown>[] {
    return this.sent.flatMap((one) => ('body' in one ? [JSON.parse(JSON.stringify(one.body))] : []))
  }

  get opened(): GroupState {
    if (!this.state) throw new Error('The group is not open.')
    return this.state
  }
}

/** A group that has taken these inputs, the first of them a Create. */
export function groupOf(...inputs: readonly (Input | object)[]): GroupRun {
  const run = new GroupRun()
  run.play(...inputs)
  return run
}

const END = { id: 'g', created: CREATED, resolved: CREATED }
/** What ends a group that was opened and ended at the same time. */
export const success = (fields: object) => ({ type: 'EventGroupCollectorSuccess', ...END, endedBy: 'all', ...fields })
export const failure = (fields: object) => ({ type: 'EventGroupCollectorFailure', ...END, endedBy: 'error', ...fields })
