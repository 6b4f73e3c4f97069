import type { Body } from '../events.ts'
import { hasTaken, PROBE, type SidelineDraft, sourceOf } from './sideline-draft.ts'
import type { Task } from './sideline-state.ts'

/** The way of a rule from step to step: see the table in `sideline.ts`. */

/** A consumer that has not confirmed a change is asked for again after this. */
const SETTLE_AGAIN_MS = 1_000
/** So long a change waits for consumers; what they would do wrong by then is less harm than messages that do not come back. */
const SETTLE_MS_MAX = 10_000
/** Consumers hold for 10 s; half of that has to be left for what is replayed meanwhile. */
const HOLD_SETTLE_MS_MAX = 5_000
/** By then every consumer still holds, and the word that the rule is lifted reaches it before it sets anything aside again. */
const HOLD_SURE_MS = 8_000
/** Parking queues that were empty and could not be removed: somebody was looking into them. */
const REMOVE_AGAIN_MS = 1_000
/** So few are replayed while consumers hold what matches: at 100 ms each it takes a fifth of the time that they hold. */
const HELD_MAX = 20
/** What fails for long is probed less and less often, up to this many times `probeMs`: each probe is a job, and kept as one. */
const PROBE_TIMES_MAX = 10
const PROBING = { actor: 'ebs', reason: 'is it handled again?' }
const PROBE_FAILED = { actor: 'ebs', reason: 'the probe failed' }
const PROBE_HANDLED = { actor: 'ebs', reason: 'the probe was handled' }

/** Turns to a task. A job that runs is waited for first; one that has stopped, and any when messages are to be dropped, is cancelled. */
export function turnTo(draft: SidelineDraft, task: Task): void {
  draft.change({ task })
  const { job } = draft.state
  if (job) {
    if (job.stopped !== undefined || task === 'discard') draft.giveUpJob()
    draft.awaitJob()
  } else begin(draft)
}

/** The first step of the task, when no job is left. */
function begin(draft: SidelineDraft): void {
  const { task, isSettled } = draft.state
  if (task === undefined) rest(draft)
  else draft.errand(task === 'probe' || task === 'drain' || (task === 'resume' && isSettled) ? 'measure' : 'settle')
}

/** Nothing more to do: the rule is active, once its record is confirmed. */
function rest(draft: SidelineDraft): void {
  const { isSettled, probeMs, failedProbes = 0 } = draft.state
  if (isSettled) {
    draft.awaitNothing()
    if (probeMs !== undefined) draft.arm(PROBE, draft.nowMs + probeMs * Math.min(2 ** failedProbes, PROBE_TIMES_MAX))
  } else {
    draft.change({ task: 'start' })
    draft.errand('settle')
  }
}

/** Lifts the rule: what matches is handled live from now on. */
export function lift(draft: SidelineDraft): void {
  if (draft.state.phase !== 'lifted') draft.say('lifted')
}

/** Consumers hold what matches, and have to confirm that they do. */
function hold(draft: SidelineDraft): void {
  draft.say('hold')
  draft.errand('settle')
}

export function settled(draft: SidelineDraft, { missing, confirmed }: Body<'SIDELINE_SETTLED'>): void {
  const before = draft.state.missing
  draft.change({ missing, isSettled: missing.length === 0 })
  if (missing.length === 0) draft.note('consumers confirmed', `${confirmed} of them`)
  else if (missing.join() !== before.join()) draft.note('consumers have not confirmed', missing.join(', '))
  if (isWaitingOn(draft)) draft.again(SETTLE_AGAIN_MS)
  else {
    if (missing.length > 0) draft.note('goes on without them', missing.join(', '))
    if (draft.state.task === 'start') rest(draft)
    else draft.errand('measure')
  }
}

function isWaitingOn({ state, nowMs }: SidelineDraft): boolean {
  const { task, isSettled, phase, wait } = state
  if (isSettled) return false
  const waitMsMax = phase === 'hold' ? HOLD_SETTLE_MS_MAX : SETTLE_MS_MAX
  return task === 'start' || (wait !== undefined && !hasTaken(wait, nowMs, waitMsMax))
}

export function measured(draft: SidelineDraft, fact: Body<'SIDELINE_MEASURED'>): void {
  const { wait, queues, task } = draft.state
  const parked = fact.parked.filter(({ queue, count }) => count > 0 && queues.includes(queue))
  const total = parked.reduce((sum, { count }) => sum + count, 0)
  draft.change({ measured: { atMs: draft.nowMs, parked } })
  if (wait?.for === 'remove' && fact.removed) end(draft)
  else if (wait?.for === 'remove' && total === 0) draft.again(REMOVE_AGAIN_MS)
  else {
    const counts = parked.map((one) => `${one.count} of ${one.queue}`).join(', ')
    if (total > 0 || task !== 'probe') draft.note('measured', total === 0 ? 'nothing is parked' : counts)
    counted(draft, total)
  }
}

