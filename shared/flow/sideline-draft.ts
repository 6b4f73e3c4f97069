import { probeJob } from '../bus/replay-headers.ts'
import type { Body } from '../events.ts'
import { controlStream, parkingQueueOf } from '../topology.ts'
import type { Decision, HistoryLine, Sent, TimerChange } from './decision.ts'
import { recordOf } from './sideline-record.ts'
import { type By, type Phase, type SidelineState, statusOf, type Task, useOf, type Wait } from './sideline-state.ts'

/** The queues of the hub's own: what is asked of itself, and what conversations hear. */
const ERRANDS = 'hub_work'
const HUB = 'hub_consume'

/** An errand whose answer has not come by then is sent again: whoever ran it may be gone, and the message dead. */
const ERRAND_LOST_MS = 30_000
/** A job takes as long as it takes. It is asked for again all the same, because what it says at its end may be lost, too. */
const JOB_LOST_MS = 300_000
/** Bound of a reason in the catalogue. */
const REASON_CHARS_MAX = 1_024

/** What waits for one thing has one timer. */
export const STEP = 'step'
export const EXPIRY = 'expiry'
export const PROBE = 'probe'

type JobTerms = Omit<Body<'REPLAY_REQUESTED'>, 'type' | 'id' | 'rule' | 'which' | 'actor' | 'reason'>
type Change = Extract<Decision<SidelineState>, { kind: 'change' }>

/** A rule while an input is decided: the state as it becomes, and what is sent, timed and noted. */
export class SidelineDraft {
  readonly nowMs: number
  #state: SidelineState
  readonly #statusBefore: string | undefined
  readonly #sent: Sent[] = []
  readonly #timers: TimerChange[] = []
  readonly #history: HistoryLine[] = []
  #isCommanded = false
  /** Of a probe that follows on others that failed nothing is noted: a rule may be probed for weeks. */
  #isRepeatedProbe: boolean

  /** `isNew`: nobody has heard of this use of the rule yet. */
  constructor(state: SidelineState, nowMs: number, isNew = false) {
    this.#state = state
    this.#statusBefore = isNew ? undefined : statusOf(state)
    this.nowMs = nowMs
    const { task, job, failedProbes = 0 } = state
    this.#isRepeatedProbe = failedProbes > 0 && (task === 'probe' || job?.task === 'probe')
  }

  get state(): Readonly<SidelineState> {
    return this.#state
  }

  change(fields: Partial<SidelineState>): void {
    this.#state = { ...this.#state, ...fields }
  }

  /** Somebody has asked for it: it is said who and why, whether the status changes or not. */
  command(what: string, by: By): void {
    this.#isCommanded = true
    this.#isRepeatedProbe = false
    this.change({ by, isForgotten: undefined, failedProbes: undefined })
    this.note(what, `${by.actor}: ${by.reason}`)
  }

