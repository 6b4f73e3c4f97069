import { callIdOf, splitCallId, stepCall, undoCall } from '../../../shared/flow/journey/call-names.ts'
import type { View } from '../conversation-view.ts'
import { type Command, type Line, type Link, names, type Standing, type Tale, type WhyState } from './answer.ts'
import { commandFor, REASON } from './command.ts'
import { heldLinks, linesOfHistory } from './conversation-lines.ts'
import { type Facts, heldAbout } from './facts.ts'
import { deadlineCommands, namesOf } from './group-tale.ts'
import { linesOfHeld } from './held-standing.ts'
import { type JourneyView, journeyOf, waitingSteps } from './journey-view.ts'
import { type StepOf, standingOfStep, standingOfUndo } from './step-standing.ts'

/** A journey: it waits for a step, the step for an activity, and that for whoever consumes its queue; or for a person. */
export function journeyTale(facts: Facts): Tale | undefined {
  const found = facts.conversations.find(({ kind }) => kind === 'journey')
  if (!found) return undefined
  const { view } = found
  const journey = journeyOf(view)
  const { says, ...standing } = standingOfJourney(view, journey, facts)
  // Of many steps the first are shown: those that are done are the least of interest.
  const steps = Object.keys(journey.activities)
    .map((name) => stepLink(name, { view, journey, facts }))
    .toSorted((a, b) => Number(a.state === 'completed') - Number(b.state === 'completed'))
  return {
    kind: 'journey',
    ...standing,
    summary: `The journey ${view.id} (${journey.type} version ${journey.version}) ${says}.`,
    lines: [...linesOfHistory(view), ...linesOfHeld(heldAbout(facts, view.id))],
    related: [...steps, ...heldLinks(view)],
  }
}

/** A step of a journey, or what takes it back: `<saga>:<step>[:undo]`. */
export function journeyCallTale(facts: Facts): Tale | undefined {
  const call = splitCallId(facts.id)
  const found = facts.parents.find(({ kind, view }) => kind === 'journey' && view.id === call?.sagaId)
  if (!call || !found) return undefined
  const { view } = found
  const journey = journeyOf(view)
  const step = new Map(Object.entries(journey.activities)).get(call.step)
  if (!step) return undefined
  const { says, ...standing } = call.isUndo
    ? standingOfUndo(call.step, { view, journey, facts })
    : standingOfStep(call.step, { view, journey, facts })
  return {
    kind: 'call',
    ...standing,
    summary: `The step ${call.step}${call.isUndo ? ', taken back,' : ''} of the journey ${view.id} ${says}.`,
    lines: [
      ...step.attempts.map(
        ({ attempt, endedAt, status, error }): Line => ({
          atMs: Date.parse(endedAt),
          what: `attempt ${attempt} ended with ${status}`,
          ...(error !== undefined && { detail: error }),
        }),
      ),
      ...linesOfHistory(view).filter(({ what, detail }) => names(`${what} ${detail ?? ''}`, call.step)),
    ],
    related: [{ kind: 'journey', id: view.id, state: stateOf(journey), why: 'the step is a part of it' }],
  }
}

const STATES: Readonly<Record<string, WhyState>> = {
  ACCEPTED: 'waiting',
  RUNNING: 'in-flight',
  COMPLETED: 'completed',
  FAILED: 'failed',
  COMPENSATED: 'compensated',
  NEEDS_REMEDIATION: 'needs-remediation',
  CANCELLED: 'cancelled',
}
const stateOf = ({ status }: JourneyView): WhyState => STATES[status] ?? 'unknown'

