import { type Decision, ignore, refuse } from './decision.ts'
import { endGroup, recognisable } from './group-end.ts'
import { ERROR_BYTES_MAX, type GroupState, type Heard, keyBytes, RESULTS_BYTES_MAX, timeIn } from './group-state.ts'
import { findTooMuch, type Size, sizeOf } from './value-size.ts'

/** What is said of a member: a result, or an error. */
export type Said = Omit<Heard, 'atMs'> & { readonly byTask: boolean }

/** A member is done or has failed: the first word counts, and the last one needed ends the group. */
export function hear(state: GroupState | undefined, said: Said, nowMs: number): Decision<GroupState> {
  if (!state) return early(said)
  if (state.end) return ignore('late')
  const { id, byTask, error } = said
  if (byTask !== (state.object !== undefined) || !state.expected.includes(id)) return ignore('unknown')
  if (state.heard.some((heard) => heard.id === id)) return ignore('duplicate')

  const failures = countFailures(state) + (error === undefined ? 0 : 1)
  const isLost = failures > state.expected.length - state.quorum
  const kept = byTask ? keepTask(state, said) : keepDone(state, said, isLost)
  if ('fault' in kept) return refuse(kept.fault)
  const member: Heard = { id, atMs: timeIn(state, nowMs), by: said.by, result: kept.result, error: kept.error }
  const next: GroupState = {
    ...state,
    heard: [...state.heard, member],
    resultsBytes: state.resultsBytes + kept.bytes,
  }
  const what = error === undefined ? 'done' : 'failed'
  const history = [{ what, detail: error === undefined ? id : `${id}: ${recognisable(error)}` }]

  if (isLost) {
    const verdict = byTask ? `task ${id}: ${error}` : error
    return endGroup(next, { by: 'error', entity: id, error: verdict }, nowMs, history)
  }
  const results = next.heard.length - failures
  if (results >= next.quorum)
    return endGroup(next, { by: results === next.expected.length ? 'all' : 'quorum' }, nowMs, history)
  return { kind: 'change', state: next, status: 'open', ended: false, sent: [], timers: [], history }
}

/** For a group that is not there yet: what no group could keep is refused at once, because later nobody would hear of it. */
function early({ result, error }: Said): Decision<GroupState> {
  const fault = findFault({ error }, sizeOf(error ?? result ?? null))
  return fault === undefined ? { kind: 'early' } : refuse(fault)
}

/** Why a Done cannot be kept, whatever else is in its group. */
const findFault = ({ error }: Pick<Said, 'error'>, size: Size): string | undefined =>
  error === undefined
    ? findTooMuch('result', size, { bytesMax: RESULTS_BYTES_MAX })
    : findTooMuch('error', size, { bytesMax: ERROR_BYTES_MAX })

const countFailures = ({ heard }: GroupState) => heard.reduce((n, { error }) => n + (error === undefined ? 0 : 1), 0)

/** What is kept of a word about a member, and how many bytes of the results it takes. */
type Kept = Pick<Heard, 'result' | 'error'> & { readonly bytes: number }

const NULL_BYTES = 4

function keepDone(state: GroupState, { id, result, error }: Said, isLost: boolean): Kept | { readonly fault: string } {
  const size = sizeOf(error ?? result ?? null)
  const fault = findFault({ error }, size)
  if (fault) return { fault }
  // The error that ends a group has room of its own; one before that is said under its id beside a result that is null.
  const bytes = error === undefined ? size.bytes : isLost ? 0 : size.bytes + keyBytes(id) + NULL_BYTES
  const total = state.resultsBytes + bytes
  if (total > RESULTS_BYTES_MAX)
    return {
      fault: `${error === undefined ? 'result' : 'error'}: the results of the group would have ${total} bytes as JSON, at most ${RESULTS_BYTES_MAX} are kept; publish references instead`,
    }
  return { result: result ?? undefined, error, bytes }
}

const LEFT_OUT = 'left out: the group has no room for it'

/** What tasks say is kept for those who look; the end of an object does without, so one too many is left out instead of refused. */
function keepTask({ resultsBytes }: GroupState, { result, error }: Said): Kept {
  const { bytes } = sizeOf(error ?? result ?? null)
  if (resultsBytes + bytes <= RESULTS_BYTES_MAX) return { result, error, bytes }
  return { result: undefined, error: error === undefined ? undefined : LEFT_OUT, bytes: 0 }
}
