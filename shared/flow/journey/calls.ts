import type { Json } from '../../events.ts'
import { ATTEMPTS_KEPT_MAX, ERROR_CHARS_MAX, ERROR_KEPT_CHARS_MAX } from '../hub-state.ts'
import { type CallName, callIdOf, timerOf } from './call-names.ts'
import type { Asked } from './definition.ts'
import type { JourneyDraft } from './draft.ts'
import { inputFor } from './expressions.ts'
import { backoffMs } from './patience.ts'
import { type Call, isWaiting } from './state.ts'

/** The way of a call through its attempts. */

/** What an attempt came to. */
export type Outcome = {
  readonly status: number
  readonly output?: Json | undefined
  readonly error?: string | undefined
  /** Nobody answered in time. */
  readonly isSilent?: true
  /** It failed, and was done all the same, or may have been. */
  readonly isUnsure?: true
}

const TIMEOUT_STATUS = 504
export const TIMED_OUT: Outcome = { status: TIMEOUT_STATUS, error: 'OPERATION_TIMED_OUT', isSilent: true }
/** What the hub itself has found to be impossible. */
export const IMPOSSIBLE_STATUS = 422

export const NEW_CALL: Call = { state: 'running', attempt: 0, attempts: [] }

/** Asks for the activity, once more if it was asked for before. When its input cannot be made, the call fails for good. */
export function ask(draft: JourneyDraft, name: CallName, call: Call): void {
  const asked = askedOf(draft, name)
  const input = inputFor(draft, name, asked, call)
  if ('fault' in input) {
    failForGood(draft, name, call, input.fault)
    return
  }
  const dueMs = draft.nowMs + asked.timeoutMs
  const attempt = call.attempt + 1
  // By default it is the payload, or of a compensation what is known of its step: that is there already.
  const kept = asked.input && !name.isUndo ? input.value : call.input
  draft.put(name, { ...call, state: 'running', attempt, dueMs, input: kept })
  draft.arm(timerOf(name), dueMs)
  const { id, deadlineMs = dueMs } = draft.state
  // Its timer may have stood still, or been moved: then what the journey says of its deadline has passed, and nobody would begin.
  const untilMs = deadlineMs > draft.nowMs ? Math.min(dueMs, deadlineMs) : dueMs
  const callId = callIdOf(id, name)
  const { forgiven = 0 } = call
  draft.send({
    body: {
      type: 'ACTIVITY_REQUESTED',
      ...{ callId, sagaId: id, activity: asked.activity, attempt },
      // Another input is another thing to do.
      idempotencyKey: call.patches === undefined ? callId : `${callId}#${call.patches}`,
      input: input.value,
      ...(forgiven > 0 && { decidedAfter: forgiven }),
      deadline: new Date(untilMs).toISOString(),
    },
  })
}

/**
 * An attempt is over. True when that settles the call: it is done, it never will be, or this was the last attempt; otherwise the next
 * attempt is on its way.
 */
export function endAttempt(draft: JourneyDraft, name: CallName, call: Call, outcome: Outcome): boolean {
  const { status, error, isSilent } = outcome
  // What is refused was not done. Anything else leaves open whether it was: a system may fail after the effect, or its answer get lost.
  const isUnsure = status >= 500 || outcome.isUnsure
  const attempts = [...call.attempts, attemptOf(draft, call, outcome)].slice(-ATTEMPTS_KEPT_MAX)
  const ended = { ...call, attempts, dueMs: undefined, ...(isUnsure && { isUnsure: true as const }) }
  const said = `${titleOf(name)}, attempt ${call.attempt}: ${status}${error === undefined ? '' : ` ${error}`}`
  draft.note(isSilent ? 'timed out' : 'answered', said)
  draft.cancel(timerOf(name))
  const { retry } = askedOf(draft, name)
  const retries = call.attempt - (call.forgiven ?? 0)
  if (status < 400) succeed(draft, name, ended, outcome)
  else if (status < 500 || retries > retry.retries) fail(draft, name, ended, outcome)
  else {
    tryAgain(draft, name, ended, backoffMs(retry, retries))
    return !isWaiting(draft.find(name) ?? ended)
  }
  return true
}

function tryAgain(draft: JourneyDraft, name: CallName, call: Call, delayMs: number): void {
  if (delayMs === 0) {
    ask(draft, name, call)
    return
  }
  const dueMs = draft.nowMs + delayMs
  draft.put(name, { ...call, state: 'retrying', dueMs })
  draft.arm(timerOf(name), dueMs)
}

function succeed(draft: JourneyDraft, name: CallName, call: Call, { status, output }: Outcome): void {
  const fault = name.isUndo ? undefined : draft.findNoRoom(`output of ${name.step}`, output)
  // It was carried out all the same: when it comes to that, it has to be taken back.
  if (fault !== undefined) failForGood(draft, name, { ...call, isUnsure: true }, fault)
  else {
    draft.put(name, { ...call, state: 'done', status, isUnsure: undefined })
    const step = draft.step(name.step)
    // Nobody asks what a compensation gave.
    if (!step || name.isUndo) return
    draft.putStep({ ...step, output })
    draft.change({ order: [...draft.state.order, name.step] })
  }
}

/** Something other than an answer keeps the call from being made, or from counting. */
export function failForGood(draft: JourneyDraft, name: CallName, call: Call, error: string): void {
  draft.note('failed', `${titleOf(name)}: ${error}`)
  fail(draft, name, call, { status: IMPOSSIBLE_STATUS, error })
}

function fail(draft: JourneyDraft, name: CallName, call: Call, { status, error = NO_REASON }: Outcome): void {
  draft.put(name, { ...call, state: 'failed', status, error: draft.cut(error, ERROR_CHARS_MAX), dueMs: undefined })
  if (!name.isUndo) markFailed(draft, name.step, call)
}

const NO_REASON = 'failed without saying why'

/** A step has failed, or may have: a person, or compensation, has to know. */
export function markFailed(draft: JourneyDraft, step: string, { isUnsure }: Call): void {
  const { failed, order } = draft.state
  draft.change({ failed: [...failed, step], ...(isUnsure && { order: [...order, step] }) })
}

function attemptOf(
  draft: JourneyDraft,
  { attempt }: Call,
  { status, error, isSilent }: Outcome,
): Call['attempts'][number] {
  const short = error === undefined ? undefined : draft.cut(error, ERROR_KEPT_CHARS_MAX)
  return {
    attempt,
    endedMs: draft.nowMs,
    status,
    ...(short !== undefined && { error: short }),
    ...(isSilent && { isSilent }),
  }
}

function askedOf(draft: JourneyDraft, { step, isUndo }: CallName): Asked {
  const defined = draft.defined(step)
  if (!isUndo) return defined
  if (defined.compensate) return defined.compensate
  throw new Error(`The journey ${draft.state.id} takes ${step} back, but its definition does not say how.`)
}

/** As the history names it. */
export const titleOf = ({ step, isUndo }: CallName) => (isUndo ? `taking back ${step}` : step)
