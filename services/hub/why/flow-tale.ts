import { z } from 'zod'
import type { View } from '../conversation-view.ts'
import { errorText, type Line, names, type Standing, type Tale, type WhyState } from './answer.ts'
import { heldLinks, linesOfHistory } from './conversation-lines.ts'
import { type Facts, heldAbout } from './facts.ts'
import { deadlineCommands } from './group-tale.ts'
import { linesOfHeld } from './held-standing.ts'
import { type CallStanding, standingOfRequest } from './request-standing.ts'
import { comingBy, untilBy } from './timer-facts.ts'

/** Where calls of flows go. */
export const CALL_QUEUE = 'flow_worker_consume'

const callSchema = z.looseObject({
  callId: z.string(),
  name: z.string(),
  state: z.enum(['waiting', 'backoff', 'done', 'failed', 'abandoned']),
  attempt: z.number(),
  attemptsMax: z.number(),
  deadline: z.string().optional(),
  retryAt: z.string().optional(),
  error: errorText.optional(),
  attempts: z.array(
    z.looseObject({ attempt: z.number(), endedAt: z.string(), status: z.number(), error: errorText.optional() }),
  ),
})
type Call = z.infer<typeof callSchema>

/** Of the view of a flow. */
const schema = z.looseObject({
  status: z.string(),
  deadline: z.string(),
  phase: z.string(),
  calls: z.array(callSchema),
  failure: z.looseObject({ error: errorText, callId: z.string().optional() }).optional(),
  undone: z.array(z.string()).default([]),
  notUndone: z.array(z.string()).default([]),
  result: z.looseObject({ kind: z.string().optional() }).optional(),
})

/** A flow: it waits for a call, and the call for a worker. */
export function flowTale(facts: Facts): Tale | undefined {
  const found = facts.conversations.find(({ kind }) => kind === 'flow')
  if (!found) return undefined
  const { view } = found
  const flow = schema.parse(view)
  const { says, ...standing } = standingOfFlow(view, flow, facts)
  const calls = flow.calls.filter(({ state }) => state !== 'done')
  return {
    kind: 'flow',
    ...standing,
    summary: `The flow ${view.id} ${says}.`,
    lines: [...linesOfHistory(view), ...linesOfHeld(heldAbout(facts, view.id))],
    related: [...calls.map((call) => linkOf(call, { view, flow, facts })), ...heldLinks(view)],
  }
}

/** A call of a flow, by its id or as `<flow>:<name or number>`. */
export function flowCallTale(facts: Facts): Tale | undefined {
  for (const { kind, view } of facts.parents) {
    if (kind !== 'flow') continue
    const flow = schema.parse(view)
    const call = flow.calls.find(({ callId }) => callId === facts.id) ?? findNamed(flow.calls, view.id, facts.id)
    if (!call) continue
    const { says, ...standing } = standingOfCall(call, { view, flow, facts })
    return {
      kind: 'call',
      ...standing,
      summary: `The call ${call.callId} (${call.name}) ${says}.`,
      lines: [...linesOfCall(call), ...linesOfHistory(view).filter(({ detail = '' }) => names(detail, call.callId))],
      related: [{ kind: 'flow', id: view.id, state: view.status, why: 'the call is a part of it' }],
    }
  }
  return undefined
}

function findNamed(calls: readonly Call[], flow: string, id: string): Call | undefined {
  if (!id.startsWith(`${flow}:`)) return undefined
  const name = id.slice(flow.length + 1)
  // The newest, when a flow makes several calls of one name.
  return calls.findLast((call) => call.name === name || call.callId === `${flow}.${name}`)
}

type Flow = z.infer<typeof schema>

