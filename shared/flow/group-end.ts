import type { Body, Json } from '../events.ts'
import type { Decision, HistoryLine, Sent } from './decision.ts'
import { type GroupEnd, type GroupState, missingOf, statusOf, timeIn } from './group-state.ts'

/** How a group ends: one event, and what its handler asks for. */

export type GroupChange = Extract<Decision<GroupState>, { kind: 'change' }>

/** Bound of an object's error in the catalogue. */
const ERROR_CHARS_MAX = 2_048
/** An error in the history is there to be recognised; the whole one is in the state. */
const DETAIL_CHARS_MAX = 200

/** Ends an open group: as a failure when there is an `entity` that is to blame, as a success otherwise. */
export function endGroup(
  open: GroupState,
  how: Omit<GroupEnd, 'atMs'>,
  nowMs: number,
  history: readonly HistoryLine[] = [],
): GroupChange {
  const end = { atMs: timeIn(open, nowMs), ...how }
  const state: GroupState = { ...open, end }
  const status = statusOf(state)
  const handler = status === 'success' ? state.onsuccess : state.onfailure
  const sent: Sent[] = [{ body: state.object ? objectEnd(state, state.object, end) : collectorEnd(state, end) }]
  if (handler) sent.push({ verbatim: handler.payload, topic: handler.topic })
  const detail = end.entity === undefined ? end.by : `${end.by} of ${end.entity}: ${recognisable(end.error)}`
  return {
    kind: 'change',
    state,
    status,
    ended: true,
    sent,
    timers: [],
    history: [...history, { what: status, detail }],
  }
}

export const recognisable = (error: Json | undefined) => textOf(error).slice(0, DETAIL_CHARS_MAX)

const textOf = (error: Json | undefined) => (typeof error === 'string' ? error : JSON.stringify(error ?? null))

function collectorEnd(state: GroupState, end: GroupEnd): Body {
  const { id, heard } = state
  const common = {
    id,
    created: new Date(state.createdMs).toISOString(),
    resolved: new Date(end.atMs).toISOString(),
    // Entries, because an id may be `__proto__`.
    results: Object.fromEntries(heard.map(({ id, result = null }) => [id, result])),
    payload: state.payload,
    endedBy: end.by,
  }
  if (end.entity !== undefined)
    return { type: 'EventGroupCollectorFailure', ...common, entity: end.entity, error: end.error ?? null }
  const errors = heard.flatMap(({ id, error }) => (error === undefined ? [] : [[id, error] as const]))
  return {
    type: 'EventGroupCollectorSuccess',
    ...common,
    errors: errors.length > 0 ? Object.fromEntries(errors) : undefined,
  }
}

function objectEnd(state: GroupState, object: NonNullable<GroupState['object']>, end: GroupEnd): Body {
  const common = {
    objectId: state.id,
    tenant: object.tenant,
    // The object was created by another machine's clock.
    durationMs: Math.max(0, end.atMs - object.createdMs),
    tasks: state.expected.length,
  }
  if (end.entity === undefined) return { type: 'OBJECT_COMPLETED', ...common }
  const error = textOf(end.error).slice(0, ERROR_CHARS_MAX)
  return { type: 'OBJECT_FAILED', ...common, error, missing: missingOf(state) }
}
