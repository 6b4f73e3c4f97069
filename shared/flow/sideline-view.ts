import { isoOf } from './sideline-record.ts'
import { type SidelineState, useOf } from './sideline-state.ts'

/** What is shown of a rule, besides what is shown of every conversation. How much is parked now the catalogue knows. */
export function viewSideline(state: SidelineState): Readonly<Record<string, unknown>> {
  const { filter, queues, actor, reason, sinceMs, expiresAtMs, probeMs, failedProbes, by, job, measured, missing } =
    state
  const waitsFor = waitOf(state)
  return {
    ...{ filter, queues, actor, reason, since: isoOf(sinceMs) },
    ...(expiresAtMs !== undefined && { expiresAt: isoOf(expiresAtMs) }),
    ...(probeMs !== undefined && { probeMs }),
    ...(failedProbes !== undefined && { failedProbes }),
    use: useOf(state),
    ...{ episode: state.episode, revision: state.revision, phase: state.phase, missing },
    /** Who asked for what it is doing, which may be another one than who started it. */
    lastCommand: by,
    ...(waitsFor !== undefined && { waitsFor }),
    ...(job && { replay: job.id }),
    ...(job?.stopped !== undefined && { stopReason: job.stopped }),
    ...(measured && { measured: { at: isoOf(measured.atMs), parked: measured.parked } }),
  }
}

/** What it waits for, in words. */
function waitOf({ wait, job, phase, missing }: SidelineState): string | undefined {
  switch (wait?.for) {
    case undefined:
      return undefined
    case 'settle':
      return `consumers to confirm that it is ${phase === 'park' ? 'in force' : phase}${missing.length > 0 ? `: ${missing.join(', ')}` : ''}`
    case 'measure':
      return 'a count of what is parked'
    case 'remove':
      return 'its parking queues to be removed'
    case 'job':
      return job?.stopped === undefined
        ? `replay ${job?.id} to end`
        : `somebody to act: replay ${job.id} has stopped: ${job.stopped}`
    case 'person':
      return `somebody to act: ${wait.why}`
  }
}
