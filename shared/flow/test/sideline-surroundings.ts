import type { Body } from '../../events.ts'
import type { Sent } from '../decision.ts'
import { PROCESS, SidelineRun } from './sideline-run.ts'

type Fact = Body<'SIDELINE_SETTLED' | 'SIDELINE_MEASURED' | 'REPLAY_ENDED'>
type Errand = Body<'SIDELINE_ERRAND'>
type Job = { readonly request: Body<'REPLAY_REQUESTED'>; lastWord: Body<'REPLAY_ENDED'> | undefined }

/** What is around a rule: a parking queue, consumers, errands and jobs, told apart from the rule by messages only. */
export class Surroundings {
  readonly rule = new SidelineRun()
  parked = 0
  readonly errands: Errand[] = []
  readonly facts: Fact[] = []
  readonly jobs = new Map<string, Job>()
  /** Jobs at work at once, at most. */
  busiest = 0
  readonly revisions: number[] = []

  /** Carries out what the rule has sent. */
  carry(): void {
    for (const sent of this.rule.taken()) this.#carry(sent)
    this.busiest = Math.max(this.busiest, [...this.jobs.values()].filter(({ lastWord }) => !isFinal(lastWord)).length)
  }

  #carry(sent: Sent): void {
    if (!('body' in sent)) return
    const { body } = sent
    if (body.type === 'SIDELINE_RULE') this.revisions.push(body.rule.revision)
    else if (body.type === 'SIDELINE_ERRAND') this.errands.push(body)
    else if (body.type === 'REPLAY_REQUESTED') this.#request(body)
    else if (body.type === 'REPLAY_COMMAND') this.end(this.jobs.get(body.id), 'cancelled')
  }

  #request(request: Body<'REPLAY_REQUESTED'>): void {
    const job = this.jobs.get(request.id)
    if (!job) this.jobs.set(request.id, { request, lastWord: undefined })
    else if (job.lastWord) this.facts.push(job.lastWord)
  }

  /** A job ends, or says again that it has. */
  end(job: Job | undefined, status: Body<'REPLAY_ENDED'>['status']): void {
    if (!job) return
    if (!isFinal(job.lastWord)) {
      const { id, rule, sources } = job.request
      const total = sources.reduce((sum, { count }) => sum + count, 0)
      const handled = status === 'completed' ? Math.min(total, this.parked) : 0
      this.parked -= handled
      job.lastWord = { type: 'REPLAY_ENDED', id, status, rule, total, handled, failed: 0, reason: 'so' }
    }
    if (job.lastWord) this.facts.push(job.lastWord)
  }

  /** Runs an errand: its answer is on its way. */
  run(errand: Errand | undefined, missing: readonly string[] = []): void {
    if (!errand) return
    const { id, revision, step } = errand
    if (step === 'settle')
      this.facts.push({ type: 'SIDELINE_SETTLED', id, revision, confirmed: 1, missing: [...missing] })
    else {
      const removed = step === 'remove' && this.parked === 0
      const parked = [{ queue: PROCESS, count: this.parked }]
      this.facts.push({ type: 'SIDELINE_MEASURED', id, revision, parked, removed })
    }
  }

  deliver(fact: Fact | undefined): void {
    if (fact) this.rule.take(fact)
  }

  get atWork(): Job | undefined {
    return [...this.jobs.values()].findLast(({ lastWord }) => !isFinal(lastWord))
  }

  /** Everything that is on its way arrives, jobs run to their end, and time passes, until nothing more happens. */
  comeToRest(): void {
    for (let turns = 0; turns < 300; turns++) {
      this.carry()
      this.run(this.errands.shift())
      const { atWork } = this
      if (this.facts.length > 0) this.deliver(this.facts.shift())
      else if (atWork && atWork.lastWord === undefined) this.end(atWork, 'completed')
      else if (this.errands.length === 0 && this.rule.timers.size > 0) {
        const [next] = [...this.rule.timers].toSorted((a, b) => a[1] - b[1])
        if (next) this.rule.fire(next[0])
      }
    }
  }
}

const isFinal = (word: Body<'REPLAY_ENDED'> | undefined) => word !== undefined && word.status !== 'stopped'
