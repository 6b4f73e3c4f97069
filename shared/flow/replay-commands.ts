import type { Body } from '../events.ts'
import { type Decision, ignore, refuse } from './decision.ts'
import { endOf, PACE, ReplayDraft } from './replay-draft.ts'
import { advance, CANARY_DEFAULT, MAX_FAILURE_PERCENT_DEFAULT } from './replay-pace.ts'
import { hasEnded, knownOf, type ReplayState, sumOf } from './replay-state.ts'

/** What a person, a program or a sideline rule asks of a job. */

type Decided = Decision<ReplayState>

export function takeRequest(state: ReplayState | undefined, request: Body<'REPLAY_REQUESTED'>, nowMs: number): Decided {
  // Whoever asks again has not heard how it ended.
  if (state) return ignore('duplicate', isSilent(state) ? [] : [{ body: lastWordOf(state) }])
  const names = new Set(request.sources.map(({ from }) => from))
  if (names.size < request.sources.length)
    return refuse(`sources: one is named twice; of each source the count of all its messages is asked for`)
  const sources = request.sources
    .filter(({ count }) => count > 0)
    .map((source) => ({ ...source, upTo: 0, moved: 0, isAsked: false }))
  const total = sumOf({ sources }, 'count')
  if (total === 0) return refuse(`There is nothing to ${request.act}: no source has a message, and no job was begun.`)
  const draft = new ReplayDraft(blank(request, sources), nowMs)
  draft.note('requested', `${request.actor}: ${request.reason}`)
  draft.note(`to ${request.act}`, sources.map(({ from, count }) => `${count} of ${from}`).join(', '))
  advance(draft)
  return draft.decision()
}

function blank(request: Body<'REPLAY_REQUESTED'>, sources: ReplayState['sources']): ReplayState {
  const { id, act, which, rule, actor, reason, rate, ordered = false } = request
  const { canary: wanted = CANARY_DEFAULT, maxFailure = MAX_FAILURE_PERCENT_DEFAULT } = request
  // Each is awaited anyhow, or has no outcome.
  const canary = ordered || act !== 'replay' ? 0 : wanted
  return {
    ...{ id, act, which, rule, actor, reason, canary, rate, maxFailure, ordered, sources },
    ...{ status: 'running', turn: 0, handled: 0, dead: 0, parked: 0, failed: 0, failing: [] },
    ...{ phase: 'canary', canaryUpTo: canary, window: 0, windowFrom: 0, forgiven: { known: 0, failed: 0 } },
  }
}

const isSilent = ({ status }: ReplayState) => status === 'running' || status === 'paused'

function lastWordOf(state: ReplayState): Body<'REPLAY_ENDED'> {
  const { status, stopReason } = state
  if (status === 'completed') return endOf(state, status, 'it is over')
  return status === 'cancelled'
    ? endOf(state, status, 'it was cancelled')
    : endOf(state, 'stopped', stopReason ?? 'stopped')
}

type Command = Omit<Body<'REPLAY_COMMAND'>, 'type'>

export function takeCommand(state: ReplayState | undefined, command: Command, nowMs: number): Decided {
  if (!state) return refuse(`There is no replay '${command.id}', and nothing was changed: list the replays for its id.`)
  if (hasEnded(state)) return ignore('late', [{ body: lastWordOf(state) }])
  const draft = new ReplayDraft(state, nowMs)
  const who = `${command.actor}: ${command.reason}`
  switch (command.action) {
    case 'cancel':
      draft.end('cancelled', who)
      return draft.decision()
    case 'pause':
      if (state.status !== 'running') return ignore('duplicate')
      draft.change({ status: 'paused' })
      draft.cancelTimer(PACE)
      draft.note('paused', who)
      return draft.decision()
    case 'resume':
      if (state.status === 'running') return ignore('duplicate')
      draft.note('resumed', who)
      if (state.status === 'stopped') forgive(draft)
      draft.change({ status: 'running', pace: undefined })
      // Errands may have been lost meanwhile.
      for (const [at, { isAsked }] of state.sources.entries()) if (isAsked) draft.ask(at)
      advance(draft)
      return draft.decision()
  }
}

/** Goes on in spite of what failed, and looks at a few first once more. */
function forgive(draft: ReplayDraft): void {
  const { state } = draft
  const canaryUpTo = sumOf(state, 'upTo') + state.canary
  const forgiven = { known: knownOf(state), failed: state.failed }
  draft.change({ forgiven, phase: 'canary', canaryUpTo, stopReason: undefined })
}
