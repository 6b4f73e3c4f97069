import { type CallName, stepCall, timerOf, undoCall } from './call-names.ts'
import { markFailed, titleOf } from './calls.ts'
import type { JourneyDraft } from './draft.ts'
import { type Call, isWaiting } from './state.ts'

/** Nobody waits any more for what is going on: nobody knows what comes of it. */
export function abandonCalls(draft: JourneyDraft, why: string): void {
  for (const step of [...draft.steps]) {
    if (isWaiting(step)) {
      const name = stepCall(step.name)
      const call = abandoned(draft, name, step, why)
      markFailed(draft, step.name, call)
    }
    if (step.undo && isWaiting(step.undo)) abandoned(draft, undoCall(step.name), step.undo, why)
  }
}

function abandoned(draft: JourneyDraft, name: CallName, call: Call, error: string): Call {
  const isUnsure = call.state === 'running' || call.isUnsure
  const put: Call = { ...call, state: 'abandoned', error, dueMs: undefined, ...(isUnsure && { isUnsure: true }) }
  draft.put(name, put)
  draft.cancel(timerOf(name))
  draft.note('abandoned', titleOf(name))
  return put
}
