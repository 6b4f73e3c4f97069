import { hasEnded, pendingOf, type ReplayState, sumOf } from './replay-state.ts'

/** What is shown of a job, besides what is shown of every conversation. */
export function viewReplay(state: ReplayState): Readonly<Record<string, unknown>> {
  const { act, which, rule, actor, reason, canary, rate, maxFailure, ordered, phase, stopReason, sources } = state
  const waitsFor = waitOf(state)
  return {
    ...{ act, which },
    ...(rule !== undefined && { rule }),
    ...{ actor, reason, canary, maxFailure, ordered },
    ...(rate !== undefined && { rate }),
    phase,
    total: sumOf(state, 'count'),
    moved: sumOf(state, 'moved'),
    ...{ handled: state.handled, failed: state.failed, dead: state.dead, parked: state.parked },
    pending: pendingOf(state),
    retrying: state.failing.length,
    sources: sources.map(({ from, to, count, moved }) => ({ from, ...(to !== undefined && { to }), count, moved })),
    ...(stopReason !== undefined && { stopReason }),
    ...(waitsFor !== undefined && { waitsFor }),
  }
}

/** What it waits for, in words. */
function waitOf(state: ReplayState): string | undefined {
  const { status, failing, sources, stopReason } = state
  if (hasEnded(state)) return undefined
  if (status === 'stopped') return `somebody to resume or cancel it: ${stopReason}`
  if (status === 'paused') return 'somebody to resume or cancel it'
  const isBusy = sources.some(({ isAsked }) => isAsked)
  return failing.length > 0 && !isBusy && pendingOf(state) === failing.length
    ? `${failing.length} ${failing.length === 1 ? 'retry' : 'retries'}`
    : undefined
}
