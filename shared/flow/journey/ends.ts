import type { Body } from '../../events.ts'
import type { JourneyDraft } from './draft.ts'
import type { JourneyState } from './state.ts'

type Facts = Omit<JourneyState, 'steps'>
type Ending = Pick<Facts, 'status'> & Partial<Pick<Facts, 'error' | 'blamed' | 'output' | 'cancelledBy'>>

/** The end: told to everyone, and once more to each who waits for it. */
export function endJourney(draft: JourneyDraft, ending: Ending): void {
  const over = { phase: 'ended', endedMs: draft.nowMs, deadlineMs: undefined, leftMs: undefined } as const
  draft.change({ ...over, remediation: undefined, ...ending })
  draft.note('ended', ending.status)
  const body = endOf(draft.state)
  draft.send({ body }, ...draft.state.askers.map((to) => ({ body, to })))
}

/** How a journey ended. Throws for one that has not. */
export function endOf(state: Readonly<Facts>): Body {
  const { status, createdMs, endedMs = createdMs, error = '', blamed, undone, cancelledBy, output } = state
  const ended = { ...headOf(state), durationMs: Math.max(0, endedMs - createdMs) }
  switch (status) {
    case 'COMPLETED':
      return { type: 'JOURNEY_COMPLETED', ...ended, output }
    case 'FAILED':
      return { type: 'JOURNEY_FAILED', ...ended, error, step: blamed }
    case 'COMPENSATED':
      return { type: 'JOURNEY_COMPENSATED', ...ended, error, compensated: [...undone] }
    case 'CANCELLED':
      return { type: 'JOURNEY_CANCELLED', ...ended, ...(cancelledBy ?? NOBODY) }
    default:
      throw new Error(`The journey ${state.id} has not ended: it is ${status}.`)
  }
}

const NOBODY = { actor: 'unknown', reason: 'unknown' }

/** What every event about a journey begins with. */
export const headOf = ({ id, type, version, tenant }: Readonly<Facts>) => ({
  sagaId: id,
  journeyType: type,
  definitionVersion: version,
  tenant,
})