function standingOfFlow(view: View, flow: Flow, facts: Facts): Standing {
  const { deadline, phase, calls, failure, notUndone, undone, result } = flow
  const done = calls.filter(({ state }) => state === 'done').length
  const end = view.endedAt ?? view.changedAt
  if (flow.status === 'success')
    return { state: 'completed', says: `is done since ${end}: ${done} calls succeeded`, commands: [] }
  if (flow.status === 'error') {
    const state = ENDS[result?.kind ?? ''] ?? 'failed'
    const left =
      notUndone.length > 0
        ? `; not undone: ${notUndone.join(', ')}`
        : undone.length > 0
          ? '; what had succeeded is undone'
          : ''
    return { state, says: `ended badly at ${end}: ${failure?.error ?? 'no error was given'}${left}`, commands: [] }
  }
  const waiting = calls.find(({ state }) => state === 'waiting' || state === 'backoff')
  const commands = deadlineCommands('flow', view, facts)
  const doing =
    phase === 'undoing' ? `is undoing what had succeeded, because ${failure?.error}` : `goes on since ${view.createdAt}`
  if (!waiting)
    return {
      state: 'waiting',
      says: `${doing}; it waits for no call, only for its deadline`,
      where: { service: 'hub' },
      waitsFor: { what: 'its deadline', ...untilBy(view, { timer: 'deadline', at: deadline }) },
      next: comingBy(view, 'it ends with an error', { timer: 'deadline', at: deadline }),
      commands,
    }
  const { says, whole, ...standing } = standingOfCall(waiting, { view, flow, facts })
  return {
    ...standing,
    state: whole ?? standing.state,
    says: `${doing}: ${done} calls are done; the call ${waiting.callId} (${waiting.name}) ${says}`,
    commands: [...standing.commands, ...commands],
  }
}

const ENDS: Readonly<Record<string, WhyState>> = {
  'hub-timeout': 'timed-out',
  cancelled: 'cancelled',
  'worker-error': 'failed',
}

type CallOf = { readonly view: View; readonly flow: Flow; readonly facts: Facts }

function standingOfCall(call: Call, { view, flow, facts }: CallOf): CallStanding {
  const { callId, state, attempt, attemptsMax, deadline, retryAt, error } = call
  const timer = `call ${callId.slice(callId.lastIndexOf('.') + 1)}`
  if (state === 'done') return { state: 'completed', says: `is done, in attempt ${attempt}`, commands: [] }
  if (state === 'failed')
    return {
      state: 'failed',
      says: `failed for good in attempt ${attempt}: ${error ?? 'no error was given'}`,
      commands: [],
    }
  if (state === 'abandoned')
    return { state: 'cancelled', says: 'is abandoned: nobody waits for it any more', commands: [] }
  const tries = comingBy(view, `attempt ${attempt + 1}`, { timer, at: retryAt })
  if (state === 'backoff')
    return {
      state: 'retrying',
      says: `failed in attempt ${attempt} of ${attemptsMax} (${call.attempts.at(-1)?.error ?? error ?? 'no answer'}) and is tried again${tries.at === undefined ? '' : ` at ${tries.at}`}`,
      where: { service: 'hub' },
      waitsFor: { what: 'the pause before its next attempt', ...untilBy(view, { timer, at: retryAt }) },
      next: tries,
      commands: [],
    }
  const others = flow.calls
    .filter((other) => other !== call)
    .map((other) => ({ isOpen: other.state === 'waiting', attempts: other.attempts }))
  const { attempts } = call
  const standing = standingOfRequest({ of: { kind: 'flow', id: view.id }, queue: CALL_QUEUE, attempts, others }, facts)
  return {
    ...standing,
    says: `waits for the answer to attempt ${attempt} of ${attemptsMax}; ${standing.says}`,
    waitsFor: { what: standing.waitsFor?.what ?? 'an answer', ...untilBy(view, { timer, at: deadline }) },
    next: comingBy(
      view,
      attempt < attemptsMax ? `without an answer, attempt ${attempt + 1}` : 'without an answer it has failed',
      { timer, at: deadline },
    ),
  }
}

const linkOf = (call: Call, of: CallOf) => {
  const { state, says } = standingOfCall(call, of)
  return { kind: 'call', id: call.callId, state, why: says }
}

const linesOfCall = ({ attempts }: Call): Line[] =>
  attempts.map(({ attempt, endedAt, status, error }) => ({
    atMs: Date.parse(endedAt),
    what: `attempt ${attempt} ended with ${status}`,
    ...(error !== undefined && { detail: error }),
  }))
