import { ERROR_CHARS_MAX } from '../hub-state.ts'
import { stepCall } from './call-names.ts'
import { ask, failForGood, NEW_CALL } from './calls.ts'
import { compensate } from './compensation.ts'
import type { Step } from './definition.ts'
import type { JourneyDraft } from './draft.ts'
import { endJourney } from './ends.ts'
import { outputFor, whetherToRun } from './expressions.ts'
import { needPerson } from './remediation.ts'
import { isGiven, isSettled, isWaiting, type JourneyStep, type Remediation } from './state.ts'

/** The graph of steps: whose turn it is, and what becomes of the journey when nobody's is. */

/** Whatever has happened: asks for what can be done now, or ends the journey, or stops it. */
export function advance(draft: JourneyDraft): void {
  beginReady(draft)
  // Those that run are let finish, whatever has become of others: their outcome has to be known.
  if ([...draft.steps].some(isWaiting)) return
  if (draft.state.failed.length > 0) stop(draft)
  else complete(draft)
}

/** In the order of the definition, in which each comes behind those it waits for: one pass skips whole branches. */
function beginReady(draft: JourneyDraft): void {
  for (const step of draft.definition.steps) {
    if (draft.state.failed.length > 0) return
    if (draft.step(step.name)) continue
    const before = step.after.map((name) => draft.step(name))
    if (!before.every((one) => one !== undefined && isSettled(one))) continue
    if (before.length === 0 || before.some((one) => one !== undefined && isGiven(one)))
      begin(draft, step, { ...NEW_CALL, name: step.name })
    else skip(draft, step.name, 'none of those it comes after is done')
  }
}

/** The turn of a step has come. */
function begin(draft: JourneyDraft, step: Step, fresh: JourneyStep): void {
  draft.putStep(fresh)
  const verdict = whetherToRun(draft, step)
  if ('fault' in verdict) failForGood(draft, stepCall(step.name), fresh, verdict.fault)
  else if (verdict.value) ask(draft, stepCall(step.name), fresh)
  else skip(draft, step.name, 'its condition does not hold')
}

function skip(draft: JourneyDraft, name: string, why: string): void {
  draft.putStep({ name, state: 'skipped', attempt: 0, attempts: [] })
  draft.note('skipped', `${name}: ${why}`)
}

/** A step that has failed has another turn, with as many retries as it had at first. */
export function beginAgain(draft: JourneyDraft, step: JourneyStep): void {
  const { failed, order } = draft.state
  draft.change({
    failed: failed.filter((name) => name !== step.name),
    order: order.filter((name) => name !== step.name),
  })
  const fresh: JourneyStep = { ...step, state: 'running', forgiven: step.attempt, status: undefined, error: undefined }
  draft.putStep(fresh)
  // Whoever gives it an input wants it to run.
  if (step.attempt === 0 && step.patches === undefined) begin(draft, draft.defined(step.name), fresh)
  else ask(draft, stepCall(step.name), fresh)
}

/** Every step is done, or skipped. */
export function complete(draft: JourneyDraft): void {
  const output = outputFor(draft)
  if ('value' in output) endJourney(draft, { status: 'COMPLETED', output: output.value })
  else needPerson(draft, { cause: 'permanent', error: output.fault.slice(0, ERROR_CHARS_MAX), steps: [] })
}

/** A step has failed for good, and nothing runs any more. */
function stop(draft: JourneyDraft): void {
  const failure = failureOf(draft)
  switch (draft.definition.onFailure) {
    case 'fail':
      endJourney(draft, { status: 'FAILED', error: failure.error, blamed: failure.steps[0] })
      return
    case 'compensate':
      compensate(draft, failure.error)
      return
    case 'remediate':
      needPerson(draft, failure)
  }
}

/** Why the journey does not go on: what failed first is to blame. */
export function failureOf(draft: JourneyDraft): Omit<Remediation, 'sinceMs'> {
  const { failed, id } = draft.state
  const first = failed[0] === undefined ? undefined : draft.step(failed[0])
  if (!first) throw new Error(`The journey ${id} has stopped, and no step of it has failed.`)
  const { name, error = '' } = first
  const isAbandoned = first.state === 'abandoned'
  return {
    cause: isAbandoned ? 'deadline' : (first.status ?? 0) < 500 ? 'permanent' : 'exhausted',
    error: (isAbandoned ? error : `${name}: ${error}`).slice(0, ERROR_CHARS_MAX),
    steps: failed,
  }
}
