import type { Body } from '../events.ts'
import { type Decision, ignore } from './decision.ts'
import { ReplayDraft } from './replay-draft.ts'
import { advance } from './replay-pace.ts'
import { hasEnded, pendingOf, type ReplayState } from './replay-state.ts'

/** What became of the messages of a job. Of each, whoever feeds this says at most once how it ended, and at most once that it failed. */

export type Outcome = Body<'MESSAGE_REPLAYED' | 'MESSAGE_DEAD' | 'MESSAGE_PARKED' | 'MESSAGE_FAILING'>

export function takeOutcome(state: ReplayState, outcome: Outcome, nowMs: number): Decision<ReplayState> {
  const { replay, queue } = outcome
  // Of what is given to the exchange nobody says what becomes of it: moved is handled.
  if (!replay || !state.sources.some(({ to }) => to === queue)) return ignore('unknown')
  if (isOver(state)) return ignore('late')
  const isFailing = state.failing.includes(replay.held)
  if (outcome.type === 'MESSAGE_FAILING' && isFailing) return ignore('duplicate')
  const draft = new ReplayDraft(state, nowMs)
  draft.change(counted(state, outcome, { held: replay.held, isFailing }))
  advance(draft)
  return draft.decision()
}

function counted(
  state: ReplayState,
  outcome: Outcome,
  { held, isFailing }: { readonly held: string; readonly isFailing: boolean },
): Partial<ReplayState> {
  const { failing, handled, dead, parked } = state
  // It counts as failed once, however often it failed and whatever becomes of it.
  const failed = state.failed + (isFailing ? 0 : 1)
  const left = isFailing ? failing.filter((one) => one !== held) : failing
  switch (outcome.type) {
    case 'MESSAGE_FAILING':
      return { failed, failing: [...failing, held] }
    case 'MESSAGE_DEAD':
      return { failed, failing: left, dead: dead + 1 }
    case 'MESSAGE_PARKED':
      return { failing: left, parked: parked + 1 }
    case 'MESSAGE_REPLAYED':
      return { failing: left, handled: handled + 1 }
  }
}

/** An errand has been run, all of it or a part. */
export function takeMoved(state: ReplayState, fact: Body<'REPLAY_MOVED'>, nowMs: number): Decision<ReplayState> {
  const at = state.sources.findIndex(({ from }) => from === fact.from)
  const source = state.sources[at]
  if (!source) return ignore('unknown')
  if (isOver(state)) return ignore('late')
  const moved = Math.min(Math.max(fact.moved, source.moved), source.count)
  const count = fact.exhausted ? moved : source.count
  // Errands of a job that has stopped are cut short. When it goes on, it is with a few first: the rest is not asked for any more.
  const isCut = state.status === 'stopped' || state.status === 'cancelled'
  const isDone = moved >= source.upTo || fact.exhausted || isCut
  if (moved === source.moved && count === source.count && !(isDone && source.isAsked)) return ignore('stale')

  const draft = new ReplayDraft(state, nowMs)
  if (count < source.count) draft.note('fewer than asked for', `${fact.from} held ${source.count - count} fewer`)
  draft.changeSource(at, { moved, count, upTo: isDone ? moved : source.upTo })
  if (source.to === undefined || state.act !== 'replay') draft.change({ handled: state.handled + moved - source.moved })
  if (isDone) draft.answered(at)
  // A part: the rest is asked for again, for one that is paused when it goes on.
  else if (state.status === 'running') draft.ask(at)
  advance(draft)
  return draft.decision()
}

/** A cancelled job still counts what was on its way. */
const isOver = (state: ReplayState) =>
  hasEnded(state) &&
  (state.status === 'completed' || (pendingOf(state) === 0 && !state.sources.some(({ isAsked }) => isAsked)))
