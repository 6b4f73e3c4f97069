import { compileFilter } from '../bus/filter.ts'
import { CelError } from '../cel/cel-error.ts'
import type { Body } from '../events.ts'
import { type Decision, ignore, refuse } from './decision.ts'
import { EXPIRY, SidelineDraft } from './sideline-draft.ts'
import { RULES_MAX, TOO_MANY_RULES } from './sideline-record.ts'
import { type Pacing, type SidelineState, statusOf } from './sideline-state.ts'
import { lift, turnTo } from './sideline-steps.ts'

/** What a person, a program or the expiry of a rule asks for. */

export type Command = Body<'SIDELINE_COMMAND'>
type Decided = Decision<SidelineState>

/** Queues that rules may be about. */
export type SidelineTerms = {
  /** Those that there are. */
  readonly queues: readonly string[]
  /** Those of a `start` that names none. */
  readonly defaultQueues: readonly string[]
}

export function takeCommand(
  terms: SidelineTerms,
  state: SidelineState | undefined,
  command: Command,
  nowMs: number,
): Decided {
  if (command.action === 'start')
    return state && !state.end ? startAgain(terms, state, command) : start(terms, state, command, nowMs)
  if (!state)
    return refuse(
      `There is no sideline rule '${command.id}', and nothing was changed: list the rules for its id, or start it.`,
    )
  if (state.end)
    return refuse(
      `The sideline rule '${command.id}' is ${state.end}, and nothing was changed: start it again to use it again.`,
    )
  switch (command.action) {
    case 'resume':
      return resume(state, command, nowMs)
    case 'resolve':
      return command.ordered ? resolveOrdered(state, command, nowMs) : resolve(state, command, nowMs)
    case 'discard':
      return discard(state, command, nowMs)
  }
}

function start(terms: SidelineTerms, last: SidelineState | undefined, command: Command, nowMs: number): Decided {
  const { id, filter, actor, reason, expiresAt, probeMs } = command
  const queues = queuesOf(terms, command)
  const expiresAtMs = expiresAt === undefined ? undefined : Date.parse(expiresAt)
  if (filter === undefined)
    return refuse('filter: missing; a rule needs one to start, CEL over event, tenant, type, key, queue and headers')
  const fault = findFault(terms, { filter, queues, expiresAtMs }, nowMs)
  if (fault !== undefined) return refuse(fault)
  const revision = last?.revision ?? 0
  const blank: SidelineState = {
    ...{ id, filter, queues, actor, reason, expiresAtMs, probeMs },
    ...{ episode: 0, revision, phase: 'park', sinceMs: nowMs, by: { actor, reason }, pacing: {} },
    ...{ isSettled: false, missing: [], lastJob: last?.lastJob ?? 0, task: 'start' },
  }
  const draft = new SidelineDraft({ ...blank, episode: Math.max(nowMs, revision + 1) }, nowMs, true)
  draft.command('start', { actor, reason })
  draft.note('sets aside', `${filter} in ${queues.join(', ')}`)
  draft.say('park')
  if (expiresAtMs !== undefined) draft.arm(EXPIRY, expiresAtMs)
  turnTo(draft, 'start')
  return { ...draft.decision(), unlessOpen: { count: RULES_MAX, reason: TOO_MANY_RULES } }
}

const queuesOf = ({ defaultQueues }: SidelineTerms, { queues }: Command) => [...new Set(queues ?? defaultQueues)]

function findFault(
  terms: SidelineTerms,
  { filter, queues, expiresAtMs }: Pick<SidelineState, 'filter' | 'queues' | 'expiresAtMs'>,
  nowMs: number,
): string | undefined {
  const unknown = queues.filter((queue) => !terms.queues.includes(queue))
  if (unknown.length > 0)
    return `queues: there is no ${unknown.join(', ')}; messages can be set aside from ${terms.queues.join(', ')}`
  if (expiresAtMs !== undefined && expiresAtMs <= nowMs)
    return 'expiresAt: that time has passed; leave it out, or name a later one'
  return findFaultOfFilter(filter)
}

