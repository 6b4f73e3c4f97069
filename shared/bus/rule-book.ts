import type { Body } from '../events.ts'
import type { Rule } from '../operation-events.ts'
import { controlStream, parkingQueue } from '../topology.ts'
import type { Broker, Follower, Received } from './broker.ts'
import { type Event, parseEvent } from './envelope.ts'
import { type ActiveRule, chainsOf, isJudged, PASS, type RuleChain } from './rule-chain.ts'
import { type ConfirmationOptions, RuleConfirmations } from './rule-confirmations.ts'
import { type Confirmable, isAhead, namedIn, type Open, RuleRecords } from './rule-records.ts'
import type { Member, Rules, RuleVerdict } from './rules.ts'
import { Sample } from './trial.ts'
import { TrialAnswers } from './trial-answers.ts'

export type RuleBookOptions = ConfirmationOptions & {
  readonly broker: ConfirmationOptions['broker'] & Pick<Broker, 'follow'>
  /** Where it is counted that the filter of a rule could not say. */
  readonly unclearOf?: (rule: string) => { count: number }
  /** A record of the stream that cannot be read. */
  readonly onUnreadable?: () => void
}

/** What waits for a rule to be lifted waits no longer than this, even when nobody lifts it. */
export const HOLD_MS_MAX = 10_000
const AHEAD = 'its revision is of another day than ours: the hub has not written it, or the clocks are wrong'

/**
 * The sideline rules of the broker: read from the stream `ebs.control` before anything is consumed, and followed. Nothing is read before
 * somebody asks for it by `loaded()`.
 */
export class RuleBook implements Rules {
  readonly #options: RuleBookOptions
  readonly #records = new RuleRecords()
  readonly #confirmations: RuleConfirmations
  readonly #trials: TrialAnswers
  /** Of the queues that are consumed here. */
  readonly #samples = new Map<string, Sample>()
  readonly #unclear = new Map<string, { count: number }>()
  /** Rules whose hold has lasted long enough. */
  readonly #heldLong = new Set<string>()
  #chains: ReadonlyMap<string, RuleChain> | undefined
  #loading: Promise<void> | undefined
  #follower: Follower | undefined
  #waiting: (() => void)[] = []

  constructor(options: RuleBookOptions) {
    this.#options = options
    this.#confirmations = new RuleConfirmations(options)
    this.#trials = new TrialAnswers(options, this.#confirmations, this.#samples)
  }

  loaded(): Promise<void> {
    this.#loading ??= this.#follow().catch((error: unknown) => {
      this.#loading = undefined
      throw error
    })
    return this.#loading
  }

  judge(queue: string, event: Event, message: Pick<Received, 'body' | 'properties'>): RuleVerdict {
    if (!isJudged(event.type)) return PASS
    this.#chains ??= chainsOf(this.#records.open().map((record) => this.#activeOf(record)))
    const verdict = this.#chains.get(queue)?.judge(event, message) ?? PASS
    // What is held is judged again.
    if (verdict.kind !== 'hold') this.#samples.get(queue)?.add(event, message)
    return verdict
  }

  changed(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  join(member: Member): () => void {
    if (!this.#samples.has(member.queue)) this.#samples.set(member.queue, new Sample())
    return this.#confirmations.join(member, this.#records.all())
  }

  /** Rejects also when the rule is over: nobody would look into the queue any more. */
  async restore(rule: string, queue: string): Promise<void> {
    if (!this.isInForce(rule)) throw new Error(`The sideline rule '${rule}' is over: the message is judged again.`)
    await this.#options.broker.declare(parkingQueue(rule, queue, this.#options.queueType))
  }

  /** Rules that set messages aside or hold them, as far as this process knows. */
  inForce(): readonly Rule[] {
    return this.#records.open().map(({ rule }) => rule)
  }

  /** Whether a rule sets messages aside or holds them. */
  isInForce(id: string): boolean {
    const record = this.#records.find(id)
    return record !== undefined && 'rule' in record
  }

  /** Reads nothing more. */
  async stop(): Promise<void> {
    await this.#follower?.stop()
  }

  async #follow(): Promise<void> {
    this.#follower = await this.#options.broker.follow(controlStream, (message) => this.#take(message))
  }

  #take(message: Received): void {
    const { type } = message.properties
    // Rules come under the stream's own name, which only the hub has the right to.
    if (message.key !== controlStream) return
    // Confirmations are most of the stream, and none of our business.
    if (type !== undefined && type !== 'SIDELINE_RULE' && type !== 'SIDELINE_TRIAL') return
    const parsed = parseEvent(message)
    if ('poison' in parsed) this.#skip(message, parsed.poison)
    else if ('stranger' in parsed) return
    else if (parsed.type === 'SIDELINE_RULE') this.#apply(parsed.data)
    else if (parsed.type === 'SIDELINE_TRIAL') this.#trials.answer(parsed)
  }

  #apply({ rule, confirm = false }: Body<'SIDELINE_RULE'>): void {
    const nowMs = this.#options.clock.now()
    const news = this.#records.take(rule, nowMs)
    if (news) this.#announce(news)
    else if (isAhead(rule.revision, nowMs)) this.#report(AHEAD, rule.id)
    else if (confirm) this.#confirmAgain(rule)
  }

  #confirmAgain({ id, revision }: Rule): void {
    const known = this.#records.find(id)
    if (known?.revision === revision) this.#confirmations.tellAgain(known)
  }

  #skip({ body, properties }: Received, problem: string): void {
    const found = properties.type === 'SIDELINE_TRIAL' ? undefined : namedIn(body)
    // What is confirmed is a revision that the hub may have given.
    const named = found && !isAhead(found.revision, this.#options.clock.now()) ? found : undefined
    const news = named && this.#records.refuse(named, problem)
    if (news) this.#announce(news)
    // One without a name is met again by each reconnect.
    else if (!named) this.#report(problem)
  }

  #announce(news: Confirmable): void {
    if (news.phase === 'unreadable') this.#report(news.problem, news.id)
    else {
      this.#heldLong.delete(news.id)
      if (news.phase === 'hold') this.#endHoldLater(news)
      if (news.phase === 'lifted') this.#unclear.delete(news.id)
      this.#change()
    }
    // What is under way now was judged by the rules as they were before.
    this.#confirmations.tell(news)
  }

  #report(problem: string, rule?: string): void {
    this.#options.onUnreadable?.()
    this.#options.log.error({ problem, rule }, `a record of ${controlStream} cannot be read; it is skipped`)
  }

  #endHoldLater({ id, revision }: Confirmable): void {
    this.#options.clock.after(HOLD_MS_MAX, () => {
      const record = this.#records.find(id)
      if (record?.phase !== 'hold' || record.revision !== revision) return
      this.#options.log.warn({ rule: id }, 'a sideline rule was not lifted in time: what it holds is set aside')
      this.#heldLong.add(id)
      this.#change()
    })
  }

  #change(): void {
    this.#chains = undefined
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  #activeOf({ rule, filter, phase }: Open): ActiveRule {
    const kind = this.#heldLong.has(rule.id) ? 'park' : phase
    return { rule, filter, kind, unclear: this.#unclearOf(rule.id) }
  }

  #unclearOf(id: string): { count: number } {
    const known = this.#unclear.get(id) ?? this.#options.unclearOf?.(id) ?? { count: 0 }
    this.#unclear.set(id, known)
    return known
  }
}
