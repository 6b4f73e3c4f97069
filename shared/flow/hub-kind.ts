import type { Event } from '../bus/envelope.ts'
import type { Body, EventType } from '../events.ts'
import { type Decision, type Input, ignore, type Kind } from './decision.ts'
import type { AnswerType, HubContract, HubTerms } from './hub.ts'
import { takeAnswer } from './hub-answers.ts'
import { Draft } from './hub-draft.ts'
import { endBadly } from './hub-end.ts'
import { repeatRequest, takeRequest } from './hub-requests.ts'
import { type HubState, hubStateSchema, splitCallId } from './hub-state.ts'
import { takeTimer } from './hub-timers.ts'
import { viewOf } from './hub-view.ts'

/**
 * Makes of a contract a kind of conversation: it starts at a request, calls workers, tries again what fails or is not answered in time,
 * and ends in exactly one reply. Its status is `accepted` (no call made yet), `running`, `success` or `error`.
 */
export const hubKind = <R extends EventType, A extends AnswerType, S>(
  contract: HubContract<R, A, S>,
): Kind<HubState<S>> => ({
  name: contract.kind,
  state: hubStateSchema(contract.state),
  keyOf: (event) => {
    if (isOf(event, contract.request)) return contract.keyOf(event.data)
    // An answer that names no call finds nothing either, and is counted as one for an unknown call.
    return isOf(event, contract.answer) ? splitCallId(event.data.callId).key : undefined
  },
  decide: (state, input, nowMs) => {
    if ('event' in input) return decideEvent(contract, state, input.event, nowMs)
    if (!state) return ignore('unknown')
    return 'timer' in input ? takeTimer(contract, state, input, nowMs) : cancel(contract, state, input, nowMs)
  },
  view: (state, nowMs) => viewOf(state, contract.call, nowMs),
})

function decideEvent<R extends EventType, A extends AnswerType, S>(
  contract: HubContract<R, A, S>,
  state: HubState<S> | undefined,
  event: Event,
  nowMs: number,
): Decision<HubState<S>> {
  if (isOf(event, contract.request)) {
    if (!state) return takeRequest(contract, { body: event.data, event }, nowMs)
    return repeatRequest(contract, state, { requestKey: contract.requestKeyOf(event.data), event }, nowMs)
  }
  return state && isOf(event, contract.answer) ? takeAnswer(contract, state, event, nowMs) : ignore('unknown')
}

function cancel<S>(
  terms: HubTerms<S>,
  state: HubState<S>,
  input: Extract<Input, { act: 'cancel' }>,
  nowMs: number,
): Decision<HubState<S>> {
  if (state.end) return ignore('late')
  const draft = new Draft(terms, state, nowMs)
  endBadly(draft, 'cancelled', { error: `Cancelled by ${input.actor}: ${input.reason}` })
  return draft.decision(input)
}

/** Types go with their bodies: parsing has seen to it. */
const isOf = <T extends EventType>(
  event: Event,
  type: T,
): event is Event & { readonly type: T; readonly data: Body<T> } => event.type === type
