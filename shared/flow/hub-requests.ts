import type { Event, Meta } from '../bus/envelope.ts'
import type { Body, EventType } from '../events.ts'
import { type Asker, type Decision, ignore, refuse, type Sent } from './decision.ts'
import type { AnswerType, HubContract, HubTerms } from './hub.ts'
import { Actions, carryOut } from './hub-actions.ts'
import { Draft } from './hub-draft.ts'
import { ASKERS_MAX, bytesOf, type HubState, VALUE_BYTES_MAX } from './hub-state.ts'
import { DEADLINE } from './hub-timers.ts'

/** Starts a conversation, or refuses one that is too large to be kept: whoever waits is told. */
export function takeRequest<R extends EventType, S>(
  contract: HubContract<R, AnswerType, S>,
  request: { readonly body: Body<R>; readonly event: Event },
  nowMs: number,
): Decision<HubState<S>> {
  const { body, event } = request
  const bytes = bytesOf(event.data)
  const decision: Decision<HubState<S>> =
    bytes > VALUE_BYTES_MAX
      ? refuse(`request: ${bytes} bytes, at most ${VALUE_BYTES_MAX} are kept: send a reference instead`)
      : start(contract, request, nowMs)
  if (decision.kind !== 'refuse') return decision
  return refuse(decision.reason, refusals(contract, contract.keyOf(body), decision.reason, event.meta))
}

function start<R extends EventType, S>(
  contract: HubContract<R, AnswerType, S>,
  { body, event }: { readonly body: Body<R>; readonly event: Event },
  nowMs: number,
): Decision<HubState<S>> {
  const key = contract.keyOf(body)
  const actions = new Actions({ id: key, nowMs, callsMade: 0, mayCall: true })
  const own = contract.onRequest(body, actions)
  actions.close()
  const deadlineMs = nowMs + contract.deadlineMs
  const opened = { ...blank(event, nowMs), key, requestKey: contract.requestKeyOf(body), deadlineMs, own }
  const draft = new Draft(contract, opened, nowMs)
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
  state: HubState<S>,
  request: { readonly requestKey: string; readonly event: Event },
  nowMs: number,
): Decision<HubState<S>> {
  const { requestKey, event } = request
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
