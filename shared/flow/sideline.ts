import type { Event } from '../bus/envelope.ts'
import type { Body } from '../events.ts'
import { type Decision, type Input, ignore, type Kind } from './decision.ts'
import { adopt } from './sideline-adoption.ts'
import { type SidelineTerms, takeCommand } from './sideline-commands.ts'
import { EXPIRY, PROBE, SidelineDraft, STEP } from './sideline-draft.ts'
import { idOfUse, type SidelineState, sidelineState } from './sideline-state.ts'
import { jobEnded, measured, settled, turnTo } from './sideline-steps.ts'
import { viewSideline } from './sideline-view.ts'

/**
 * A sideline rule, from its start to its end. The rule as consumers apply it is a record in the stream of rules, with a phase: `park` sets
 * aside what matches, `hold` keeps it waiting in the consumer for a moment, `lifted` matches nothing. What touches the broker are errands:
 * `settle` (wait until all consumers have confirmed the record), `measure` (how much is parked), `remove` (the parking queues, if
 * empty); and jobs, which move messages (`replay.ts`).
 *
 * | status     | phase  | goes through                                                          | ends as                        |
 * |------------|--------|-----------------------------------------------------------------------|--------------------------------|
 * | starting   | park   | settle, again until nobody is missing                                 | active                         |
 * | active     | park   | a probe, every so often: measure, job for one message                 | resolving when it was handled  |
 * | resuming   | park   | measure, job for all                                                  | active                         |
 * | resolving  | lifted | settle (10 s), measure, job for all, remove; again while not empty    | closed                         |
 * | draining   | park   | measure, ordered job; until at most 20 are left; then the next line   |                                |
 * |            | hold   | settle (5 s), measure, ordered job, once more; none left: lifted      | resolving                      |
 * | discarding | lifted | settle (10 s), measure, job that drops, remove; again while not empty | discarded                      |
 *
 * | while      | start     | resume                | resolve                  | resolve in order  | discard                     |
 * |------------|-----------|-----------------------|--------------------------|-------------------|-----------------------------|
 * | no rule, or over | starting | refused          | refused                  | refused           | refused                     |
 * | starting   | no-op (1) | resuming, settles first | resolving              | draining          | discarding                  |
 * | active     | no-op (1) | resuming              | resolving                | draining          | discarding                  |
 * | resuming   | no-op (1) | no-op (2)             | resolving, after the job | draining, after the job | discarding, job cancelled |
 * | resolving  | refused   | refused               | no-op (2)                | refused (3)       | discarding, job cancelled   |
 * | draining   | refused   | refused               | resolving, after the job | no-op (2)         | discarding, job cancelled   |
 * | discarding | refused   | refused               | refused                  | refused           | no-op (2)                   |
 *
 * (1) With another filter or other queues: refused. (2) Unless nothing goes on until somebody acts, because the job has stopped by itself
 * or was cancelled: then it is tried again with another job. (3) It handles live traffic already; unless it came from draining: then as (2).
 *
 * There is one job at a time: whatever is to follow waits for its end; one that has stopped by itself is cancelled first.
 * A job that stops while consumers hold: the phase is `park` again. A job that somebody else cancels: a rule that is resuming or draining
 * is active again; one that is lifted waits for somebody to say what is to become of the rest. `expiresAt` resolves what is starting,
 * active or resuming.
 */
export function sidelineKind(terms: SidelineTerms): Kind<SidelineState> {
  return {
    name: 'sideline',
    state: sidelineState,
    keyOf,
    decide: (state, input, nowMs) => {
      if ('event' in input) return decideEvent(terms, { state, nowMs }, input.event)
      if (!state) return ignore('unknown')
      if (state.end) return ignore('late')
      // A rule is resolved or discarded: one that was only cut off would leave its messages parked.
      return 'timer' in input ? takeTimer(terms, { state, nowMs }, input) : ignore('unknown')
    },
    view: viewSideline,
  }
}

function keyOf({ data }: Event): string | undefined {
  switch (data.type) {
    case 'SIDELINE_COMMAND':
    case 'SIDELINE_SETTLED':
    case 'SIDELINE_MEASURED':
      return data.id
    case 'SIDELINE_RULE':
      return data.rule.id
    case 'REPLAY_ENDED':
      return data.rule === undefined ? undefined : idOfUse(data.rule)
    default:
      return undefined
  }
}

type Standing<S> = { readonly state: S; readonly nowMs: number }
type Decided = Decision<SidelineState>

function decideEvent(terms: SidelineTerms, standing: Standing<SidelineState | undefined>, { data }: Event): Decided {
  const { state, nowMs } = standing
  switch (data.type) {
    case 'SIDELINE_COMMAND':
      return takeCommand(terms, state, data, nowMs)
    case 'SIDELINE_RULE':
      return adopt(state, data.rule, nowMs)
    case 'SIDELINE_SETTLED':
    case 'SIDELINE_MEASURED':
    case 'REPLAY_ENDED':
      if (!state) return ignore('unknown')
      if (state.end) return ignore('late')
      return takeFact({ state, nowMs }, data)
    default:
      return ignore('unknown')
  }
}

type Fact = Body<'SIDELINE_SETTLED' | 'SIDELINE_MEASURED' | 'REPLAY_ENDED'>

function takeFact({ state, nowMs }: Standing<SidelineState>, fact: Fact): Decided {
  if (!isAwaited(state, fact)) return ignore('stale')
  // The job was told to end, or has said that it has stopped: only its end is news.
  if (fact.type === 'REPLAY_ENDED' && fact.status === 'stopped' && (state.job?.stopped ?? state.job?.givenUp))
    return ignore('duplicate')
  const draft = new SidelineDraft(state, nowMs)
  if (fact.type === 'SIDELINE_SETTLED') settled(draft, fact)
  else if (fact.type === 'SIDELINE_MEASURED') measured(draft, fact)
  else jobEnded(draft, fact)
  return draft.decision()
}

/** What it says is about the record in force, and answers what is waited for now. */
function isAwaited({ wait, revision, job }: SidelineState, fact: Fact): boolean {
  switch (fact.type) {
    case 'SIDELINE_SETTLED':
      return wait?.for === 'settle' && fact.revision === revision
    case 'SIDELINE_MEASURED':
      return (wait?.for === 'measure' || wait?.for === 'remove') && fact.revision === revision
    case 'REPLAY_ENDED':
      return fact.id === job?.id && fact.rule === job.request.rule
  }
}

function takeTimer(
  terms: SidelineTerms,
  { state, nowMs }: Standing<SidelineState>,
  { timer }: Extract<Input, { timer: string }>,
): Decided {
  const { id, task, wait, isSettled } = state
  if (timer === EXPIRY) {
    if (task === 'resolve' || task === 'drain' || task === 'discard') return ignore('late')
    return takeCommand(
      terms,
      state,
      { type: 'SIDELINE_COMMAND', action: 'resolve', id, actor: 'ebs', reason: 'expired' },
      nowMs,
    )
  }
  const draft = new SidelineDraft(state, nowMs)
  if (timer === PROBE) {
    // It is armed again as soon as the rule has nothing else to do.
    if (task !== undefined || state.job || !isSettled) return ignore('stale')
    turnTo(draft, 'probe')
  } else if (timer === STEP && wait && wait.for !== 'person') draft.sendAgain()
  else return ignore('unknown')
  return draft.decision()
}
