import type { Event } from '../bus/envelope.ts'
import { type Decision, type Input, ignore, type Kind } from './decision.ts'
import { takeCommand, takeRequest } from './replay-commands.ts'
import { PACE, ReplayDraft, sourceOfTimer } from './replay-draft.ts'
import { takeMoved, takeOutcome } from './replay-facts.ts'
import { advance } from './replay-pace.ts'
import { hasEnded, type ReplayState, replayState } from './replay-state.ts'
import { viewReplay } from './replay-view.ts'

/**
 * A replay job: brings back a frozen set of messages that are dead, set aside or unrouted; or drops them, or puts them into the archive.
 * It has them moved by errands, one per source at a time: "until so many of this source have been moved", which may be said any number of
 * times. What becomes of each message it hears from whoever handles it.
 *
 * | status    | what happens                             | becomes                                                      |
 * |-----------|------------------------------------------|--------------------------------------------------------------|
 * | running   | errands are sent, as `replay-pace.ts` says | completed: all moved and settled; stopped: too many failures |
 * | paused    | a person said so; outcomes are counted   | running: resume; completed, when all was on its way          |
 * | stopped   | outcomes are counted                     | running: resume, with a canary; completed, as above          |
 * | completed | nothing: all outcomes have come in       |                                                              |
 * | cancelled | what was on its way is counted           |                                                              |
 *
 * Canary: the first few are sent, and nothing more until each of them was handled, died, or failed and is tried again. Ramp: more, as long
 * as less than half of the window is without an outcome; the window doubles with every window of outcomes. In order: one at a time.
 */
export const replayKind: Kind<ReplayState> = {
  name: 'replay',
  state: replayState,
  keyOf,
  decide,
  view: viewReplay,
}

function keyOf({ data }: Event): string | undefined {
  switch (data.type) {
    case 'REPLAY_REQUESTED':
    case 'REPLAY_COMMAND':
      return data.id
    case 'REPLAY_MOVED':
      return data.job
    case 'MESSAGE_REPLAYED':
    case 'MESSAGE_DEAD':
    case 'MESSAGE_PARKED':
    case 'MESSAGE_FAILING':
      return data.replay?.job
    default:
      return undefined
  }
}

function decide(state: ReplayState | undefined, input: Input, nowMs: number): Decision<ReplayState> {
  if ('event' in input) return decideEvent(state, input.event, nowMs)
  if (!state) return ignore('unknown')
  if (hasEnded(state)) return ignore('late')
  if ('act' in input) {
    const { act: action, actor, reason } = input
    return takeCommand(state, { id: state.id, action, actor, reason }, nowMs)
  }
  return takeTimer(state, input.timer, nowMs)
}

function decideEvent(state: ReplayState | undefined, { data }: Event, nowMs: number): Decision<ReplayState> {
  switch (data.type) {
    case 'REPLAY_REQUESTED':
      return takeRequest(state, data, nowMs)
    case 'REPLAY_COMMAND':
      return takeCommand(state, data, nowMs)
    case 'REPLAY_MOVED':
      return state ? takeMoved(state, data, nowMs) : ignore('unknown')
    case 'MESSAGE_REPLAYED':
    case 'MESSAGE_DEAD':
    case 'MESSAGE_PARKED':
    case 'MESSAGE_FAILING':
      return state ? takeOutcome(state, data, nowMs) : ignore('unknown')
    default:
      return ignore('unknown')
  }
}

function takeTimer(state: ReplayState, timer: string, nowMs: number): Decision<ReplayState> {
  // Errands that are lost while it stands still are sent again when it goes on.
  if (state.status !== 'running') return ignore('late')
  const draft = new ReplayDraft(state, nowMs)
  const at = sourceOfTimer(timer)
  if (timer === PACE) {
    // The timer is the word on how much time has passed: clocks are set.
    draft.change({ pace: undefined })
    advance(draft)
  } else if (at !== undefined && state.sources[at]?.isAsked) draft.ask(at)
  else return ignore('unknown')
  return draft.decision()
}
