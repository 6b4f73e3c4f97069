import type { RetrySettings } from '../service/retry-settings.ts'
import type { PartlyUnavailableError } from '../store/store.ts'
import { DELAY_MS_MAX } from './ladder.ts'

/** How a queue retries. `retries` = N means N + 1 deliveries at most; 0 never, negative for ever. */
export type RetryPolicy = RetrySettings

/** The policy of one queue among those that a service has read from its environment. */
export function retryOf<Q extends string>(settings: ReadonlyMap<Q, RetryPolicy>, queue: Q): RetryPolicy {
  const policy = settings.get(queue)
  if (!policy) throw new Error(`The configuration has no retry settings for ${queue}: name it in its list of queues.`)
  return policy
}

/** What becomes of a failed attempt. */
export type Verdict =
  | { readonly kind: 'again' }
  /** `waits`: it was no attempt; the message has waited for a store so many times by then. */
  | { readonly kind: 'later'; readonly delayMs: number; readonly waits?: number }
  | { readonly kind: 'dead'; readonly reason: DeadReason }

/** Why a message is dead: it cannot succeed, it was tried often enough, nobody could read it, or it kills its consumer. */
export type DeadReason = 'unrecoverable' | 'exhausted' | 'poison' | 'crashed'

/** An error that no retry can mend (400 family): the message goes to the dead queue at once. */
export class Unrecoverable extends Error {
  override readonly name: string = 'Unrecoverable'
}

/** An error that may pass (500 family). `retryAfterMs` overrides the delay of the policy. */
export class Retryable extends Error {
  override readonly name: string = 'Retryable'
  readonly retryAfterMs: number | undefined

  constructor(message: string, options: ErrorOptions & { readonly retryAfterMs?: number } = {}) {
    super(message, options)
    this.retryAfterMs = options.retryAfterMs
  }
}

/** In the same consumer, before anything newer; then the ladder takes over, so that a stubborn message does not hold a place. */
const IMMEDIATE_IN_A_ROW = 25
/** The pauses of what waits for a store to come back grow up to this many times the first. */
const AWAY_STEPS_MAX = 10

/**
 * Decides about attempt number `attempt` (from 1) that failed with `error`. `random` (0 to 1) spreads exponential delays over the
 * upper half, so that a thousand messages that failed together do not come back together.
 */
export function judge(
  error: unknown,
  attempt: number,
  { policy, retries, ...limits }: RetryPolicy,
  random: number,
): Verdict {
  if (error instanceof Unrecoverable) return { kind: 'dead', reason: 'unrecoverable' }
  if (policy === 'never' || (retries >= 0 && attempt > retries)) return { kind: 'dead', reason: 'exhausted' }
  // NaN comes of a Retry-After that could not be read: then the policy decides.
  if (error instanceof Retryable && error.retryAfterMs !== undefined && !Number.isNaN(error.retryAfterMs))
    return later(error.retryAfterMs)
  if (policy === 'immediate') return attempt <= IMMEDIATE_IN_A_ROW ? { kind: 'again' } : later(limits.minMs)
  if (policy === 'linear') return later(Math.min(attempt * limits.minMs, limits.maxMs))
  // Infinity times a minimum of 0 would not be a number.
  const growth = Math.min(limits.factor ** (attempt - 1), Number.MAX_VALUE)
  const cappedMs = Math.min(limits.minMs * growth, limits.maxMs)
  return later(cappedMs * (0.5 + random / 2))
}

/**
 * What waits for a store to come back, after so many waits. Not the message's fault, so it is no attempt, however long it takes: it would
 * be dead while its conversation is only out of reach, or of the first passing error afterwards.
 */
export const waitFor = ({ retryAfterMs }: PartlyUnavailableError, waits: number): Verdict => ({
  ...later(Math.min(waits + 1, AWAY_STEPS_MAX) * retryAfterMs),
  waits: waits + 1,
})

const later = (delayMs: number) => ({ kind: 'later' as const, delayMs: Math.min(Math.max(0, delayMs), DELAY_MS_MAX) })
