import { expect, test } from 'vitest'
import { VALUE_BYTES_MAX } from '../hub-state.ts'
import { type AnswerFields, answered, nested, POLICY, requested, Talk } from './hub-fixture.ts'

type Step = (talk: Talk) => unknown

const answer =
  (n: number, fields: AnswerFields = {}, callAttempt?: number): Step =>
  (talk) =>
    talk.take(answered(n, fields, { callAttempt }))
const timeOut: Step = (talk) => talk.fire('call 1')
const timeOutForGood = Array.from({ length: 5 }, () => timeOut)
const nextAttempt: Step = (talk) => talk.fire('call 1')

test.each<[what: string, before: Step[], last: ReturnType<typeof answered>, why: string]>([
  ['a number never given', [], answered(3), 'unknown'],
  ['number 0', [], answered(0), 'unknown'],
  ['a number written otherwise', [], answered(1, { callId: 'f.01' }), 'unknown'],
  ['an id without a number', [], answered(1, { callId: 'f' }), 'unknown'],
  ['a number that is none', [], answered(1, { callId: 'f.1e0' }), 'unknown'],
  ['an absurd number', [], answered(1, { callId: `f.${'9'.repeat(200)}` }), 'unknown'],
  ['a call of another flow by its text', [], answered(1, { flowId: 'g' }), 'unknown'],
  ['a call of another conversation', [], answered(1, { callId: 'g.1' }), 'unknown'],
  ['a call answered before', [answer(1)], answered(1), 'duplicate'],
  ['a call answered before, by its attempt', [answer(1, { attempt: 1 })], answered(1, { attempt: 1 }), 'duplicate'],
  ['an attempt before the one that answered', [timeOut, nextAttempt, answer(1)], answered(1, { attempt: 1 }), 'late'],
  ['a call that timed out for good', timeOutForGood, answered(1), 'late'],
  ['the last attempt of a call that timed out for good', timeOutForGood, answered(1, { attempt: 3 }), 'late'],
  ['an attempt that is not there yet', [], answered(1, { attempt: 2 }), 'stale'],
  ['an attempt that timed out, in the backoff', [timeOut], answered(1, { attempt: 1 }), 'stale'],
  ['no attempt, in the backoff', [timeOut], answered(1), 'stale'],
  ['an attempt that has failed, in the backoff', [answer(1, { status: 500 })], answered(1), 'duplicate'],
  ['an earlier attempt', [timeOut, nextAttempt], answered(1, { attempt: 1 }), 'stale'],
  ['an earlier attempt by its envelope', [timeOut, nextAttempt], answered(1, {}, { callAttempt: 1 }), 'stale'],
  ['progress of an earlier attempt', [timeOut, nextAttempt], answered(1, { attempt: 1, complete: false }), 'stale'],
])('H4: an answer for %s changes nothing', (_, before, last, why) => {
  const talk = new Talk()
  talk.take(requested({ requestKey: 'tolerant' }))
  for (const step of before) step(talk)
  const state = talk.state

  const decision = talk.take(last)

  expect(decision).toEqual({ kind: 'ignore', why, sent: [] })
  expect(talk.state).toEqual(state)
})

test('H4: an answer for a conversation that there is not is unknown', () => {
  expect(new Talk().take(answered(1))).toEqual({ kind: 'ignore', why: 'unknown', sent: [] })
})

test('H4: after the end everything is late', () => {
  const talk = new Talk()
  talk.take(requested())
  talk.take(answered(1, { status: 400, error: 'no' }))
  expect(talk.status).toBe('error')

  for (const one of [answered(1), answered(2), answered(2, { complete: false }), answered(9)])
    expect(talk.take(one)).toMatchObject({ kind: 'ignore', why: 'late' })
  expect(talk.take({ timer: 'call 2', dueMs: 0 })).toMatchObject({ kind: 'ignore', why: 'late' })
  expect(talk.take({ timer: 'deadline', dueMs: 0 })).toMatchObject({ kind: 'ignore', why: 'late' })
  expect(talk.take({ act: 'cancel', actor: 'ann', reason: 'r' })).toMatchObject({ kind: 'ignore', why: 'late' })
})

