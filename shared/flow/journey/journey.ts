import type { Event } from '../../bus/envelope.ts'
import type { Body } from '../../events.ts'
import { type Decision, type Input, ignore, type Kind, refuse } from '../decision.ts'
import { carryOut, takeCommand } from './acts.ts'
import { takeAnswer, takeTimer } from './answers.ts'
import { splitCallId } from './call-names.ts'
import { JourneyDraft, type JourneyTerms } from './draft.ts'
import { repeatInitiation, takeInitiation, takeRelease } from './initiation.ts'
import { takeOverdue } from './overdue.ts'
import { attentionOf } from './remediation-item.ts'
import { hasEnded, type JourneyState, journeyStateSchema } from './state.ts'
import { viewOf } from './view.ts'

export type { JourneyTerms } from './draft.ts'

type Decided = Decision<JourneyState>

/**
 * Journeys: each keeps to the definition that was the newest when it began, asks for activities as their turns come, tries again what
 * fails for now, and ends, or waits for a person to decide. A decision throws when its definition is not there.
 */
export const journeyKind = (terms: JourneyTerms): Kind<JourneyState> => ({
  name: 'journey',
  state: journeyStateSchema,
  keyOf,
  decide: (state, input, nowMs) => {
    if ('event' in input) return decideEvent(terms, state, input.event, nowMs)
    if (!state) return ignore('unknown')
    return 'timer' in input ? takeTimer(terms, state, input, nowMs) : cancel(terms, state, input, nowMs)
  },
  labelOf: ({ type }) => type,
  attentionOf,
  view: (state) => viewOf(state, terms.definitions.find(state.type, state.version)),
})

function keyOf({ data }: Event): string | undefined {
  switch (data.type) {
    case 'INITIATE_JOURNEY':
    case 'JOURNEY_RELEASED':
    case 'JOURNEY_OVERDUE':
    case 'REMEDIATION_COMMAND':
    case 'REMEDIATION_TICKET':
      return data.sagaId
    case 'ACTIVITY_SUCCEEDED':
    case 'ACTIVITY_FAILED':
      // An answer that names no call finds nothing either, and is counted as one for an unknown call.
      return splitCallId(data.callId)?.sagaId ?? data.callId
    default:
      return undefined
  }
}

function decideEvent(terms: JourneyTerms, state: JourneyState | undefined, event: Event, nowMs: number): Decided {
  switch (event.type) {
    case 'INITIATE_JOURNEY':
      return state ? repeatInitiation(terms, state, event, nowMs) : takeInitiation(terms, event, nowMs)
    case 'ACTIVITY_SUCCEEDED':
    case 'ACTIVITY_FAILED':
      if (state) return takeAnswer(terms, state, event, nowMs)
      // It may have overtaken what opens the journey, as where that is tried again later.
      return splitCallId(event.data.callId) ? { kind: 'early' } : ignore('unknown')
    case 'JOURNEY_RELEASED':
      return state ? takeRelease(terms, state, nowMs) : ignore('unknown')
    case 'JOURNEY_OVERDUE':
      return state ? takeOverdue(terms, state, event.data, nowMs) : ignore('unknown')
    case 'REMEDIATION_COMMAND':
      return takeCommand(terms, state, event.data, nowMs)
    case 'REMEDIATION_TICKET':
      return takeTicket(terms, state, event.data, nowMs)
    default:
      return ignore('unknown')
  }
}

/** Where people deal with it. That may be noted when it has ended, too. */
function takeTicket(
  terms: JourneyTerms,
  state: JourneyState | undefined,
  { sagaId, ticket, actor, reason }: Body<'REMEDIATION_TICKET'>,
  nowMs: number,
): Decided {
  if (!state) return refuse(`There is no journey ${sagaId}, and nothing was changed.`)
  if (ticket === (state.ticket ?? '')) return ignore('duplicate')
  const draft = new JourneyDraft(terms, state, nowMs)
  draft.change({ ticket: ticket === '' ? undefined : ticket })
  draft.note(`ticket ${ticket || 'removed'}`, `${actor}: ${reason}`)
  return draft.decision()
}

function cancel(
  terms: JourneyTerms,
  state: JourneyState,
  { actor, reason }: Extract<Input, { act: 'cancel' }>,
  nowMs: number,
): Decided {
  if (hasEnded(state)) return ignore('late')
  const draft = new JourneyDraft(terms, state, nowMs)
  carryOut(draft, { act: 'cancel', sagaId: state.id, actor, reason })
  return draft.decision()
}
