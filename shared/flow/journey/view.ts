import { callIdOf, stepCall } from './call-names.ts'
import type { Definition, Step } from './definition.ts'
import { legalActs } from './legal-acts.ts'
import { type Call, hasEnded, isWaiting, type JourneyState, type JourneyStep } from './state.ts'

/** A journey as a person sees it: each step with its attempts, what is due, and what has to be decided. */
export function viewOf(state: JourneyState, definition: Definition | undefined): Readonly<Record<string, unknown>> {
  const { id, type, version, revision, status, phase, tenant, key, payload, output, ticket, cancelledBy } = state
  const { createdMs, startedMs, deadlineMs, remediation, overdue, undone, toUndo } = state
  const error = state.error ?? remediation?.error
  return {
    ...{ id, kind: 'journey', type, version, revision, status, phase, tenant },
    ...(key !== undefined && { key }),
    payload,
    ...(output !== undefined && { output }),
    ...(error !== undefined && { error }),
    createdAt: isoOf(createdMs),
    ...(startedMs !== undefined && { startedAt: isoOf(startedMs) }),
    ...(deadlineMs !== undefined && { deadline: isoOf(deadlineMs) }),
    ...(phase === 'waiting' && { waitingFor: 'definition' }),
    ...(overdue && !hasEnded(state) && { overdueSince: isoOf(overdue.sinceMs) }),
    ...(undone.length + toUndo.length > 0 && { compensated: undone, notCompensated: toUndo }),
    ...(cancelledBy && { cancelledBy }),
    activities: activitiesOf(state, definition),
    ...(remediation && { remediation: remediationView(state, remediation) }),
    ...(ticket !== undefined && { ticket }),
  }
}

function remediationView(state: JourneyState, { sinceMs, ...why }: NonNullable<JourneyState['remediation']>) {
  return { ...why, since: isoOf(sinceMs), acts: legalActs(state) }
}

/** In the order of the definition; a step whose turn has not come is pending. Built from entries: a step may have any name. */
function activitiesOf(state: JourneyState, definition: Definition | undefined): Record<string, unknown> {
  const byName = new Map(state.steps.map((step) => [step.name, step]))
  const defined = new Map(definition?.steps.map((step) => [step.name, step]))
  const names = new Set([...defined.keys(), ...byName.keys()])
  return Object.fromEntries([...names].map((name) => [name, activityOf(state, defined.get(name), byName.get(name))]))
}

function activityOf(state: JourneyState, defined: Step | undefined, step: JourneyStep | undefined) {
  const head = defined && { activity: defined.activity, after: defined.after }
  if (!step) return { ...head, state: 'pending', attempt: 0, attempts: [] }
  const { name, input, output, undo } = step
  return {
    ...head,
    ...callView(step),
    ...(step.attempt > 0 && { callId: callIdOf(state.id, stepCall(name)) }),
    // Missing: the payload, which need not be said once more for each step.
    ...(input !== undefined && { input }),
    ...(output !== undefined && { output }),
    ...(undo
      ? { compensation: { activity: defined?.compensate?.activity, ...undoView(undo) } }
      : state.toUndo.includes(name) && { compensation: { activity: defined?.compensate?.activity, ...PENDING } }),
  }
}

const PENDING = { state: 'pending', attempt: 0 }

function callView(call: Call) {
  const { state, attempt, attempts, status, error, dueMs } = call
  return {
    state,
    attempt,
    attempts: attempts.map(({ endedMs, isSilent: _, ...ended }) => ({ ...ended, endedAt: isoOf(endedMs) })),
    ...(status !== undefined && { status }),
    ...(error !== undefined && { error }),
    ...(isWaiting(call) && dueMs !== undefined && { dueAt: isoOf(dueMs) }),
  }
}

const undoView = ({ state, attempt, error }: Call) => ({
  // Nobody waits for it any more: that is the end of the journey, and it was not taken back.
  state: state === 'abandoned' ? 'failed' : state,
  attempt,
  ...(error !== undefined && { error }),
})

const isoOf = (ms: number) => new Date(ms).toISOString()
