import type { Body } from '../../events.ts'
import { type Decision, ignore, refuse, type Sent } from '../decision.ts'
import { abandonCalls } from './abandonment.ts'
import { DEADLINE, undoCall } from './call-names.ts'
import { afterUndo, compensate, undo } from './compensation.ts'
import { JourneyDraft, type JourneyTerms } from './draft.ts'
import { endJourney, headOf } from './ends.ts'
import { type Command, findRefusal, targetsOf } from './legal-acts.ts'
import { longestMs } from './patience.ts'
import { type Call, hasEnded, isWaiting, type JourneyState, type JourneyStep } from './state.ts'
import { advance, beginAgain, failureOf } from './steps.ts'

/** What a person, or a job for many, decides about a journey. Commands of a job are never refused: the job hears what they came to. */
export function takeCommand(
  terms: JourneyTerms,
  state: JourneyState | undefined,
  command: Command,
  nowMs: number,
): Decision<JourneyState> {
  const { job, sagaId } = command
  const unknown = `There is no journey ${sagaId}, and nothing was changed.`
  // A job that has not heard what its command came to sends it again.
  if (state && job !== undefined && job === state.job) return ignore('duplicate', doneFor(command))
  const refusal = state ? findRefusal(state, command) : unknown
  if (refusal !== undefined && job === undefined) return refuse(refusal)
  if (!state) return ignore('unknown', doneFor(command, unknown))
  if (refusal !== undefined) return ignore(hasEnded(state) ? 'late' : 'conflict', doneFor(command, refusal))
  const draft = new JourneyDraft(terms, state, nowMs)
  draft.send(...doneFor(command))
  if (job !== undefined) draft.change({ job })
  carryOut(draft, command)
  return draft.decision()
}

function doneFor({ job, sagaId }: Command, refused?: string): Sent[] {
  if (job === undefined) return []
  return [{ body: { type: 'REMEDIATION_DONE', job, sagaId, refused }, queue: 'hub_consume' }]
}

/** Does what was decided, and says so first. */
export function carryOut(draft: JourneyDraft, command: Command): void {
  const { act, actor, reason } = command
  const targets = act === 'retry' || act === 'skip' ? targetsOf(draft.state) : []
  const step = command.step ?? (targets.length === 1 ? targets[0] : undefined)
  draft.note(step === undefined ? act : `${act} ${step}`, `${actor}: ${reason}`)
  draft.send({ body: { type: 'JOURNEY_REMEDIATED', ...headOf(draft.state), act, step, actor, reason } })
  switch (act) {
    case 'retry':
      retry(draft, command, step === undefined ? targets : [step])
      break
    case 'skip':
      skip(draft, command, step)
      break
    case 'compensate':
      takeBack(draft, command)
      break
    case 'cancel':
      abandonCalls(draft, `cancelled by ${actor}: ${reason}`)
      endJourney(draft, { status: 'CANCELLED', cancelledBy: { actor, reason } })
  }
  armDeadline(draft)
}

function retry(draft: JourneyDraft, { input }: Command, names: readonly string[]): void {
  const steps = names.flatMap((name) => draft.step(name) ?? [])
  const isUndoing = draft.state.remediation?.cause === 'compensation'
  draft.change({ status: 'RUNNING', phase: isUndoing ? 'compensating' : 'running', remediation: undefined })
  const patched = <C extends Call>(call: C): C =>
    input === undefined ? call : { ...call, input, patches: (call.patches ?? 0) + 1 }
  if (isUndoing)
    for (const step of steps) {
      if (step.undo) undo(draft, step, again(patched(step.undo)))
    }
  else {
    for (const step of steps) beginAgain(draft, patched(step))
    advance(draft)
  }
}

const again = (call: Call): Call => ({ ...call, forgiven: call.attempt, status: undefined, error: undefined })

function skip(draft: JourneyDraft, { output = null }: Command, name: string | undefined): void {
  const step = name === undefined ? undefined : draft.step(name)
  const { remediation } = draft.state
  const goingOn = { status: 'RUNNING', remediation: undefined } as const
  if (!step) endJourney(draft, { status: 'COMPLETED', output })
  else if (remediation?.cause === 'compensation' && step.undo) {
    draft.change({ ...goingOn, phase: 'compensating' })
    draft.put(undoCall(step.name), { ...step.undo, state: 'skipped' })
    afterUndo(draft, step.name)
  } else {
    const failed = draft.state.failed.filter((one) => one !== name)
    draft.putStep(givenFor(step, output))
    draft.change({ failed })
    // Others have failed, too: a person goes on deciding.
    if (failed.length > 0 && remediation) draft.change({ remediation: { ...remediation, ...failureOf(draft) } })
    else {
      draft.change({ ...goingOn, phase: 'running' })
      advance(draft)
    }
  }
}

const givenFor = (step: JourneyStep, output: Body<'ACTIVITY_SUCCEEDED'>['output']): JourneyStep => ({
  ...step,
  state: 'skipped',
  output,
  status: undefined,
  error: undefined,
})

function takeBack(draft: JourneyDraft, { actor, reason }: Command): void {
  const why = draft.state.remediation?.error ?? `${actor}: ${reason}`
  abandonCalls(draft, `taken back by ${actor}: ${reason}`)
  compensate(draft, why)
}

/** A journey that goes on has what was left of its deadline, all of it anew when nothing was, and at least what those that run now may take. */
function armDeadline(draft: JourneyDraft): void {
  const { phase, deadlineMs, leftMs = 0 } = draft.state
  if (phase !== 'running' || deadlineMs !== undefined) return
  // When nothing was left, what comes behind the retried step needs time, too.
  const ownMs = leftMs > 0 ? leftMs : draft.definition.deadlineMs
  const running = [...draft.steps].filter(isWaiting).map(({ name }) => longestMs(draft.defined(name)))
  const dueMs = draft.nowMs + Math.max(ownMs, ...running)
  draft.change({ deadlineMs: dueMs, leftMs: undefined })
  draft.arm(DEADLINE, dueMs)
}