test('H3: an answer counts for the attempt that its body names, else its envelope, else the current one', () => {
  for (const [fields, callAttempt] of [
    [{ attempt: 2 }, 1],
    [{}, 2],
    [{}, undefined],
  ] as const) {
    const talk = new Talk()
    talk.take(requested({ length: 1 }))
    talk.wait(POLICY.timeoutMs + POLICY.backoffMs)

    expect(talk.take(answered(1, fields, { callAttempt })).kind).toBe('change')
    expect(talk.state.calls[0]).toMatchObject({ state: 'done', attempt: 2 })
  }
})

test('keys may have dots: the conversation is what stands before the last one', () => {
  const talk = new Talk()
  talk.take(requested({ flowId: 'a.b.1', length: 1 }))

  const answer = answered(1, { callId: 'a.b.1.1' })
  expect(talk.kind.keyOf(answer)).toBe('a.b.1')
  expect(talk.take(answer).kind).toBe('change')
})

test.each([
  [requested(), 'f'],
  [answered(7), 'f'],
  [answered(7, { callId: 'nonsense' }), 'nonsense'],
  [answered(7, { callId: '.1' }), ''],
])('finds the conversation of an event: %#', (event, key) => {
  expect(new Talk().kind.keyOf(event)).toBe(key)
})

test('other events are none of its business', () => {
  const event = requested()
  expect(
    new Talk().kind.keyOf({ ...event, type: 'TIMERS_DUE', data: { type: 'TIMERS_DUE', slotMs: 0 } }),
  ).toBeUndefined()
})

test.each([true, false])(
  'an output above 64 KiB is refused with the limit, and the call goes on (complete: %s)',
  (complete) => {
    const talk = new Talk()
    talk.take(requested())
    const state = talk.state
    const of = (bytes: number) => answered(1, { complete, output: 'x'.repeat(bytes - 2) })

    expect(talk.take(of(VALUE_BYTES_MAX + 1))).toMatchObject({
      kind: 'refuse',
      reason: 'output: 65537 bytes as JSON, at most 65536 are kept; publish a reference instead',
    })
    expect(talk.state).toEqual(state)
    expect(talk.take(of(VALUE_BYTES_MAX)).kind).toBe('change')
  },
)

test.each([true, false])(
  'an output of more than 60 levels is refused with the limit, and the call goes on (complete: %s)',
  (complete) => {
    const talk = new Talk()
    talk.take(requested())
    const state = talk.state

    expect(talk.take(answered(1, { complete, output: nested(61) }))).toMatchObject({
      kind: 'refuse',
      reason: 'output: nested 61 levels deep, at most 60 are kept; publish a reference instead',
    })
    expect(talk.state).toEqual(state)
    expect(talk.take(answered(1, { complete, output: nested(60) })).kind).toBe('change')
  },
)

test('answers that together are too much are refused, and the deadline still ends the conversation', () => {
  const talk = new Talk()
  talk.take(requested({ length: 20 }))
  const kinds = Array.from({ length: 9 }, (_, i) => talk.take(answered(i + 1, { output: 'x'.repeat(60_000) })).kind)

  expect(kinds).toEqual([...Array.from({ length: 4 }, () => 'change'), ...Array.from({ length: 5 }, () => 'refuse')])
  talk.wait(20_000)
  expect(talk).toMatchObject({ ends: 1, status: 'error' })
})

test('of errors and attempts, no more is kept than a person needs', () => {
  const talk = new Talk({ call: { ...POLICY, retries: 9, backoffMs: 0 } })
  talk.take(requested({ length: 1, requestKey: 'tolerant' }))

  for (let attempt = 1; attempt <= 10; attempt++)
    talk.take(answered(1, { status: 500, attempt, error: 'e'.repeat(2_048) }))

  const [call] = talk.state.calls
  expect(call?.error).toHaveLength(200)
  expect(call?.attempts.map(({ attempt }) => attempt)).toEqual([8, 9, 10])
})
