import { ERROR_CHARS_MAX } from '../hub-state.ts'
import { undoCall } from './call-names.ts'
import { ask, NEW_CALL } from './calls.ts'
import type { JourneyDraft } from './draft.ts'
import { endJourney } from './ends.ts'
import { haltDeadline, needPerson } from './remediation.ts'
import { isWaiting, type JourneyStep } from './state.ts'

/** Takes back what is done, and what may be, in reverse order, one after another: what was built on something goes first. */
export function compensate(draft: JourneyDraft, error: string): void {
  haltDeadline(draft)
  const toUndo = draft.state.order.toReversed().filter((name) => draft.defined(name).compensate)
  const why = error.slice(0, ERROR_CHARS_MAX)
  draft.change({ status: 'RUNNING', phase: 'compensating', remediation: undefined, error: why, toUndo, undone: [] })
  draft.note('compensating', toUndo.join(', ') || 'there is nothing to take back')
  undoNext(draft)
}

function undoNext(draft: JourneyDraft): void {
  const [name] = draft.state.toUndo
  const step = name === undefined ? undefined : draft.step(name)
  if (step) undo(draft, step, NEW_CALL)
  else endJourney(draft, { status: 'COMPENSATED' })
}

/** Asks for what takes a step back. */
export function undo(draft: JourneyDraft, step: JourneyStep, call: NonNullable<JourneyStep['undo']>): void {
  draft.putStep({ ...step, undo: call })
  ask(draft, undoCall(step.name), call)
  afterUndo(draft, step.name)
}

/** What takes a step back was done, or left out, and the next one has its turn; or it failed for good. */
export function afterUndo(draft: JourneyDraft, name: string): void {
  const call = draft.find(undoCall(name))
  if (!call || isWaiting(call)) return
  const { toUndo, undone } = draft.state
  if (call.state === 'failed') {
    const error = `taking back ${name}: ${call.error ?? ''}`.slice(0, ERROR_CHARS_MAX)
    needPerson(draft, { cause: 'compensation', error, steps: toUndo })
    return
  }
  draft.change({ toUndo: toUndo.filter((one) => one !== name), undone: [...undone, name] })
  undoNext(draft)
}
