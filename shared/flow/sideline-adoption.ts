import { isAhead } from '../bus/rule-records.ts'
import type { Rule } from '../operation-events.ts'
import { type Decision, ignore } from './decision.ts'
import { EXPIRY, SidelineDraft } from './sideline-draft.ts'
import type { SidelineState } from './sideline-state.ts'
import { turnTo } from './sideline-steps.ts'

const FOUND = { actor: 'ebs', reason: 'found in the stream of rules' }

/**
 * A record that the hub has read in the stream of rules. Those that it knows are its own; one that it does not know is of a time before
 * it lost its database, or was set back to an older one: the rule is in force at every consumer, so it is in force here. One that is
 * lifted was on its way to its end: it goes on when nothing is parked, and waits for somebody otherwise.
 */
export function adopt(known: SidelineState | undefined, rule: Rule, nowMs: number): Decision<SidelineState> {
  if (known && rule.revision <= known.revision) return ignore('duplicate')
  // No record after it could be above it, and nobody acts by it.
  if (isAhead(rule.revision, nowMs)) return ignore('unknown')
  const { id, episode, revision, phase, filter, queues, actor, reason } = rule
  const expiresAtMs = rule.expiresAt === undefined ? undefined : Date.parse(rule.expiresAt)
  const state: SidelineState = {
    ...{ id, episode, revision, phase, filter, queues, actor, reason, expiresAtMs },
    ...{ sinceMs: Date.parse(rule.since), by: FOUND, pacing: {}, isSettled: false, missing: [] },
    ...{ lastJob: known?.lastJob ?? 0, job: known?.job },
  }
  const draft = new SidelineDraft(state, nowMs, true)
  draft.command('adopted', FOUND)
  // Consumers held for a moment only, and park again by now.
  if (phase === 'hold') draft.say('park')
  if (expiresAtMs !== undefined) draft.arm(EXPIRY, expiresAtMs)
  if (phase === 'lifted') draft.change({ isForgotten: true })
  turnTo(draft, phase === 'lifted' ? 'resolve' : 'start')
  return draft.decision()
}
