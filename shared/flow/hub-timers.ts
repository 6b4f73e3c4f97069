import { type Decision, type Input, ignore } from './decision.ts'
import type { HubTerms } from './hub.ts'
import { Actions, type End } from './hub-actions.ts'
import { settled } from './hub-answers.ts'
import { retryCall, TIMED_OUT, timeOutAttempt, timerOf } from './hub-calls.ts'
import { Draft } from './hub-draft.ts'
import { endBadly, succeed } from './hub-end.ts'
import { type HubState, isOver } from './hub-state.ts'

/** Name of the timer that ends the conversation. */
export const DEADLINE = 'deadline'

/**
 * What a timer does. It is taken at its word, whatever the clock says: a clock may have been set, and an operator may fire or move one.
 * One that was taken from the store together with another may have been cancelled by that other's decision.
 */
export function takeTimer<S>(
  terms: HubTerms<S>,
  state: HubState,
  input: Extract<Input, { timer: string }>,
  nowMs: number,
): Decision<HubState> {
  if (state.end) return ignore('late')
  const draft = new Draft(terms, state, nowMs)
  if (input.timer === DEADLINE) {
    passDeadline(draft)
    return draft.decision(input)
  }
  const call = state.calls.find((one) => timerOf(one) === input.timer)
  if (!call) return ignore('unknown')
  if (isOver(call)) return ignore('late')
  if (call.state === 'backoff') retryCall(draft, call)
  else {
    const over = timeOutAttempt(draft, call)
    if (over) settled(draft, over, TIMED_OUT)
  }
  return draft.decision(input)
}

/** The conversation ends now; how, the contract may say while it has not failed already. */
function passDeadline<S>(draft: Draft<S>): void {
  const { kind, onTimeout } = draft.terms
  const { phase, createdAtMs, deadlineMs } = draft.state
  const error = `The ${kind} did not end within its deadline of ${deadlineMs - createdAtMs} ms`
  const last = onTimeout && phase === 'running' ? lastWord(draft, onTimeout) : undefined
  if (last && 'reply' in last) succeed(draft, last.reply.output)
  else if (last && 'fail' in last) endBadly(draft, 'hub-timeout', last.fail)
  else endBadly(draft, 'hub-timeout', { error: last ? `${error}, and onTimeout failed: ${last.thrown}` : error })
}

/** The deadline is what ends every conversation: it must do so even when the contract throws, or cannot read what it kept. */
function lastWord<S>(
  draft: Draft<S>,
  onTimeout: NonNullable<HubTerms<S>['onTimeout']>,
): End | { readonly thrown: string } | undefined {
  const own = draft.readOwn()
  if ('fault' in own) return undefined
  const { key, calls } = draft.state
  const actions = new Actions({ id: key, nowMs: draft.nowMs, callsMade: calls.length, mayCall: false })
  try {
    draft.keep(onTimeout(structuredClone(own.value), actions))
    return actions.end
  } catch (error) {
    return { thrown: error instanceof Error ? error.message : String(error) }
  } finally {
    actions.close()
  }
}
