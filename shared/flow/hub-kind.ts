import type { Event } from '../bus/envelope.ts'
import type { Body, EventType } from '../events.ts'
import { type Decision, type Input, ignore, type Kind } from './decision.ts'
import type { AnswerType, HubActions, HubContract, HubTerms } from './hub.ts'
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
export function hubKind<R extends EventType, A extends AnswerType, S>(contract: HubContract<R, A, S>): Kind<HubState> {
  const terms = termsOf(contract)
  return {
    name: contract.kind,
    state: hubStateSchema,
    keyOf: (event) => {
      if (isOf(event, contract.request)) return contract.keyOf(event.data)
      // An answer that names no call finds nothing either, and is counted as one for an unknown call.
      return isOf(event, contract.answer) ? splitCallId(event.data.callId).key : undefined
    },
    decide: (state, input, nowMs) => {
      if ('event' in input) return decideEvent(contract, terms, { state, event: input.event, nowMs })
      if (!state) return ignore('unknown')
      return 'timer' in input ? takeTimer(terms, state, input, nowMs) : cancel(terms, state, input, nowMs)
    },
    view: (state, nowMs) => viewOf(state, contract.call, nowMs),
  }
}

/** A contract without the type of its request. */
function termsOf<R extends EventType, A extends AnswerType, S>(contract: HubContract<R, A, S>): HubTerms<S> {
  const { says, request: type, kind } = contract
  return {
    ...contract,
    says: {
      ...says,
      failed: ({ request, ...end }) => {
        if (isBodyOf(request, type)) return says.failed({ ...end, request })
        throw new Error(
          `The ${kind} ${end.conversationId} was started by ${request.type}, but its contract takes ${type}.`,
        )
      },
    },
  }
}

type Heard = { readonly state: HubState | undefined; readonly event: Event; readonly nowMs: number }

function decideEvent<R extends EventType, A extends AnswerType, S>(
  contract: HubContract<R, A, S>,
  terms: HubTerms<S>,
  { state, event, nowMs }: Heard,
): Decision<HubState> {
  if (isOf(event, contract.request)) {
    const { data } = event
    const request = {
      event,
      key: contract.keyOf(data),
      requestKey: contract.requestKeyOf(data),
      begin: (hub: HubActions) => contract.onRequest(data, hub),
    }
    return state ? repeatRequest(terms, state, request, nowMs) : takeRequest(terms, request, nowMs)
  }
  return state && isOf(event, contract.answer) ? takeAnswer(terms, state, event, nowMs) : ignore('unknown')
}

function cancel<S>(
  terms: HubTerms<S>,
  state: HubState,
  input: Extract<Input, { act: 'cancel' }>,
  nowMs: number,
): Decision<HubState> {
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

const isBodyOf = <T extends EventType>(body: Body, type: T): body is Body & Body<T> => body.type === type