  note(what: string, detail?: string): void {
    if (!this.#isRepeatedProbe) this.#history.push({ what, detail })
  }

  /** A new record of the rule, for every consumer to apply. Its revision grows also when the clock was set back. */
  say(phase: Phase): void {
    const revision = Math.max(this.nowMs, this.#state.revision + 1)
    this.change({ phase, revision, isSettled: false, holdsSinceMs: phase === 'hold' ? this.nowMs : undefined })
    this.#sent.push({ body: { type: 'SIDELINE_RULE', rule: recordOf(this.#state) }, queue: controlStream })
  }

  /** Tells whoever watches how the rule stands, besides the change of status at the end of a decision. */
  tell(reason: string): void {
    const { id } = this.#state
    this.#sent.push({
      body: { type: 'SIDELINE_CHANGED', id, status: statusOf(this.#state), actor: 'ebs', reason: cut(reason) },
    })
  }

  /** Sends an errand, and waits for its answer. */
  errand(step: 'settle' | 'measure' | 'remove'): void {
    this.change({ wait: { for: step, sinceMs: this.nowMs } })
    this.sendAgain()
  }

  /** Asks for a job, and waits for its end. */
  request(task: Task, by: By, request: JobTerms): void {
    const { id, lastJob } = this.#state
    const number = Math.max(this.nowMs, lastJob + 1)
    const numeral = number.toString(36)
    // No rule's id has a colon in it, and no job's may have a slash.
    const job = {
      id: task === 'probe' ? probeJob(id, numeral) : `${id}:${numeral}`,
      which: 'front' as const,
      rule: useOf(this.#state),
      ...by,
      ...request,
    }
    this.change({ lastJob: number, job: { id: job.id, task, request: job } })
    this.awaitJob()
    this.#sendJob()
    const count = request.sources.reduce((sum, source) => sum + source.count, 0)
    this.note(`${request.act} requested`, `${count} messages, as ${job.id}`)
  }

  /** Cancels the job that is there; its end is awaited. */
  giveUpJob(by: By = this.#state.by): void {
    const { job } = this.#state
    if (!job || job.givenUp) return
    this.change({ job: { ...job, givenUp: by } })
    this.#sendCancel()
  }

  awaitJob(): void {
    this.change({ wait: { for: 'job', sinceMs: this.nowMs } })
    this.#timers.push({ arm: STEP, dueMs: this.nowMs + JOB_LOST_MS })
  }

  /** Nothing goes on until somebody acts. */
  awaitPerson(why: string): void {
    this.change({ wait: { for: 'person', sinceMs: this.nowMs, why } })
    this.#timers.push({ cancel: STEP })
    this.note('waits for somebody to act', why)
    this.tell(why)
  }

  awaitNothing(): void {
    this.change({ task: undefined, wait: undefined })
    this.#timers.push({ cancel: STEP })
  }

  /** What is waited for may be lost: asks for it once more. */
  sendAgain(): void {
    const { wait, id, revision, queues, job } = this.#state
    if (wait?.for === 'settle' || wait?.for === 'measure' || wait?.for === 'remove') {
      this.#sent.push({ body: { type: 'SIDELINE_ERRAND', id, revision, queues, step: wait.for }, queue: ERRANDS })
      this.#timers.push({ arm: STEP, dueMs: this.nowMs + ERRAND_LOST_MS })
    } else if (wait?.for === 'job' && job) {
      this.#sendJob()
      if (job.givenUp) this.#sendCancel()
      this.#timers.push({ arm: STEP, dueMs: this.nowMs + JOB_LOST_MS })
    }
  }

  /** Sends the errand that is waited for once more in so many ms. */
  again(inMs: number): void {
    this.#timers.push({ arm: STEP, dueMs: this.nowMs + inMs })
  }

  arm(name: typeof EXPIRY | typeof PROBE, dueMs: number): void {
    this.#timers.push({ arm: name, dueMs })
  }

  decision(): Change {
    const status = statusOf(this.#state)
    const { end, id, by } = this.#state
    if (status !== this.#statusBefore) this.note(status)
    const isToldOf = this.#isCommanded || status !== this.#statusBefore
    const told: Sent[] = isToldOf
      ? [{ body: { type: 'SIDELINE_CHANGED', id, status, actor: by.actor, reason: cut(by.reason) } }]
      : []
    return {
      kind: 'change',
      state: this.#state,
      status,
      ended: end !== undefined,
      sent: [...this.#sent, ...told],
      // After the end there are none: whoever carries this out cancels every timer that is left.
      timers: end ? [] : this.#timers,
      history: this.#history,
    }
  }

  #sendJob(): void {
    const { job } = this.#state
    if (job) this.#sent.push({ body: { type: 'REPLAY_REQUESTED', ...job.request }, queue: HUB })
  }

  #sendCancel(): void {
    const { job } = this.#state
    if (!job?.givenUp) return
    this.#sent.push({ body: { type: 'REPLAY_COMMAND', id: job.id, action: 'cancel', ...job.givenUp }, queue: HUB })
  }
}

/** Where the parked messages of a queue lie, and where they belong. */
export const sourceOf = (rule: string, { queue, count }: { readonly queue: string; readonly count: number }) => ({
  from: parkingQueueOf(rule, queue),
  to: queue,
  count,
})

const cut = (reason: string) => reason.slice(0, REASON_CHARS_MAX)

/** Whether a step that began then has taken so long. A clock that was set back by more ends it, too: it must not go on for days. */
export const hasTaken = (wait: Wait, nowMs: number, ms: number) => Math.abs(nowMs - wait.sinceMs) >= ms
