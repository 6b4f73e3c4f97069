import { expect, test } from 'vitest'
import { answered, CALL_MS, DEADLINE_MS, POLICY, requested, START_MS, Talk } from './hub-fixture.ts'

const begun = (fields = {}, contract = {}) => {
  const talk = new Talk(contract)
  talk.take(requested(fields))
  talk.takeSent()
  return talk
}

test('H1: the deadline is armed before the calls, and each call with its own', () => {
  const talk = new Talk()

  const decision = talk.take(requested())

  expect(decision).toMatchObject({
    status: 'running',
    ended: false,
    timers: [
      { arm: 'deadline', dueMs: START_MS + DEADLINE_MS },
      { arm: 'call 1', dueMs: START_MS + POLICY.timeoutMs },
      { arm: 'call 2', dueMs: START_MS + POLICY.timeoutMs },
    ],
    sent: [1, 2].map((n) => ({
      body: {
        type: 'FLOW_CALLED',
        flowId: 'f',
        callId: `f.${n}`,
        name: 'install',
        input: { i: n },
        attempt: 1,
        deadline: '2030-01-01T00:00:02.000Z',
      },
    })),
  })
})

test('H1: a conversation that calls nobody is accepted, and its deadline ends it with one reply', () => {
  const talk = begun({ error: 'hub' })
  expect(talk.status).toBe('accepted')

  talk.wait(DEADLINE_MS - 1)
  expect(talk.takeSent()).toEqual([])
  talk.wait(1)

  expect(talk.takeSent()).toEqual([
    ['FLOW_FAILED', 'hub-timeout: The flow did not end within its deadline of 15000 ms'],
  ])
  expect(talk).toMatchObject({ status: 'error', ends: 1 })
})

test('H1: every answer in, one reply goes out and no timer is left', () => {
  const talk = begun()

  talk.take(answered(2))
  expect([...talk.timers.keys()]).toEqual(['deadline', 'call 1'])
  talk.take(answered(1))
  expect(talk.takeSent()).toEqual([['FLOW_CALLED', 'check f.3 #1']])
  talk.nowMs += 500
  talk.take(answered(3))

  expect(talk.sent).toEqual([
    {
      body: {
        type: 'FLOW_SUCCEEDED',
        flowId: 'f',
        length: 2,
        mode: 'parallel',
        durationMs: 500,
        output: ['answer', 'answer', 'answer'],
      },
    },
  ])
  expect(talk).toMatchObject({ status: 'success', ends: 1, timers: new Map() })
})

test('H2: a call that times out reaches the hub as an ordinary error answer that names it', () => {
  const answers: unknown[] = []
  const talk = begun(
    { length: 1 },
    {
      onAnswer: (state: never, answer: unknown) => {
        answers.push(answer)
        return state
      },
    },
  )

  talk.wait(CALL_MS)

  expect(answers).toEqual([
    {
      callId: 'f.1',
      name: 'install',
      input: { i: 1 },
      attempt: 3,
      status: 504,
      output: undefined,
      error: 'OPERATION_TIMED_OUT',
      complete: true,
    },
  ])
})

test('H2: only the deadline of the hub itself ends as hub-timeout', () => {
  const talk = begun({ length: 1 })

  talk.wait(CALL_MS)

  expect(talk.takeSent().at(-1)).toEqual(['FLOW_FAILED', 'worker-error: f.1: OPERATION_TIMED_OUT'])
})

test('H3: r retries are r + 1 attempts under one call id; the worker is told of each that timed out', () => {
  const talk = begun({ length: 1 })

  talk.wait(POLICY.timeoutMs - 1)
  expect(talk.takeSent()).toEqual([])
  talk.wait(1)
  expect(talk.takeSent()).toEqual([['FLOW_CALL_TIMED_OUT', 'install f.1 #1']])
  talk.wait(POLICY.backoffMs - 1)
  expect(talk.takeSent()).toEqual([])
  talk.wait(1)
  expect(talk.takeSent()).toEqual([['FLOW_CALLED', 'install f.1 #2']])
  talk.wait(CALL_MS)

  expect(talk.takeSent()).toEqual([
    ['FLOW_CALL_TIMED_OUT', 'install f.1 #2'],
    ['FLOW_CALLED', 'install f.1 #3'],
    ['FLOW_CALL_TIMED_OUT', 'install f.1 #3'],
    ['FLOW_FAILED', 'worker-error: f.1: OPERATION_TIMED_OUT'],
  ])
})

