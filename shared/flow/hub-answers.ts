import type { Event } from '../bus/envelope.ts'
import { type Decision, type Ignored, ignore, refuse } from './decision.ts'
import type { AnswerType, HubTerms } from './hub.ts'
import { consult } from './hub-actions.ts'
import { endAttempt, type Outcome } from './hub-calls.ts'
import { Draft } from './hub-draft.ts'
import { afterUndo } from './hub-end.ts'
import { callIdOf, type HubCall, type HubState, isOver, splitCallId, VALUE_BYTES_MAX } from './hub-state.ts'
import { findTooMuch, sizeOf } from './value-size.ts'

/** What an answer does, if it counts. */
export function takeAnswer<S>(
  terms: HubTerms<S>,
  state: HubState,
  event: Event<AnswerType>,
  nowMs: number,
): Decision<HubState> {
  const call = findCall(state, event)
  if (typeof call === 'string') return ignore(call)
  const { status, output, error, complete } = event.data
  const fault = findTooMuch('output', sizeOf(output), { bytesMax: VALUE_BYTES_MAX })
  if (fault !== undefined) return refuse(fault)
  const draft = new Draft(terms, state, nowMs)
  const outcome = { status, output, error, answered: true }
  if (complete) {
    const over = endAttempt(draft, call, outcome)
    if (over) settled(draft, over, outcome)
  } else progress(draft, call, outcome)
  return draft.decision({ event })
}

/** The call that an answer counts for, or why it counts for none. */
function findCall(state: HubState, { data, meta }: Event<AnswerType>): HubCall | Ignored {
  if (state.end) return 'late'
  const { key, n } = splitCallId(data.callId)
  const isOurs = key === state.key && (data.flowId === undefined || data.flowId === key)
  const call = isOurs && n !== undefined ? state.calls[n - 1] : undefined
  if (!call) return 'unknown'
  const attempt = data.attempt ?? meta.callAttempt ?? call.attempt
  const hasAnswered = call.attempts.some((one) => one.attempt === attempt && one.answered)
  if (isOver(call)) return hasAnswered ? 'duplicate' : 'late'
  if (attempt !== call.attempt) return 'stale'
  if (call.state === 'backoff') return hasAnswered ? 'duplicate' : 'stale'
  return call
}

/** A sign of life: the deadline stands. */
function progress<S>(draft: Draft<S>, call: HubCall, outcome: Outcome): void {
  if (call.undoes !== undefined) return
  const { output } = outcome
  tell(draft, draft.put({ ...call, ...(output !== undefined && { progress: output }) }), {
    ...outcome,
    complete: false,
  })
}

/** A call is over, well or badly: the contract hears of it; for an undo, the next one has its turn. */
export function settled<S>(draft: Draft<S>, call: HubCall, outcome: Outcome): void {
  if (call.undoes !== undefined) {
    afterUndo(draft, call, call.undoes)
    return
  }
  if (call.state === 'done' && call.undo) draft.change({ toUndo: [...draft.state.toUndo, call.n] })
  tell(draft, call, { ...outcome, complete: true })
}

function tell<S>(draft: Draft<S>, call: HubCall, { status, output, error, complete }: Outcome & { complete: boolean }) {
  const { n, name, input, attempt } = call
  const callId = callIdOf(draft.state.key, n)
  consult(draft, (own, hub) =>
    draft.terms.onAnswer(own, { callId, name, input, attempt, status, output, error, complete }, hub),
  )
}
