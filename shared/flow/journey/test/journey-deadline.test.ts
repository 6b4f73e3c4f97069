import { describe, expect, test } from 'vitest'
import { askedOf, begun, DEADLINE_MS, definitionOf, SAGA, stepOf, TIMEOUT_MS } from './journey-run.ts'

const { retry } = askedOf('any')
const steps = definitionOf([
  stepOf('a', '', { retry: { ...retry, retries: 0 } }),
  stepOf('b', 'a', { retry: { ...retry, retries: 0 } }),
])

describe('what the last request says of its deadline', () => {
  const cases = [
    { promise: 'its own, long before that of the journey', at: 0, inMs: TIMEOUT_MS },
    { promise: "the journey's, when that comes first", at: DEADLINE_MS - 10, inMs: 10 },
    {
      promise: 'its own, when the timer of the passed one stood still, or was moved',
      at: DEADLINE_MS,
      inMs: TIMEOUT_MS,
    },
    { promise: 'its own, long after', at: DEADLINE_MS + 600_000, inMs: TIMEOUT_MS },
  ]
  test.each(cases)('$promise', ({ at, inMs }) => {
    const run = begun(steps)
    run.nowMs += at

    run.succeed('a')

    const asked = run.bodies('ACTIVITY_REQUESTED').at(-1)
    expect(asked).toMatchObject({ callId: `${SAGA}:b` })
    expect(Date.parse(asked?.deadline ?? '') - run.nowMs).toBe(inMs)
  })
})

test('a deadline whose timer was fired or moved ahead of its time has passed: a retry has all of it anew, not what would have been left', () => {
  const run = begun(steps)
  const setMs = run.timers.get('deadline') ?? 0
  run.nowMs += 100

  run.take({ timer: 'deadline', dueMs: run.nowMs })
  expect(run.view()).toMatchObject({
    status: 'NEEDS_REMEDIATION',
    remediation: { cause: 'deadline', error: expect.stringContaining(new Date(run.nowMs).toISOString()) },
  })
  run.nowMs += 1_000
  run.act('retry')

  expect(setMs - run.nowMs).toBeGreaterThan(0)
  expect((run.timers.get('deadline') ?? 0) - run.nowMs).toBe(DEADLINE_MS)
})
