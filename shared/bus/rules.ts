import type { Rule } from '../operation-events.ts'
import type { Received } from './broker.ts'
import type { Event } from './envelope.ts'

/** What the sideline rules say about an event: handle it; set it aside; or wait, because the rule is about to be lifted. */
export type RuleVerdict =
  | { readonly kind: 'pass' }
  | { readonly kind: 'park'; readonly rule: Rule }
  | { readonly kind: 'hold'; readonly rule: Rule }

/** A delivery that was judged and is not settled: being handled, or on its way to the parking queue of a rule. */
export type UnderWay = {
  readonly event: Event
  /** Id of the rule that it is parked by. */
  readonly parkedBy: string | undefined
  /** Resolves when it is settled; never rejects. */
  readonly done: Promise<void>
}

/** A consumer of this process, as operators know it. */
export type Member = {
  readonly queue: string
  /** Its consumer tag. */
  readonly tag: string
  readonly underWay: () => Iterable<UnderWay>
}

/**
 * The sideline rules as a consume loop needs them. `rule-book.ts` keeps those of the broker; what else decides which messages are set
 * aside (tests, a fixed list) implements this.
 */
export interface Rules {
  /** Resolves when every rule that is in force is known; nothing is to be consumed before. */
  loaded(): Promise<void>
  /**
   * The first rule in the order of their start that matches. Never throws: what cannot be evaluated does not match and is counted.
   * `message` is the one that the event was read from: filters look at its headers, too.
   */
  judge(queue: string, event: Event, message: Pick<Received, 'body' | 'properties'>): RuleVerdict
  /** Resolves when rules change, or when what is held has been held for long enough: then judge again. */
  changed(): Promise<void>
  /** From now on changes are confirmed in the name of this consumer, once nothing is under way that they concern. Gives the function that ends it. */
  join(member: Member): () => void
  /** Makes the parking queue of a rule, when it turns out to be gone. Rejects when the broker is away, or the rule over. */
  restore(rule: string, queue: string): Promise<void>
}

const PASS: RuleVerdict = { kind: 'pass' }

/** For whoever consumes without rules. */
export const noRules: Rules = {
  loaded: async () => undefined,
  judge: () => PASS,
  changed: () => new Promise(() => undefined),
  join: () => () => undefined,
  restore: async () => undefined,
}

/** Told how each attempt ended, so that failures that have something in common can be set aside (`breaker.ts`). */
export interface OutcomeWatcher {
  observe(queue: string, event: Event, hasFailed: boolean): void
}

export const noWatcher: OutcomeWatcher = { observe: () => undefined }
