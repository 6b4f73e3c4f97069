import { type Act, legalActs } from './legal-acts.ts'
import { overdueText } from './overdue.ts'
import { hasEnded, isWaiting, type JourneyState } from './state.ts'

/** Why a person should look at a journey. */
export type Attention = 'remediation' | 'overdue' | 'unknown-type'

/** Of a journey that a person should look at, what is needed to decide about it. */
export type RemediationItem = {
  readonly id: string
  readonly type: string
  /** Of its definition; 0 when that is not known. */
  readonly version: number
  readonly status: JourneyState['status']
  readonly tenant: string
  readonly attention: Attention
  /** Of those of JOURNEY_NEEDS_REMEDIATION, or `overdue`. */
  readonly cause: string
  readonly error: string
  readonly steps: readonly string[]
  readonly sinceMs: number
  readonly acts: readonly Act[]
  readonly ticket?: string
  /** What an act names, so that it does nothing when the journey has changed meanwhile. */
  readonly revision: number
}

export function attentionOf(state: JourneyState): Attention | undefined {
  if (hasEnded(state)) return undefined
  if (state.remediation) return state.remediation.cause === 'unknown-type' ? 'unknown-type' : 'remediation'
  return state.overdue ? 'overdue' : undefined
}

/** What a person has to know of a journey to decide about it; undefined when nobody need look at it. */
export function remediationOf(state: JourneyState): RemediationItem | undefined {
  const attention = attentionOf(state)
  const why = state.remediation ?? lateness(state)
  if (!attention || !why) return undefined
  const { id, type, version, status, tenant, ticket, revision } = state
  const { cause, error, steps, sinceMs } = why
  const about = { id, type, version, status, tenant, attention, cause, error, steps, sinceMs, acts: legalActs(state) }
  return { ...about, ...(ticket !== undefined && { ticket }), revision }
}

function lateness({ overdue, steps }: JourneyState) {
  if (!overdue) return undefined
  const waiting = steps.filter((step) => isWaiting(step) || (step.undo && isWaiting(step.undo)))
  const names = waiting.map(({ name }) => name)
  return { cause: 'overdue', error: overdueText(overdue.olderThanMs), steps: names, sinceMs: overdue.sinceMs }
}
