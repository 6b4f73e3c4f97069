import { describe, expect, test } from 'vitest'
import { DELAY_MS_MAX, delayRoute } from '../ladder.ts'
import { judge, Retryable, type RetryPolicy, Unrecoverable, type Verdict } from '../retry.ts'

const linear: RetryPolicy = { policy: 'linear', retries: 25, minMs: 1_000, maxMs: 60_000, factor: 2 }
const exponential: RetryPolicy = { ...linear, policy: 'exponential' }
const immediate: RetryPolicy = { ...linear, policy: 'immediate' }
const never: RetryPolicy = { ...linear, policy: 'never' }
const policies = [linear, exponential, immediate]

const failure = new Error('no')
const exhausted: Verdict = { kind: 'dead', reason: 'exhausted' }
const verdict = (policy: RetryPolicy, attempt: number, { error = failure, random = 1 }: Roll = {}) =>
  judge(error, attempt, policy, random)
type Roll = { readonly error?: unknown; readonly random?: number }

const deliveriesOf = (policy: RetryPolicy) => {
  let attempt = 1
  while (verdict(policy, attempt).kind !== 'dead') attempt++
  return attempt
}

describe('R1: how often', () => {
  for (const policy of policies)
    test.each([0, 1, 2, 25, 26, 100])(`${policy.policy}: %d retries are one delivery more`, (retries) => {
      expect(deliveriesOf({ ...policy, retries })).toBe(retries + 1)
      expect(verdict({ ...policy, retries }, retries + 1)).toEqual(exhausted)
      expect(verdict({ ...policy, retries }, retries + 2)).toEqual(exhausted)
    })

  test.each([-1, 0, 1, 25])('never: one delivery, whatever retries says (%d)', (retries) => {
    expect(verdict({ ...never, retries }, 1)).toEqual(exhausted)
    expect(verdict({ ...never, retries }, 1, { error: new Retryable('later', { retryAfterMs: 5 }) })).toEqual(exhausted)
  })

  for (const policy of policies)
    test.each([1, 25, 26, 1_000_000, Number.MAX_SAFE_INTEGER])(
      `${policy.policy}, retries -1: for ever, at attempt %d too, with a delay that the ladder takes`,
      (attempt) => {
        const found = verdict({ ...policy, retries: -1 }, attempt)

        expect(found.kind).not.toBe('dead')
        if (found.kind === 'later') expect(() => delayRoute(found.delayMs, 'work')).not.toThrow()
      },
    )
})

describe('R1: how long', () => {
  test.each([
    { attempt: 1, delayMs: 1_000 },
    { attempt: 2, delayMs: 2_000 },
    { attempt: 25, delayMs: 25_000 },
    { attempt: 60, delayMs: 60_000 },
    { attempt: 61, delayMs: 60_000 },
  ])('linear: attempt $attempt waits $delayMs ms', ({ attempt, delayMs }) => {
    expect(verdict({ ...linear, retries: -1 }, attempt)).toEqual({ kind: 'later', delayMs })
  })

  test.each([
    { attempt: 1, delayMs: 1_000 },
    { attempt: 2, delayMs: 2_000 },
    { attempt: 3, delayMs: 4_000 },
    { attempt: 6, delayMs: 32_000 },
    { attempt: 7, delayMs: 60_000 },
    { attempt: 25, delayMs: 60_000 },
  ])('exponential: attempt $attempt waits up to $delayMs ms and at least half of it', ({ attempt, delayMs }) => {
    expect(verdict(exponential, attempt, { random: 1 })).toEqual({ kind: 'later', delayMs })
    expect(verdict(exponential, attempt, { random: 0 })).toEqual({ kind: 'later', delayMs: delayMs / 2 })
    expect(verdict(exponential, attempt, { random: 0.5 })).toEqual({ kind: 'later', delayMs: delayMs * 0.75 })
  })

  test('immediate: 25 again in a row, then by the ladder', () => {
    const all = { ...immediate, retries: -1 }

    expect(Array.from({ length: 25 }, (_, i) => verdict(all, i + 1).kind)).toEqual(Array(25).fill('again'))
    expect(verdict(all, 26)).toEqual({ kind: 'later', delayMs: 1_000 })
    expect(verdict(all, 27)).toEqual({ kind: 'later', delayMs: 1_000 })
  })

  test('a minimum of 0 is no delay, however many attempts there were', () => {
    for (const policy of policies)
      for (const attempt of [1, 2, 26, 5_000]) {
        const found = verdict({ ...policy, retries: -1, minMs: 0 }, attempt)
        if (found.kind !== 'again') expect(found).toEqual({ kind: 'later', delayMs: 0 })
      }
  })

  test('no delay is longer than the ladder', () => {
    const endless = { ...linear, retries: -1, minMs: 1e12, maxMs: 1e15 }

    expect(verdict(endless, 9)).toEqual({ kind: 'later', delayMs: DELAY_MS_MAX })
  })
})

describe('R3: what errors say', () => {
  class NotFound extends Unrecoverable {}

  test.each([linear, exponential, immediate, never])('$policy: an unrecoverable error is dead at once', (policy) => {
    const dead = { kind: 'dead', reason: 'unrecoverable' }

    expect(verdict({ ...policy, retries: -1 }, 1, { error: new Unrecoverable('bad') })).toEqual(dead)
    expect(verdict(policy, 1, { error: new NotFound('gone') })).toEqual(dead)
  })

  test.each([
    { retryAfterMs: 0, delayMs: 0 },
    { retryAfterMs: 1, delayMs: 1 },
    { retryAfterMs: 7_200_000, delayMs: 7_200_000 },
    { retryAfterMs: -5, delayMs: 0 },
    { retryAfterMs: DELAY_MS_MAX + 1, delayMs: DELAY_MS_MAX },
    { retryAfterMs: Number.POSITIVE_INFINITY, delayMs: DELAY_MS_MAX },
    { retryAfterMs: Number.NaN, delayMs: 1_000 },
  ])('retry after $retryAfterMs ms overrides the policy: $delayMs ms', ({ retryAfterMs, delayMs }) => {
    const error = new Retryable('busy', { retryAfterMs })

    expect(verdict(linear, 1, { error })).toEqual({ kind: 'later', delayMs })
  })

  test('retry after does not make more attempts', () => {
    const error = new Retryable('busy', { retryAfterMs: 5 })

    expect(verdict({ ...linear, retries: 1 }, 1, { error })).toEqual({ kind: 'later', delayMs: 5 })
    expect(verdict({ ...linear, retries: 1 }, 2, { error })).toEqual(exhausted)
  })

  test.each([undefined, null, 'text', 0, {}, new TypeError('bug'), new Retryable('busy')])(
    'anything else is retryable: %s',
    (error) => {
      expect(verdict(linear, 1, { error })).toEqual({ kind: 'later', delayMs: 1_000 })
    },
  )

  test('a cause is kept', () => {
    expect(new Retryable('busy', { cause: failure }).cause).toBe(failure)
    expect(new Unrecoverable('bad', { cause: failure }).cause).toBe(failure)
  })
})
