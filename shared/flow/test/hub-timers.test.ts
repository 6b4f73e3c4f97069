import { expect, test } from 'vitest'
import type { HubActions } from '../hub.ts'
import {
  answered,
  CALL_MS,
  DEADLINE_MS,
  type Flow,
  failureIn,
  POLICY,
  requested,
  START_MS,
  Talk,
} from './hub-fixture.ts'

const MINUTE_MS = 60_000

const begun = (fields = {}, contract: Partial<Flow> = {}) => {
  const talk = new Talk(contract)
  talk.take(requested(fields))
  talk.takeSent()
  return talk
}

test('H6: two calls due in the same millisecond both time out', () => {
  const talk = begun()

  talk.wait(POLICY.timeoutMs)

  expect(talk.takeSent()).toEqual([
    ['FLOW_CALL_TIMED_OUT', 'install f.1 #1'],
    ['FLOW_CALL_TIMED_OUT', 'install f.2 #1'],
  ])
})

test('H6: a timer that was taken together with the one that cancelled it does nothing', () => {
  const talk = begun()
  talk.wait(CALL_MS - 1)
  talk.takeSent()

  talk.wait(1)

  expect(talk.takeSent()).toEqual([
    ['FLOW_CALL_TIMED_OUT', 'install f.1 #3'],
    ['FLOW_FAILED', 'worker-error: f.1: OPERATION_TIMED_OUT'],
  ])
  expect(talk.take({ timer: 'call 2', dueMs: talk.nowMs })).toMatchObject({ kind: 'ignore', why: 'late' })
})

test('H6: the timer of an answered call is cancelled, and does nothing if it comes all the same', () => {
  const talk = begun()
  talk.take(answered(1))
  expect(talk.timers.has('call 1')).toBe(false)
  const state = talk.state

  expect(talk.take({ timer: 'call 1', dueMs: talk.nowMs })).toEqual({ kind: 'ignore', why: 'late', sent: [] })
  expect(talk.state).toEqual(state)
})

test.each(['call 3', 'call 0', 'call', 'nonsense', ''])('a timer called "%s" is unknown', (timer) => {
  expect(begun().take({ timer, dueMs: 0 })).toEqual({ kind: 'ignore', why: 'unknown', sent: [] })
})

test('timers and acts for a conversation that there is not are unknown', () => {
  expect(new Talk().take({ timer: 'deadline', dueMs: 0 })).toMatchObject({ kind: 'ignore', why: 'unknown' })
  expect(new Talk().take({ act: 'cancel', actor: 'a', reason: 'r' })).toMatchObject({ kind: 'ignore', why: 'unknown' })
})

test('H7: a hub that was away past the deadline ends the conversation as soon as it is back', () => {
  const talk = begun()
  talk.nowMs += MINUTE_MS

  talk.wait(0)

  expect(talk.ends).toBe(1)
  expect(talk.timers.size).toBe(0)
})

test.each([MINUTE_MS, -MINUTE_MS])(
  'a clock that jumps by %i ms ends nothing twice and makes no time negative',
  (jumpMs) => {
    const talk = begun({ length: 1 })

    talk.nowMs += jumpMs
    talk.take(answered(1))
    const dueMs = talk.timers.get('call 2')
    talk.take(answered(2))

    expect(dueMs).toBe(START_MS + jumpMs + POLICY.timeoutMs)
    expect(talk.sent.at(-1)).toMatchObject({ body: { type: 'FLOW_SUCCEEDED', durationMs: Math.max(0, jumpMs) } })
    expect(talk.view).toMatchObject({ durationMs: Math.max(0, jumpMs) })
  },
)

test('a timer that an operator fires ahead of its time is taken at its word', () => {
  const talk = begun({ length: 1 })

  talk.fire('call 1')
  talk.fire('call 1')
  expect(talk.takeSent()).toEqual([
    ['FLOW_CALL_TIMED_OUT', 'install f.1 #1'],
    ['FLOW_CALLED', 'install f.1 #2'],
  ])
  talk.fire('deadline')
  expect(talk.takeSent()[0]?.[1]).toMatch(/^hub-timeout: /)
})

const saying =
  (act: (hub: HubActions) => unknown): NonNullable<Flow['onTimeout']> =>
  (state, hub) => {
    act(hub)
    return state
  }

const none = { onRequest: flowOf(0), call: POLICY }
function flowOf(of: number): Flow['onRequest'] {
  return () => ({ of, ends: {}, progress: [], tolerant: false })
}

test('onTimeout may reply: then the conversation ends well', () => {
  const talk = begun({}, { ...none, onTimeout: saying((hub) => hub.reply('what there is')) })

  talk.wait(DEADLINE_MS)

  expect(talk).toMatchObject({ status: 'success', ends: 1 })
  expect(talk.sent.at(-1)).toMatchObject({ body: { output: 'what there is' } })
})

test('onTimeout may fail in words of its own; nothing is undone any more, and what should have been is named', () => {
  const talk = begun({ length: 2 }, { onTimeout: saying((hub) => hub.fail('too slow', { callId: 'f.2' })) })
  talk.take(answered(1))

  talk.fire('deadline')

  expect(failureIn(talk.sent)).toMatchObject({
    kind: 'hub-timeout',
    error: 'too slow',
    callId: 'f.2',
    undone: [],
    notUndone: ['f.1', 'f.2'],
  })
})

test.each<[string, NonNullable<Flow['onTimeout']>, string]>([
  ['does nothing', (state) => state, ''],
  [
    'throws',
    () => {
      throw new Error('oh')
    },
    ', and onTimeout failed: oh',
  ],
  [
    'calls',
    saying((hub) => hub.call('x', 1)),
    ", and onTimeout failed: hub.call('x') in onTimeout of f: no time is left for an answer; reply or fail.",
  ],
])('H1: the deadline ends the conversation although onTimeout %s', (_, onTimeout, text) => {
  const talk = begun({}, { ...none, onTimeout })

  talk.wait(DEADLINE_MS)

  expect(talk.takeSent()).toEqual([
    ['FLOW_FAILED', `hub-timeout: The flow did not end within its deadline of 15000 ms${text}`],
  ])
})

test('an operator cancels: the reply says who and why, and nothing is undone', () => {
  const talk = begun({ length: 3 })
  talk.take(answered(2))
  talk.takeSent()

  talk.take({ act: 'cancel', actor: 'ann', reason: 'wrong customer' })

  expect(failureIn(talk.sent)).toMatchObject({
    kind: 'cancelled',
    error: 'Cancelled by ann: wrong customer',
    undone: [],
    notUndone: ['f.2', 'f.1', 'f.3'],
  })
  expect(failureIn(talk.sent).callId).toBeUndefined()
  expect(talk).toMatchObject({ status: 'error', ends: 1, timers: new Map() })
})
