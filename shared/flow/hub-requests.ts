import type { Event, Meta } from '../bus/envelope.ts'
import { type Asker, type Decision, ignore, refuse, type Sent } from './decision.ts'
import type { HubActions, HubTerms } from './hub.ts'
import { Actions, carryOut } from './hub-actions.ts'
import { Draft } from './hub-draft.ts'
import { ASKERS_MAX, type HubState, VALUE_BYTES_MAX } from './hub-state.ts'
import { DEADLINE } from './hub-timers.ts'
import { findTooMuch, sizeOf } from './value-size.ts'

/** A request, as the contract sees it. */
export type Request<S> = {
  readonly event: Event
  readonly key: string
  readonly requestKey: string
  /** Has the contract begin; gives what it keeps. */
  readonly begin: (hub: HubActions) => S
}

/** Starts a conversation, or refuses one that is too large to be kept: whoever waits is told. */
export function takeRequest<S>(terms: HubTerms<S>, request: Request<S>, nowMs: number): Decision<HubState> {
  const { event, key } = request
  const fault = findTooMuch('request', sizeOf(event.data), { bytesMax: VALUE_BYTES_MAX })
  const decision = fault === undefined ? start(terms, request, nowMs) : refuse(fault)
  if (decision.kind !== 'refuse') return decision
  return refuse(decision.reason, refusals(terms, key, decision.reason, event.meta))
}

function start<S>(terms: HubTerms<S>, request: Request<S>, nowMs: number): Decision<HubState> {
  const { event, key, requestKey, begin } = request
  const actions = new Actions({ id: key, nowMs, callsMade: 0, mayCall: true })
  const own = begin(actions)
  actions.close()
  const deadlineMs = nowMs + terms.deadlineMs
  const draft = new Draft(terms, { ...blank(event, nowMs), key, requestKey, deadlineMs }, nowMs)
  draft.keep(own)
  // Before the calls: whatever becomes of them, the conversation ends.
  draft.arm(DEADLINE, deadlineMs)
  draft.note('requested')
  carryOut(draft, actions)
  return draft.decision({ event })
}

const blank = ({ data, meta }: Event, nowMs: number) => ({
  request: data,
  createdAtMs: nowMs,
  askers: askersOf(meta),
  calls: [],
  phase: 'running' as const,
  toUndo: [],
  undone: [],
  notUndone: [],
})

/** A request with the id of a conversation that is there: the same one, or a conflict. */
export function repeatRequest<S>(
  terms: HubTerms<S>,
  state: HubState,
  { requestKey, event }: Pick<Request<S>, 'requestKey' | 'event'>,
  nowMs: number,
): Decision<HubState> {
  const [asker] = askersOf(event.meta)
  if (requestKey !== state.requestKey) {
    const reason = `There is another ${terms.kind} with the id ${state.key}: choose another id, or repeat its request as it was.`
    return ignore('conflict', refusals(terms, state.key, reason, event.meta))
  }
  if (state.end) return ignore('duplicate', asker ? [{ body: state.end.reply, to: asker }] : [])
  if (!asker || state.askers.length >= ASKERS_MAX || state.askers.some((one) => isSame(one, asker)))
    return ignore('duplicate')
  const draft = new Draft(terms, { ...state, askers: [...state.askers, asker] }, nowMs)
  draft.note('asked again', asker.replyTo)
  return draft.decision({ event })
}

const askersOf = ({ replyTo, correlationId }: Meta): Asker[] =>
  replyTo === undefined ? [] : [{ replyTo, correlationId }]

const isSame = (one: Asker, other: Asker) => one.replyTo === other.replyTo && one.correlationId === other.correlationId

/** Says no to everyone, and once more to whoever waits. */
function refusals<S>({ says }: HubTerms<S>, key: string, reason: string, meta: Meta): Sent[] {
  const body = says.refused(key, reason)
  return [{ body }, ...askersOf(meta).map((to) => ({ body, to }))]
}