const end = (draft: SidelineDraft) =>
  draft.change({ end: draft.state.task === 'discard' ? 'discarded' : 'closed', wait: undefined })

function counted(draft: SidelineDraft, total: number): void {
  const { task, phase, isForgotten } = draft.state
  if (task === 'drain' && phase === 'hold') countedWhileHeld(draft, total)
  else if (task === 'drain' && total <= HELD_MAX) hold(draft)
  else if (total > 0 && isForgotten)
    draft.awaitPerson(`the hub lost its database, and ${total} messages are parked: resolve or discard`)
  else if (total > 0) requestJob(draft)
  else if (task === 'resolve' || task === 'discard') draft.errand('remove')
  else rest(draft)
}

/** What is left is replayed in order; when nothing is, what consumers hold is handled next. */
function countedWhileHeld(draft: SidelineDraft, total: number): void {
  if (total === 0 && !isSurelyHeld(draft)) {
    draft.note('took too long', 'consumers may have set messages aside again: they hold once more')
    hold(draft)
  } else if (total === 0) {
    lift(draft)
    turnTo(draft, 'resolve')
  } else {
    if (total > HELD_MAX) draft.say('park')
    requestJob(draft)
  }
}

/** What is set aside since it was counted would be overtaken by what comes when the rule is lifted. */
const isSurelyHeld = ({ state: { holdsSinceMs }, nowMs }: SidelineDraft) =>
  holdsSinceMs !== undefined && Math.abs(nowMs - holdsSinceMs) < HOLD_SURE_MS

/** A job for what was measured. */
function requestJob(draft: SidelineDraft): void {
  const { id, task = 'resume', measured, pacing, by } = draft.state
  const sources = (measured?.parked ?? []).map((one) => sourceOf(id, one))
  if (task === 'probe') {
    const fullest = sources.toSorted((a, b) => b.count - a.count).slice(0, 1)
    const one = fullest.map((source) => ({ ...source, count: 1 }))
    draft.request(task, PROBING, { act: 'replay', sources: one, canary: 1, maxFailure: 0 })
  } else {
    const act = task === 'discard' ? 'discard' : 'replay'
    draft.request(task, by, { act, sources, ...pacing, ...(task === 'drain' && { ordered: true }) })
  }
}

/** A job has come to its end, or has stopped by itself. */
export function jobEnded(draft: SidelineDraft, fact: Body<'REPLAY_ENDED'>): void {
  if (fact.status === 'stopped') jobStopped(draft, fact.reason)
  else {
    const { job, task, failedProbes = 0 } = draft.state
    draft.change({ job: undefined, ...(job?.task === 'probe' && { failedProbes: failedProbes + 1 }) })
    const { total, handled, failed, reason } = fact
    draft.note(
      `${job?.request.act ?? 'replay'} ${fact.status}`,
      `${handled} of ${total} handled, ${failed} failed: ${reason}`,
    )
    // What it was begun for is no longer what the rule is busy with; or it was to make way.
    if (job?.task !== task || job?.givenUp) begin(draft)
    else if (fact.status === 'completed') jobCompleted(draft, handled)
    else jobCancelled(draft, reason)
  }
}

function jobStopped(draft: SidelineDraft, reason: string): void {
  const { job, task, phase } = draft.state
  if (!job) return
  draft.change({ job: { ...job, stopped: reason } })
  draft.note(`${job.request.act} stopped`, reason)
  // Consumers do not hold for as long as a person takes.
  if (phase === 'hold') draft.say('park')
  if (task === 'probe') draft.change({ task: undefined })
  if (job.task === 'probe') draft.giveUpJob(PROBE_FAILED)
  else draft.tell(`replay ${job.id} has stopped: ${reason}`)
}

function jobCompleted(draft: SidelineDraft, handled: number): void {
  const { task, phase } = draft.state
  if (task === 'resolve' || task === 'discard') draft.errand('remove')
  // Renewed, so that what is measured now is still true when the rule is lifted.
  else if (task === 'drain' && phase === 'hold') hold(draft)
  else if (task === 'drain') draft.errand('measure')
  else if (task === 'probe' && handled > 0) {
    draft.command('resolve', PROBE_HANDLED)
    draft.change({ pacing: {} })
    lift(draft)
    turnTo(draft, 'resolve')
  } else rest(draft)
}

/** Somebody cancelled it, and did not say to the rule what is to become of the rest. */
function jobCancelled(draft: SidelineDraft, reason: string): void {
  const { task, phase } = draft.state
  if (task === 'resolve') draft.awaitPerson(`the replay was cancelled (${reason}): resolve once more, or discard`)
  else if (task === 'discard') draft.awaitPerson(`dropping was cancelled (${reason}): discard once more`)
  else {
    if (phase === 'hold') draft.say('park')
    rest(draft)
  }
}
