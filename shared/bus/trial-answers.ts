import { ClosedError } from './broker.ts'
import type { Event } from './envelope.ts'
import { compileFilter, type Filter } from './filter.ts'
import { type ConfirmationOptions, publishRecord, type RuleConfirmations } from './rule-confirmations.ts'
import type { Member } from './rules.ts'
import { type Sample, tryFilter } from './trial.ts'

/** Nobody waits for the answer to an older one. */
const TRIAL_MS_MAX = 30_000
/** Those of the last half minute; a reconnect shows them again. */
const TRIALS_KEPT = 100

/** Answers dry runs: what a filter says to the last messages of the queues that are consumed here. */
export class TrialAnswers {
  readonly #options: ConfirmationOptions
  readonly #confirmations: Pick<RuleConfirmations, 'members'>
  readonly #samples: ReadonlyMap<string, Sample>
  readonly #answered = new Set<string>()

  constructor(
    options: ConfirmationOptions,
    confirmations: Pick<RuleConfirmations, 'members'>,
    samples: ReadonlyMap<string, Sample>,
  ) {
    this.#options = options
    this.#confirmations = confirmations
    this.#samples = samples
  }

  /** Answers in a while, for each consumer of the queues in question; never rejects. Not for one that is old or answered. */
  answer(event: Event<'SIDELINE_TRIAL'>): void {
    const { data, meta } = event
    const { clock, log } = this.#options
    if (meta.atMs === undefined || meta.atMs < clock.now() - TRIAL_MS_MAX || this.#answered.has(data.trial)) return
    this.#answered.add(data.trial)
    const [oldest] = this.#answered
    if (oldest !== undefined && this.#answered.size > TRIALS_KEPT) this.#answered.delete(oldest)
    const members = [...this.#confirmations.members].filter(({ queue }) => data.queues.includes(queue))
    if (members.length === 0) return
    this.#answerAll(data, members).catch((error: unknown) => {
      if (!(error instanceof ClosedError)) log.warn({ err: error, trial: data.trial }, 'a dry run was not answered')
    })
  }

  async #answerAll({ trial, filter: text, sample }: Event<'SIDELINE_TRIAL'>['data'], members: readonly Member[]) {
    const filter = compileFilter(text)
    const told = new Set<string>()
    for (const { queue, tag } of members) {
      // Consumers of one queue share its sample: it is counted once.
      const found = await this.#try(filter, queue, told.has(queue) ? 0 : sample)
      told.add(queue)
      await publishRecord(this.#options, { type: 'SIDELINE_TRIED', trial, queue, consumer: tag, ...found })
    }
  }

  async #try(filter: Filter, queue: string, count: number) {
    const found = await tryFilter(filter, queue, this.#samples.get(queue)?.last(count) ?? [])
    return { ...found, examples: [...found.examples] }
  }
}