function findFaultOfFilter(filter: string): string | undefined {
  try {
    compileFilter(filter)
    return undefined
  } catch (error) {
    if (error instanceof CelError) return error.message
    throw error
  }
}

/** The same rule again is no other rule. */
function startAgain(terms: SidelineTerms, state: SidelineState, command: Command): Decided {
  const { id, filter, task } = state
  if (command.filter !== filter)
    return refuse(
      `The sideline rule '${id}' is in force with another filter, which stands: ${filter}. Use another id, or resolve it first.`,
    )
  const queues = queuesOf(terms, command)
  if (queues.length !== state.queues.length || queues.some((queue) => !state.queues.includes(queue)))
    return refuse(
      `The sideline rule '${id}' is in force for other queues, which stand: ${state.queues.join(', ')}. Use another id, or resolve it first.`,
    )
  if (task === 'resolve' || task === 'drain' || task === 'discard')
    return refuse(`The sideline rule '${id}' is ${statusOf(state)}: start it again when it is over, or use another id.`)
  return ignore('duplicate')
}

function resume(state: SidelineState, command: Command, nowMs: number): Decided {
  const { task } = state
  if (task === 'resolve' || task === 'drain' || task === 'discard') return refuseWhile(state)
  if (task === 'resume' && !isStuck(state)) return ignore('duplicate')
  return begun(state, command, nowMs, (draft) => turnTo(draft, 'resume'))
}

function resolve(state: SidelineState, command: Command, nowMs: number): Decided {
  const { task } = state
  if (task === 'discard') return refuseWhile(state)
  if (task === 'resolve' && !isStuck(state)) return ignore('duplicate')
  return begun(state, command, nowMs, (draft) => {
    lift(draft)
    turnTo(draft, 'resolve')
  })
}

function resolveOrdered(state: SidelineState, command: Command, nowMs: number): Decided {
  const { id, task, phase, pacing } = state
  if (task === 'discard') return refuseWhile(state)
  if ((task === 'drain' || (phase === 'lifted' && pacing.ordered)) && !isStuck(state)) return ignore('duplicate')
  if (phase === 'lifted' && !pacing.ordered)
    return refuse(
      `The sideline rule '${id}' is lifted already, and what comes is handled: it is too late to resolve it in order. Resolve it without.`,
    )
  return begun(state, command, nowMs, (draft) => turnTo(draft, phase === 'lifted' ? 'resolve' : 'drain'))
}

function discard(state: SidelineState, command: Command, nowMs: number): Decided {
  if (state.task === 'discard' && !isStuck(state)) return ignore('duplicate')
  return begun(state, command, nowMs, (draft) => {
    lift(draft)
    turnTo(draft, 'discard')
  })
}

/** Without somebody who acts nothing goes on. */
const isStuck = ({ wait, job }: SidelineState) => wait?.for === 'person' || (job?.stopped !== undefined && !job.givenUp)

function begun(
  state: SidelineState,
  { action, actor, reason, ...command }: Command,
  nowMs: number,
  act: (draft: SidelineDraft) => void,
): Decided {
  const draft = new SidelineDraft(state, nowMs)
  draft.command(command.ordered ? `${action} in order` : action, { actor, reason })
  draft.change({ pacing: pacingOf(command) })
  act(draft)
  return draft.decision()
}

const pacingOf = ({ canary, rate, maxFailure, ordered }: Pacing): Pacing => ({
  ...(canary !== undefined && { canary }),
  ...(rate !== undefined && { rate }),
  ...(maxFailure !== undefined && { maxFailure }),
  ...(ordered !== undefined && { ordered }),
})

const refuseWhile = (state: SidelineState): Decided =>
  refuse(`The sideline rule '${state.id}' is ${statusOf(state)}, and nothing was changed: that cannot be taken back.`)
