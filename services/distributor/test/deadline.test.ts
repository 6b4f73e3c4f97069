import { describe, expect, test } from 'vitest'
import type { RetryPolicy } from '../../../shared/bus/retry.ts'
import { distributorConfig } from '../config.ts'
import { findShortDeadline } from '../deadline.ts'

const retry: RetryPolicy = { policy: 'linear', retries: 25, minMs: 1_000, maxMs: 3_600_000, factor: 2 }

describe('a deadline is long enough when it is above what the retries of a task take', () => {
  test.each<[what: string, change: Partial<RetryPolicy>, tookMs: number]>([
    ['linear, 25', {}, 325_000],
    ['linear, 1', { retries: 1 }, 1_000],
    ['linear, capped', { retries: 10, maxMs: 3_000 }, 1_000 + 2_000 + 8 * 3_000],
    ['exponential, at its longest', { policy: 'exponential', retries: 5 }, 31_000],
    ['exponential, capped', { policy: 'exponential', retries: 5, maxMs: 5_000 }, 1_000 + 2_000 + 4_000 + 5_000 + 5_000],
    ['immediate, 30: the first 25 without waiting', { policy: 'immediate', retries: 30 }, 5_000],
  ])('%s', (_, change, tookMs) => {
    const policy = { ...retry, ...change }

    expect(findShortDeadline(tookMs + 1, policy)).toBeUndefined()
    const sums = new RegExp(`is ${tookMs}, but the ${policy.retries} retries .*${policy.policy}.* ${tookMs} ms`)
    expect(findShortDeadline(tookMs, policy)).toMatch(sums)
  })

  test.each<[what: string, change: Partial<RetryPolicy>]>([
    ['never', { policy: 'never' }],
    ['never, for ever', { policy: 'never', retries: -1 }],
    ['no retries', { retries: 0 }],
    ['immediate, 25', { policy: 'immediate' }],
  ])('%s: every deadline is', (_, change) => {
    expect(findShortDeadline(1, { ...retry, ...change })).toBeUndefined()
  })

  test.each(['immediate', 'linear', 'exponential'] as const)('%s, for ever: no deadline is', (policy) => {
    expect(findShortDeadline(2_592_000_000, { ...retry, policy, retries: -1 })).toMatch(/never end: an object may fail/)
  })
})

describe('at start', () => {
  const warningsOf = (env: Record<string, string>) => distributorConfig(env).warnings

  test('nothing is said of the defaults, nor of what the processors retry', () => {
    expect(warningsOf({})).toEqual([])
    expect(warningsOf({ EBS_RETRY_PROCESS_CONSUME_RETRIES: '30' })).toEqual([])
  })

  test.each([
    [{ EBS_OBJECT_DEADLINE_MS: '325000' }, 'EBS_OBJECT_DEADLINE_MS is 325000, but the 25 retries'],
    [{ EBS_RETRY_PROCESS_CONSUME_RETRIES: '40' }, '820000 ms'],
    [{ EBS_RETRY_RETRIES: '-1' }, 'never end'],
  ])('%j is warned of, beside names that look misspelt', (env, text) => {
    const warnings = warningsOf({ ...env, EBS_TASK_PER_OBJECT: '1' })

    expect(warnings).toEqual([expect.stringContaining('EBS_TASK_PER_OBJECT'), expect.stringContaining(text)])
  })

  test('retries that only the distributor makes say nothing about tasks', () => {
    expect(warningsOf({ EBS_RETRY_DISTRIBUTOR_CONSUME_RETRIES: '-1' })).toEqual([])
  })
})
