import { expect, test } from 'vitest'
import { checkNesting, checkWait } from '../nesting.ts'

const call = { timeoutMs: 2_000, retries: 2, backoffMs: 200 }
const fine = { call, hubDeadlineMs: 15_000, waitMsMax: 60_000 }

test('H10: times that lie within one another are fine', () => {
  expect(checkNesting(fine)).toEqual([])
})

const sum = 'more than all attempts at a call may take, 3 attempts x (2000 ms + 200 ms) = 6600 ms'
test.each([
  { what: 'one ms below the deadline', hubDeadlineMs: 6_601, isFine: true },
  { what: 'as long as the deadline', hubDeadlineMs: 6_600, isFine: false },
  { what: 'longer than the deadline', hubDeadlineMs: 5_000, isFine: false },
])('H10: calls $what', ({ hubDeadlineMs, isFine }) => {
  const mistake = { variable: 'EBS_FLOW_DEADLINE_MS', given: String(hubDeadlineMs), accepted: sum }

  expect(checkNesting({ ...fine, hubDeadlineMs })).toEqual(isFine ? [] : [mistake])
})

test.each([
  { what: 'one ms below what a client may wait', waitMsMax: 15_001, isFine: true },
  { what: 'as long as a client may wait', waitMsMax: 15_000, isFine: false },
  { what: 'longer than a client may wait', waitMsMax: 100, isFine: false },
])('H10: a deadline $what', ({ waitMsMax, isFine }) => {
  const accepted = 'more than the hub deadline, EBS_FLOW_DEADLINE_MS = 15000 ms'
  const mistakes = isFine ? [] : [{ variable: 'EBS_WAIT_MS_MAX', given: String(waitMsMax), accepted }]

  expect(checkNesting({ ...fine, waitMsMax })).toEqual(mistakes)
  expect(checkWait(15_000, waitMsMax)).toEqual(mistakes)
})

test('H10: every mistake is named, and a single attempt is one', () => {
  const mistakes = checkNesting({ call: { ...call, retries: 0 }, hubDeadlineMs: 2_000, waitMsMax: 1_000 })

  expect(mistakes).toMatchObject([
    { variable: 'EBS_FLOW_DEADLINE_MS', accepted: expect.stringContaining('1 attempt x (2000 ms + 200 ms) = 2200 ms') },
    { variable: 'EBS_WAIT_MS_MAX', given: '1000' },
  ])
})
