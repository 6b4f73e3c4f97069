import { stepCall, timerOf, undoCall } from '../../../shared/flow/journey/call-names.ts'
import { activityQueueOf } from '../../../shared/topology.ts'
import type { View } from '../conversation-view.ts'
import type { Standing } from './answer.ts'
import type { Facts } from './facts.ts'
import { namesOf } from './group-tale.ts'
import type { Activity, JourneyView } from './journey-view.ts'
import { type Asking, type CallStanding, standingOfRequest } from './request-standing.ts'
import { comingBy, untilBy } from './timer-facts.ts'

/** The journey of a step. */
export type StepOf = { readonly view: View; readonly journey: JourneyView; readonly facts: Facts }

const UNKNOWN: Standing = { state: 'unknown', says: 'is no step of the journey', commands: [] }

/** How a step of a journey stands. */
export function standingOfStep(name: string, of: StepOf): CallStanding {
  const step = of.journey.activities[name]
  if (!step) return UNKNOWN
  const { state, attempt, attempts, dueAt, error, activity, after } = step
  const last = attempts.at(-1)?.error ?? error ?? 'no error was given'
  switch (state) {
    case 'pending':
      return {
        state: 'waiting',
        says: `has not had its turn: it comes after ${namesOf(after)}`,
        waitsFor: { what: `the steps ${namesOf(after)}` },
        commands: [],
      }
    case 'done':
      return { state: 'completed', says: `is done, in attempt ${attempt}`, commands: [] }
    case 'skipped':
      return { state: 'completed', says: 'is skipped', commands: [] }
    case 'failed':
      return { state: 'failed', says: `failed for good in attempt ${attempt}: ${last}`, commands: [] }
    case 'abandoned':
      return { state: 'cancelled', says: 'is abandoned: nobody waits for it any more', commands: [] }
    case 'retrying':
      return retrying({ attempt, last, timer: timerOf(stepCall(name)), dueAt }, of)
    default:
      return asked({ name, isUndo: false, activity, attempt, attempts: step.attempts, dueAt }, of)
  }
}

/** How it stands with taking a step back. */
export function standingOfUndo(name: string, of: StepOf): CallStanding {
  const { compensation } = of.journey.activities[name] ?? {}
  if (!compensation) return { state: 'unknown', says: 'is not to be taken back', commands: [] }
  const { state, attempt, error = 'no error was given', activity } = compensation
  if (state === 'running') return asked({ name, isUndo: true, activity, attempt, attempts: [], dueAt: undefined }, of)
  if (state === 'retrying')
    return retrying({ attempt, last: error, timer: timerOf(undoCall(name)), dueAt: undefined }, of)
  if (state === 'failed') return { state: 'failed', says: `could not be taken back: ${error}`, commands: [] }
  if (state === 'pending') return { state: 'waiting', says: 'is still to be taken back', commands: [] }
  return { state: 'compensated', says: 'is taken back', commands: [] }
}

type Retrying = {
  readonly attempt: number
  readonly last: string
  readonly timer: string
  readonly dueAt: string | undefined
}

function retrying({ attempt, last, timer, dueAt }: Retrying, { view }: StepOf): Standing {
  const next = comingBy(view, `attempt ${attempt + 1}`, { timer, at: dueAt })
  return {
    state: 'retrying',
    says: `failed in attempt ${attempt} (${last}) and is tried again${next.at === undefined ? '' : ` at ${next.at}`}`,
    where: { service: 'hub' },
    waitsFor: { what: 'the pause before its next attempt', ...untilBy(view, { timer, at: dueAt }) },
    next,
    commands: [],
  }
}

type Asked = Pick<Activity, 'activity' | 'attempt' | 'attempts' | 'dueAt'> & {
  readonly name: string
  readonly isUndo: boolean
}

/** An activity that was asked for and has not answered: its request is somewhere. */
function asked({ name, isUndo, activity = '', attempt, attempts, dueAt }: Asked, of: StepOf): CallStanding {
  const { view, facts } = of
  const queue = activityQueueOf(activity)
  const timer = timerOf(isUndo ? undoCall(name) : stepCall(name))
  const standing = standingOfRequest(
    {
      of: { kind: 'journey', id: view.id },
      queue,
      attempts,
      others: othersOf({ name, isUndo, activity, attempt }, of),
    },
    facts,
  )
  return {
    ...standing,
    says: `waits for the activity ${activity === '' ? 'it asked for' : activity}, attempt ${attempt}; ${standing.says}`,
    waitsFor: {
      what: standing.waitsFor?.what ?? `an answer of ${activity}`,
      ...untilBy(view, { timer, at: dueAt }),
    },
    ...(dueAt !== undefined && {
      next: comingBy(view, 'without an answer the attempt has timed out', { timer, at: dueAt }),
    }),
  }
}

/** What else of the journey has asked, or asks, for this activity. */
function othersOf(
  { name, isUndo, activity, attempt }: Omit<Asked, 'attempts' | 'dueAt'>,
  { journey }: StepOf,
): Asking[] {
  const others = Object.entries(journey.activities).flatMap(([other, step]) => [
    ...(step.activity === activity && (other !== name || isUndo)
      ? [{ isOpen: step.state === 'running', attempts: step.attempts }]
      : []),
    ...(step.compensation && step.compensation.activity === activity && (other !== name || !isUndo)
      ? [{ isOpen: step.compensation.state === 'running', attempts: [] }]
      : []),
  ])
  // Of what takes a step back the view does not tell when attempts ended: a request may be of an earlier one.
  return isUndo && attempt > 1 ? [...others, { isOpen: true, attempts: [] }] : others
}
