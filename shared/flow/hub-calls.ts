import type { Json } from '../events.ts'
import type { CallMessage, Undo } from './hub.ts'
import type { Draft } from './hub-draft.ts'
import { ATTEMPTS_KEPT_MAX, callIdOf, ERROR_KEPT_CHARS_MAX, type HubAttempt, type HubCall } from './hub-state.ts'

/** The way of a call through its attempts. */

export type NewCall = {
  readonly name: string
  readonly input: Json
  readonly undo?: Undo | undefined
  readonly undoes?: number | undefined
}

/** What an attempt came to. */
export type Outcome = {
  readonly status: number
  readonly output?: Json | undefined
  readonly error?: string | undefined
  /** False when it timed out. */
  readonly answered: boolean
}

export const TIMED_OUT: Outcome = { status: 504, error: 'OPERATION_TIMED_OUT', answered: false }

export const timerOf = ({ n }: HubCall) => `call ${n}`

/** Makes the next call, and its first attempt. */
export function makeCall<S>(draft: Draft<S>, { name, input, undo, undoes }: NewCall): void {
  const n = draft.state.calls.length + 1
  sendAttempt(draft, { n, name, input, undo, undoes, state: 'waiting', attempt: 1, dueMs: 0, attempts: [], bytes: 0 })
}

/** Another attempt, after the backoff. */
export const retryCall = <S>(draft: Draft<S>, call: HubCall): void =>
  sendAttempt(draft, { ...call, attempt: call.attempt + 1 })

function sendAttempt<S>(draft: Draft<S>, call: HubCall): void {
  const sent = draft.put({ ...call, state: 'waiting', dueMs: draft.nowMs + draft.terms.call.timeoutMs })
  draft.arm(timerOf(sent), sent.dueMs)
  draft.send({ body: draft.terms.says.called(messageOf(draft, sent)) })
  draft.note(call.undoes === undefined ? 'called' : 'undoing', `${titleOf(draft, call)}, attempt ${call.attempt}`)
}

/** Its time is up: the worker is told. */
export function timeOutAttempt<S>(draft: Draft<S>, call: HubCall): HubCall | undefined {
  draft.send({ body: draft.terms.says.timedOut(messageOf(draft, call)) })
  return endAttempt(draft, call, TIMED_OUT)
}

/**
 * An attempt is over. Gives back the call when that settles it: it succeeded, it never will, or this was the last attempt;
 * otherwise the next attempt is on its way.
 */
export function endAttempt<S>(draft: Draft<S>, call: HubCall, outcome: Outcome): HubCall | undefined {
  const { status, error } = outcome
  draft.note(
    outcome.answered ? 'answered' : 'timed out',
    `${titleOf(draft, call)}, attempt ${call.attempt}: ${status}${error === undefined ? '' : ` ${error}`}`,
  )
  const attempts = [...call.attempts, attemptOf(draft, call, outcome)].slice(-ATTEMPTS_KEPT_MAX)
  const ended = { ...call, attempts, ...(!outcome.answered && { unsure: true }) }
  const { retries, backoffMs } = draft.terms.call
  if (status < 500 || call.attempt > retries) return settle(draft, ended, outcome)
  if (backoffMs > 0) {
    const { dueMs } = draft.put({ ...ended, state: 'backoff', dueMs: draft.nowMs + backoffMs })
    draft.arm(timerOf(call), dueMs)
  } else retryCall(draft, ended)
  return undefined
}

const attemptOf = <S>(draft: Draft<S>, { attempt }: HubCall, { status, answered, error }: Outcome): HubAttempt => ({
  attempt,
  endedMs: draft.nowMs,
  status,
  answered,
  ...(error !== undefined && { error: shortened(error) }),
})

const shortened = (error: string) => error.slice(0, ERROR_KEPT_CHARS_MAX)

function settle<S>(draft: Draft<S>, call: HubCall, { status, output, error }: Outcome): HubCall {
  draft.cancel(timerOf(call))
  return draft.put({
    ...call,
    state: status < 400 ? 'done' : 'failed',
    status,
    // Nobody asks what an undo gave, and while undoing the conversation must not grow by it.
    ...(output !== undefined && call.undoes === undefined && { output }),
    ...(error !== undefined && { error: shortened(error) }),
  })
}

/** Nobody waits any more for what is still going on. */
export function abandonCalls<S>(draft: Draft<S>): void {
  for (const call of draft.state.calls) {
    if (call.state !== 'waiting' && call.state !== 'backoff') continue
    draft.cancel(timerOf(call))
    draft.put({ ...call, state: 'abandoned' })
    draft.note('abandoned', titleOf(draft, call))
  }
}

const messageOf = <S>(draft: Draft<S>, { n, name, input, attempt, dueMs }: HubCall): CallMessage => ({
  callId: callIdOf(draft.state.key, n),
  conversationId: draft.state.key,
  name,
  input,
  attempt,
  deadlineMs: dueMs,
})

const titleOf = <S>(draft: Draft<S>, { n, name }: HubCall) => `${name} ${callIdOf(draft.state.key, n)}`
