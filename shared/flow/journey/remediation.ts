import { DEADLINE } from './call-names.ts'
import type { JourneyDraft } from './draft.ts'
import { headOf } from './ends.ts'
import type { Remediation } from './state.ts'

/** The queue of the hub's errands. */
const ERRANDS = 'hub_work'

/** The journey cannot go on by itself: it waits, for as long as it takes, and says so. */
export function needPerson(draft: JourneyDraft, why: Omit<Remediation, 'sinceMs'>): void {
  haltDeadline(draft)
  draft.change({
    ...(why.cause === 'unknown-type'
      ? ({ status: 'ACCEPTED', phase: 'waiting' } as const)
      : ({ status: 'NEEDS_REMEDIATION', phase: 'remediation' } as const)),
    remediation: { ...why, sinceMs: draft.nowMs },
  })
  draft.note('needs remediation', `${why.cause}: ${why.error}`)
  const { cause, error } = why
  const steps = [...why.steps]
  const body = { type: 'JOURNEY_NEEDS_REMEDIATION', ...headOf(draft.state), cause, error, steps } as const
  // Who waits for the end would wait for a person, and may prefer not to.
  draft.send({ body }, ...draft.state.askers.map((to) => ({ body, to })))
  tellOutside(draft, why)
}

/** Has whoever listens outside be told. */
export function tellOutside(
  draft: JourneyDraft,
  { cause, error, steps }: { readonly cause: string; readonly error: string; readonly steps: readonly string[] },
): void {
  if (!draft.terms.hasWebhook) return
  const since = new Date(draft.nowMs).toISOString()
  const what = { cause, error, steps: [...steps], since }
  draft.send({ body: { type: 'REMEDIATION_NOTICE', ...headOf(draft.state), ...what }, queue: ERRANDS })
}

/** No time passes for a journey that waits for a person, or is taken back. */
export function haltDeadline(draft: JourneyDraft): void {
  const { deadlineMs } = draft.state
  if (deadlineMs === undefined) return
  draft.change({ deadlineMs: undefined, leftMs: Math.max(0, deadlineMs - draft.nowMs) })
  draft.cancel(DEADLINE)
}
