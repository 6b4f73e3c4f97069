import { expect, test } from 'vitest'
import { callTimesOf, stepsOf } from '../call-trace.ts'

const event = (type: string, atMs: number) => ({ type, atMs })
const aCall = (fromMs: number) => [
  event('FLOW_CALLED', fromMs),
  event('FLOW_BACKEND_REQUESTED', fromMs + 3),
  event('FLOW_BACKEND_ANSWERED', fromMs + 7),
  event('FLOW_CALL_ANSWERED', fromMs + 9),
]

test.each([
  { what: 'nothing for a flow without a call', trace: [event('published', 0), event('FLOW_FAILED', 5)], callMs: [] },
  { what: 'nothing for a call whose answer the hub has not handled', trace: aCall(1), callMs: [] },
  {
    what: 'each call until the hub says what comes next',
    trace: [event('published', 0), ...aCall(1), ...aCall(16), event('FLOW_SUCCEEDED', 36)],
    callMs: [15, 20],
  },
])('times $what', ({ trace, callMs }) => {
  expect(callTimesOf(trace)).toEqual({ callMs, withoutBackendMs: callMs.map((ms) => ms - 4) })
})

test('takes the backend off the call that asked it only', () => {
  const direct = [event('FLOW_CALLED', 20), event('FLOW_CALL_ANSWERED', 22)]

  const times = callTimesOf([...aCall(0), ...direct, event('FLOW_SUCCEEDED', 30)])

  expect(times).toEqual({ callMs: [20, 10], withoutBackendMs: [16, 10] })
})

test('names the steps between events', () => {
  expect(stepsOf([])).toEqual([])
  expect(stepsOf([event('a', 1), event('b', 3), event('c', 10)])).toEqual([
    ['a > b', 2],
    ['b > c', 7],
  ])
})
