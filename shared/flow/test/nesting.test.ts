import { expect, test } from 'vitest'
import { checkNesting } from '../nesting.ts'

const call = { timeoutMs: 2_000, retries: 2, backoffMs: 200 }
const fine = { call, hubDeadlineMs: 15_000, waitMsMax: 60_000 }

test('H10: times that lie within one another are fine', () => {
  expect(checkNesting(fine)).toEqual([])
})

test.each([
  ['one ms below the deadline', 6_601, []],
  [
    'as long as the deadline',
    6_600,
    ['3 attempts x (2000 ms + 200 ms) = 6600 ms must be below the hub deadline, EBS_FLOW_DEADLINE_MS = 6600 ms'],
  ],
  [
    'longer than the deadline',
    5_000,
    ['3 attempts x (2000 ms + 200 ms) = 6600 ms must be below the hub deadline, EBS_FLOW_DEADLINE_MS = 5000 ms'],
  ],
])('H10: calls %s', (_, hubDeadlineMs, problems) => {
  expect(checkNesting({ ...fine, hubDeadlineMs })).toEqual(problems)
})

test.each([
  ['one ms below what a client may wait', 15_001, []],
  [
    'as long as a client may wait',
    15_000,
    ['the hub deadline, EBS_FLOW_DEADLINE_MS = 15000 ms, must be below EBS_WAIT_MS_MAX = 15000 ms'],
  ],
])('H10: a deadline %s', (_, waitMsMax, problems) => {
  expect(checkNesting({ ...fine, waitMsMax })).toEqual(problems)
})

test('H10: every problem is named, and a single attempt is one', () => {
  const problems = checkNesting({ call: { ...call, retries: 0 }, hubDeadlineMs: 2_000, waitMsMax: 1_000 })

  expect(problems).toEqual([
    '1 attempt x (2000 ms + 200 ms) = 2200 ms must be below the hub deadline, EBS_FLOW_DEADLINE_MS = 2000 ms',
    'the hub deadline, EBS_FLOW_DEADLINE_MS = 2000 ms, must be below EBS_WAIT_MS_MAX = 1000 ms',
  ])
})

test.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 1e308])('H10: %s is no number of retries or ms', (value) => {
  const problem = (name: string) => [`${name} = ${value} must be a whole number, zero or more`]

  expect(checkNesting({ ...fine, call: { ...call, retries: value } })).toEqual(problem('retries'))
  expect(checkNesting({ ...fine, hubDeadlineMs: value })).toEqual(problem('hubDeadlineMs'))
})
