import type { Event } from '../../bus/envelope.ts'
import type { Json } from '../../events.ts'
import { type Decision, type Ignored, type Input, ignore } from '../decision.ts'
import { ERROR_CHARS_MAX } from '../hub-state.ts'
import { abandonCalls } from './abandonment.ts'
import { type CallName, callOfTimer, DEADLINE, splitCallId } from './call-names.ts'
import { ask, endAttempt, type Outcome, TIMED_OUT } from './calls.ts'
import { afterUndo } from './compensation.ts'
import { JourneyDraft, type JourneyTerms } from './draft.ts'
import { type Call, hasEnded, isWaiting, type JourneyState } from './state.ts'
import { advance } from './steps.ts'

export type Answer = Event<'ACTIVITY_SUCCEEDED' | 'ACTIVITY_FAILED'>

/** What an answer does, if it counts. */
export function takeAnswer(
  terms: JourneyTerms,
  state: JourneyState,
  answer: Answer,
  nowMs: number,
): Decision<JourneyState> {
  if (hasEnded(state)) return ignore('late')
  const name = splitCallId(answer.data.callId)
  const draft = new JourneyDraft(terms, state, nowMs)
  const call = name && draft.find(name)
  if (!name || !call || call.attempt === 0) return ignore('unknown')
  const why = findNoMatter(call, answer.data.attempt ?? answer.meta.callAttempt ?? call.attempt)
  if (why !== undefined) return ignore(why)
  settle(draft, name, call, outcomeOf(answer))
  return draft.decision()
}

/** Why an answer for this attempt does not count. */
function findNoMatter(call: Call, attempt: number): Ignored | undefined {
  if (call.attempts.some((one) => one.attempt === attempt && !one.isSilent)) return 'duplicate'
  if (!isWaiting(call)) return 'late'
  return attempt === call.attempt && call.state === 'running' ? undefined : 'stale'
}

/** The status decides. Whoever says that it failed, but with the status of a success, means that another attempt may succeed. */
function outcomeOf({ data }: Answer): Outcome {
  if (data.type === 'ACTIVITY_FAILED') {
    const status = data.status < 400 ? FAILED_STATUS : data.status
    const { error, carriedOut } = data
    return { status, ...(error !== undefined && { error: textOf(error) }), ...(carriedOut && { isUnsure: true }) }
  }
  const { status, output } = data
  if (status < 400) return { status, output }
  return { status, ...(output !== undefined && { error: textOf(output) }) }
}

const FAILED_STATUS = 500
const textOf = (error: Json) => (typeof error === 'string' ? error : JSON.stringify(error)).slice(0, ERROR_CHARS_MAX)

/**
 * What a timer does. It is taken at its word, whatever the clock says: a clock may have been set, and an operator may fire or move one.
 * One that was taken from the store together with another may have been cancelled by that other's decision.
 */
export function takeTimer(
  terms: JourneyTerms,
  state: JourneyState,
  { timer, dueMs }: Extract<Input, { timer: string }>,
  nowMs: number,
): Decision<JourneyState> {
  if (hasEnded(state)) return ignore('late')
  const draft = new JourneyDraft(terms, state, nowMs)
  if (timer === DEADLINE) return passDeadline(draft, dueMs)
  const name = callOfTimer(timer)
  const call = name && draft.find(name)
  if (!name || !call) return ignore('unknown')
  if (!isWaiting(call)) return ignore('late')
  if (call.state === 'running') settle(draft, name, call, TIMED_OUT)
  else {
    ask(draft, name, call)
    goOn(draft, name)
  }
  return draft.decision()
}

function settle(draft: JourneyDraft, name: CallName, call: Call, outcome: Outcome): void {
  if (endAttempt(draft, name, call, outcome)) goOn(draft, name)
}

function goOn(draft: JourneyDraft, { step, isUndo }: CallName): void {
  if (isUndo) afterUndo(draft, step)
  else advance(draft)
}

function passDeadline(draft: JourneyDraft, dueMs: number): Decision<JourneyState> {
  const { phase, deadlineMs } = draft.state
  if (phase !== 'running' || deadlineMs === undefined) return ignore('late')
  // Its timer may have stood still, or been moved or fired: it has passed, and nothing of it is left.
  const passedMs = Math.min(dueMs, draft.nowMs)
  draft.change({ deadlineMs: passedMs })
  abandonCalls(draft, `the journey did not end by its deadline, ${new Date(passedMs).toISOString()}`)
  advance(draft)
  return draft.decision()
}