test.each([0, 1, 5])('H3: %i retries, without backoff, are at once', (retries) => {
  const talk = new Talk({ call: { timeoutMs: 1_000, retries, backoffMs: 0 } })
  talk.take(requested({ length: 1 }))

  talk.wait(1_000 * (retries + 1))

  const types = talk.takeSent().map(([type]) => type)
  expect(types.filter((type) => type === 'FLOW_CALLED')).toHaveLength(retries + 1)
  expect(types.filter((type) => type === 'FLOW_CALL_TIMED_OUT')).toHaveLength(retries + 1)
  expect(types.at(-1)).toBe('FLOW_FAILED')
})

test.each([500, 503, 599])('H3: status %i is tried again like a timeout, but the worker is not told', (status) => {
  const talk = begun({ length: 1 })

  talk.take(answered(1, { status, error: 'busy', attempt: 1 }))
  expect(talk.takeSent()).toEqual([])
  expect(talk.timers.get('call 1')).toBe(START_MS + POLICY.backoffMs)
  talk.wait(POLICY.backoffMs)
  talk.take(answered(1, { status, error: 'busy', attempt: 2 }))
  talk.wait(POLICY.backoffMs)
  talk.take(answered(1, { status, error: 'still busy', attempt: 3 }))

  expect(talk.takeSent()).toEqual([
    ['FLOW_CALLED', 'install f.1 #2'],
    ['FLOW_CALLED', 'install f.1 #3'],
    ['FLOW_FAILED', 'worker-error: f.1: still busy'],
  ])
})

test.each([400, 404, 499])('H3: status %i is permanent: no retry', (status) => {
  const talk = begun({ length: 1 })

  talk.take(answered(1, { status, error: 'no such thing' }))

  expect(talk.takeSent()).toEqual([['FLOW_FAILED', 'worker-error: f.1: no such thing']])
})

test.each([200, 204, 302, 399])('status %i is a success', (status) => {
  const talk = begun({ length: 1 })

  talk.take(answered(1, { status }))

  expect(talk.takeSent()).toEqual([['FLOW_CALLED', 'check f.2 #1']])
})

test('a backoff that ends behind the deadline is armed, and the deadline wins', () => {
  const talk = begun({ length: 1 }, { call: { ...POLICY, backoffMs: 60_000 } })

  talk.wait(POLICY.timeoutMs)
  expect(talk.timers.get('call 1')).toBe(START_MS + POLICY.timeoutMs + 60_000)
  talk.wait(70_000)

  expect(talk.takeSent().map(([, detail]) => detail)).toEqual([
    'install f.1 #1',
    'hub-timeout: The flow did not end within its deadline of 15000 ms',
  ])
})

test('H8: progress is told to the contract and kept; the deadline of the attempt stands until it is complete', () => {
  const talk = begun({ length: 1 })
  const timers = new Map(talk.timers)

  talk.nowMs += 1_500
  talk.take(answered(1, { complete: false, output: '50 %' }))
  talk.take(answered(1, { complete: false, status: 500, output: '60 %' }))

  expect(talk.own.progress).toEqual(['f.1 1', 'f.1 1'])
  expect(talk.state.calls[0]).toMatchObject({ state: 'waiting', attempt: 1, progress: '60 %' })
  expect(talk.timers).toEqual(timers)
  talk.wait(500)
  expect(talk.takeSent()).toEqual([['FLOW_CALL_TIMED_OUT', 'install f.1 #1']])
})

test('H8: after progress, anyone who knows the id completes the call', () => {
  const talk = begun({ length: 1 })
  talk.take(answered(1, { complete: false }))

  talk.take(answered(1, { output: 'done' }))

  expect(talk.state.calls[0]).toMatchObject({ state: 'done', output: 'done' })
})
