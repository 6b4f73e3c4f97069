import type { EventType, Json } from '../events.ts'
import type { Failure } from './hub.ts'
import { abandonCalls, makeCall } from './hub-calls.ts'
import type { Draft } from './hub-draft.ts'
import { callIdOf, ERROR_CHARS_MAX, type HubCall, type HubState } from './hub-state.ts'

/** The ends of a conversation: well, badly after undoing, or badly at once. */

export function succeed<S>(draft: Draft<S>, output: Json | undefined): void {
  abandonCalls(draft)
  const { durationMs, own, state } = draft
  draft.note('ended', 'success')
  draft.end('success', draft.terms.says.replied({ conversationId: state.key, state: own, durationMs, output }))
}

/** Why a conversation fails; `callId` names the call that is to blame. */
export type Blame = { readonly error: string; readonly callId?: string | undefined }

/** Undoes what succeeded, newest first, one after the other; then ends. */
export function fail<S>(draft: Draft<S>, blame: Blame): void {
  abandonCalls(draft)
  draft.note('failed', blame.error)
  draft.change({ phase: 'undoing', failure: { ...blame, error: blame.error.slice(0, ERROR_CHARS_MAX) } })
  undoNext(draft, blame)
}

/** An undo has succeeded, or failed for good: either way the next one has its turn. */
export function afterUndo<S>(draft: Draft<S>, undo: HubCall, undoes: number): void {
  const { toUndo, undone, notUndone, failure } = draft.state
  draft.change({
    toUndo: toUndo.filter((n) => n !== undoes),
    ...(undo.state === 'done' ? { undone: [...undone, undoes] } : { notUndone: [...notUndone, undoes] }),
  })
  if (!failure) throw new Error(`The ${draft.terms.kind} ${draft.state.key} is undoing and does not know why.`)
  undoNext(draft, failure)
}

function undoNext<S>(draft: Draft<S>, blame: Blame): void {
  const n = draft.state.toUndo.at(-1)
  const undo = n === undefined ? undefined : draft.state.calls[n - 1]?.undo
  if (undo) makeCall(draft, { ...undo, undoes: n })
  else endBadly(draft, 'worker-error', blame)
}

/** Ends with an error at once: what is not undone by now stays as it is, and is named. */
export function endBadly<S>(draft: Draft<S>, kind: Failure<EventType, S>['kind'], blame: Blame): void {
  abandonCalls(draft)
  const { key, request, undone, failure } = draft.state
  const own = draft.readOwn()
  const because = failure && kind !== 'worker-error' ? `; it was undoing because of: ${failure.error}` : ''
  const unread = 'fault' in own ? `; what it kept cannot be read any more: ${own.fault}` : ''
  const error = `${blame.error}${because}${unread}`.slice(0, ERROR_CHARS_MAX)
  const notUndone = leftOf(draft.state)
  draft.change({ failure: { ...failure, ...blame, error }, toUndo: [], notUndone })
  draft.note('ended', `${kind}: ${error}`)
  const toIds = (calls: readonly number[]) => calls.map((n) => callIdOf(key, n))
  draft.end(
    'error',
    draft.terms.says.failed({
      conversationId: key,
      request,
      state: 'value' in own ? own.value : undefined,
      durationMs: draft.durationMs,
      kind,
      error,
      callId: blame.callId ?? failure?.callId,
      undone: toIds(undone),
      notUndone: toIds(notUndone),
    }),
  )
}

/** What should have been undone: what could not be, what had no turn, and what may yet succeed though nobody waits for it. */
const leftOf = ({ notUndone, toUndo, calls }: HubState): number[] => [
  ...notUndone,
  ...toUndo.toReversed(),
  ...calls.filter((call) => call.undo && isUnknown(call)).map(({ n }) => n),
]

/** Whether nobody knows what came of a call: nobody waited for its answer, or for that of an attempt. */
const isUnknown = ({ state, unsure }: HubCall) => state === 'abandoned' || (state === 'failed' && unsure === true)
