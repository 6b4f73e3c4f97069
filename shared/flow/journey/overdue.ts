import type { Body } from '../../events.ts'
import { type Decision, ignore } from '../decision.ts'
import { DEADLINE, stepCall, timerOf, undoCall } from './call-names.ts'
import { JourneyDraft, type JourneyTerms } from './draft.ts'
import { begin } from './initiation.ts'
import { tellOutside } from './remediation.ts'
import { hasEnded, isWaiting, type JourneyState } from './state.ts'

/**
 * The journey takes longer than those of its type do: people are shown so. Timers that were lost are armed again, and no others: those that
 * are there may have been moved. Nothing is asked for again: the timers see to that.
 */
export function takeOverdue(
  terms: JourneyTerms,
  state: JourneyState,
  { olderThanMs, lost = [] }: Body<'JOURNEY_OVERDUE'>,
  nowMs: number,
): Decision<JourneyState> {
  if (hasEnded(state)) return ignore('late')
  const begun = begin(terms, state, nowMs)
  if (begun) return begun
  // A person is asked already, and no timer runs.
  if (state.remediation) return ignore('duplicate')
  const draft = new JourneyDraft(terms, state, nowMs)
  const found = timersOf(state).filter(({ name }) => lost.includes(name))
  for (const { name, dueMs } of found) draft.arm(name, dueMs ?? nowMs)
  if (found.length > 0) draft.note('armed again', found.map(({ name }) => name).join(', '))
  const isNews = olderThanMs !== undefined && !state.overdue
  if (found.length === 0 && !isNews) return ignore('duplicate')
  if (isNews) {
    const steps = waitingSteps(state)
    draft.change({ overdue: { sinceMs: nowMs, olderThanMs } })
    draft.note('overdue', `it has taken more than ${olderThanMs} ms; it waits for ${steps.join(', ')}`)
    tellOutside(draft, { cause: 'overdue', error: overdueText(olderThanMs), steps })
  }
  return draft.decision()
}

export const overdueText = (olderThanMs: number) =>
  `It has taken more than ${olderThanMs} ms: longer than journeys of its type do, or than they may.`

/** A timer that a journey waits for, as it says itself. Times are ms since 1970. */
type Wanted = { readonly name: string; readonly dueMs: number | undefined }

/** What a journey waits for. */
export function timersOf({ steps, deadlineMs }: Pick<JourneyState, 'steps' | 'deadlineMs'>): readonly Wanted[] {
  const calls = steps.flatMap((step) => [
    ...(isWaiting(step) ? [{ name: timerOf(stepCall(step.name)), dueMs: step.dueMs }] : []),
    ...(step.undo && isWaiting(step.undo) ? [{ name: timerOf(undoCall(step.name)), dueMs: step.undo.dueMs }] : []),
  ])
  return deadlineMs === undefined ? calls : [...calls, { name: DEADLINE, dueMs: deadlineMs }]
}

const waitingSteps = ({ steps }: JourneyState) =>
  steps.filter((step) => isWaiting(step) || (step.undo && isWaiting(step.undo))).map(({ name }) => name)
