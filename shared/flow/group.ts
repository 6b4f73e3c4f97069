import type { Event } from '../bus/envelope.ts'
import type { Body } from '../events.ts'
import { type Decision, type Input, ignore, type Kind, refuse } from './decision.ts'
import { differenceFrom, openGroup } from './group-create.ts'
import { endGroup } from './group-end.ts'
import { hear } from './group-member.ts'
import { type GroupState, groupState } from './group-state.ts'
import { viewGroup } from './group-view.ts'

/**
 * The collector: a group waits for the results of its members and ends once, with all of them (or as many as its quorum asks for),
 * with an error, or when its ttl has passed. The object flow is a group that tasks complete.
 */
export const groupKind: Kind<GroupState> = {
  name: 'group',
  state: groupState,
  keyOf,
  decide,
  view: viewGroup,
}

const DEADLINE = 'deadline'

function keyOf({ data }: Event): string | undefined {
  switch (data.type) {
    case 'EventGroupCollectorCreate':
      return data.id
    case 'EventGroupCollectorEntityDone':
      return data.group
    case 'TASK_FINISHED':
      return data.objectId
    case 'TASK_FAILED':
      return data.final ? data.objectId : undefined
    default:
      return undefined
  }
}

function decide(state: GroupState | undefined, input: Input, nowMs: number): Decision<GroupState> {
  if ('event' in input) return decideEvent(state, input.event, nowMs)
  if (!state) return ignore('unknown')
  if (state.end) return ignore('late')
  if ('act' in input) {
    const error = `Cancelled by ${input.actor}: ${input.reason}`.slice(0, CANCEL_CHARS_MAX)
    return endGroup(state, { by: 'cancel', entity: state.id, error }, nowMs)
  }
  return input.timer === DEADLINE ? expire(state, nowMs) : ignore('unknown')
}

/** An operator's reason is a sentence. */
const CANCEL_CHARS_MAX = 2_048

function expire(state: GroupState, nowMs: number): Decision<GroupState> {
  if (state.partial) return endGroup(state, { by: 'timeout' }, nowMs)
  const error = `Operation timed out after ${state.ttlS} seconds`
  return endGroup(state, { by: 'timeout', entity: state.id, error }, nowMs)
}

function decideEvent(state: GroupState | undefined, { data }: Event, nowMs: number): Decision<GroupState> {
  switch (data.type) {
    case 'EventGroupCollectorCreate':
      return state ? repeat(state, data) : create(data, nowMs)
    case 'EventGroupCollectorEntityDone':
      return hear(state, { ...outcomeOf(data), id: data.id, byTask: false }, nowMs)
    case 'TASK_FINISHED':
      return hear(state, { id: data.taskId, byTask: true, by: data.processor, result: data.result }, nowMs)
    case 'TASK_FAILED':
      if (!data.final) return ignore('unknown')
      return hear(state, { id: data.taskId, byTask: true, by: data.processor, error: data.error || NO_REASON }, nowMs)
    default:
      return ignore('unknown')
  }
}

const NO_REASON = 'failed without saying why'

function repeat(state: GroupState, create: Body<'EventGroupCollectorCreate'>): Decision<GroupState> {
  const difference = differenceFrom(state, create)
  return difference === undefined ? ignore('duplicate') : refuse(difference)
}

function create(create: Body<'EventGroupCollectorCreate'>, nowMs: number): Decision<GroupState> {
  const state = openGroup(create, nowMs)
  if ('fault' in state) return refuse(state.fault)
  const history = [{ what: 'opened', detail: `${state.expected.length} members, ${state.ttlS} s` }]
  if (state.expected.length === 0) return endGroup(state, { by: 'all' }, nowMs, history)
  const timers = [{ arm: DEADLINE, dueMs: state.dueMs }]
  return { kind: 'change', state, status: 'open', ended: false, sent: [], timers, history }
}

/** Programs that always send both fields leave the error empty. */
const outcomeOf = ({ result, error }: Body<'EventGroupCollectorEntityDone'>) =>
  error === undefined || error === null || error === '' ? { result } : { error }