function standingOfJourney(view: View, journey: JourneyView, facts: Facts): Standing {
  const { phase, status, remediation, error, cancelledBy, notCompensated, compensated } = journey
  const state = stateOf(journey)
  if (phase === 'ended') {
    const because = error === undefined ? '' : `: ${error}`
    const by = cancelledBy ? ` by ${cancelledBy.actor} (${cancelledBy.reason})` : ''
    const back = compensated.length > 0 ? `; taken back: ${compensated.join(', ')}` : ''
    const left = notCompensated.length > 0 ? `; not taken back: ${notCompensated.join(', ')}` : ''
    return {
      state,
      says: `is ${status}${by} since ${view.endedAt ?? view.changedAt}${because}${back}${left}`,
      commands: [],
    }
  }
  if (remediation) return standingOfRemediation(view.id, journey, remediation)
  const cancel = commandFor('ebs remediation cancel', view.id, { options: REASON, does: DOES.cancel })
  if (phase === 'waiting')
    return {
      state: 'waiting',
      says: `waits for a definition: no journey of the type ${journey.type} is registered`,
      where: { service: 'hub' },
      waitsFor: { what: `a definition of ${journey.type}` },
      commands: [
        { command: 'ebs definition register FILE', does: `registers one; the journeys that wait for it go on` },
        cancel,
      ],
    }
  return standingOfSteps(view, journey, facts, cancel)
}

type Remediation = NonNullable<JourneyView['remediation']>

function standingOfRemediation(
  id: string,
  { error }: JourneyView,
  { cause, since, steps, acts, ...why }: Remediation,
): Standing {
  const step = steps.length > 0 ? `the step ${namesOf(steps)} failed` : 'it cannot go on'
  return {
    state: 'needs-remediation',
    says: `needs a person since ${since}: ${step} (${cause}: ${why.error || error})`,
    where: { service: 'hub' },
    waitsFor: { what: `somebody to decide: ${acts.join(', ')}` },
    commands: [
      ...acts.flatMap((act) => (isAct(act) ? [decision(act, id)] : [])),
      commandFor('ebs remediation show', id, { does: 'shows what has to be decided' }),
    ],
  }
}

const DOES = {
  retry: 'tries what failed once more',
  skip: 'goes on as if it had given this result',
  compensate: 'takes back what was done',
  cancel: 'ends it now; what is done stays done',
} as const

const isAct = (act: string): act is keyof typeof DOES => Object.hasOwn(DOES, act)
const decision = (act: keyof typeof DOES, id: string): Command =>
  commandFor(`ebs remediation ${act}`, id, {
    options: act === 'skip' ? `--result null ${REASON}` : REASON,
    does: DOES[act],
  })

function standingOfSteps(view: View, journey: JourneyView, facts: Facts, cancel: Command): Standing {
  const waiting = waitingSteps(journey)
  const done = Object.values(journey.activities).filter(({ state }) => state === 'done' || state === 'skipped').length
  const total = Object.keys(journey.activities).length
  const doing =
    journey.phase === 'compensating'
      ? `is being taken back (${journey.error})`
      : `goes on since ${view.createdAt}: ${done} of ${total} steps are done`
  const overdue = journey.overdueSince === undefined ? '' : ` It is overdue since ${journey.overdueSince}.`
  const commands = [
    ...deadlineCommands('journey', view, facts).filter(({ command }) => command.startsWith('ebs timer')),
    cancel,
  ]
  const standingOf = journey.phase === 'compensating' ? standingOfUndo : standingOfStep
  const all = waiting.map(([name]) => {
    const { whole, ...standing } = standingOf(name, { view, journey, facts })
    return { name, standing: { ...standing, state: whole ?? standing.state } }
  })
  const first = all.toSorted((a, b) => weightOf(a.standing) - weightOf(b.standing))[0]
  if (!first)
    return { state: 'in-flight', says: `${doing}; it waits for no step just now`, where: { service: 'hub' }, commands }
  const { name, standing } = first
  return {
    ...standing,
    says: `${doing}; the step ${name} ${standing.says}${overdue}`,
    commands: [...standing.commands, ...commands],
  }
}

/** What most needs somebody comes first. */
const WEIGHTS: readonly WhyState[] = ['parked', 'dead', 'waiting', 'retrying']
const weightOf = ({ state }: Standing) => (WEIGHTS.includes(state) ? WEIGHTS.indexOf(state) : WEIGHTS.length)

function stepLink(name: string, of: StepOf): Link {
  const { view, journey } = of
  const isUndo = journey.activities[name]?.compensation !== undefined && journey.phase !== 'running'
  const { state, says } = isUndo ? standingOfUndo(name, of) : standingOfStep(name, of)
  return { kind: 'call', id: callIdOf(view.id, isUndo ? undoCall(name) : stepCall(name)), state, why: says }
}
