import { expect, test } from 'vitest'
import { ASKERS_MAX } from '../hub-state.ts'
import { answered, DEADLINE_MS, nested, requested, START_MS, Talk } from './hub-fixture.ts'

const asker = (n: number) => ({ replyTo: `gateway_reply.${n}`, correlationId: `c${n}` })
const askers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => asker(from + i))

const begun = () => {
  const talk = new Talk()
  talk.take(requested({ length: 1 }, asker(1)))
  talk.takeSent()
  return talk
}

const finish = (talk: Talk) => {
  talk.take(answered(1))
  talk.take(answered(2))
  return talk.takeSent().filter(([type]) => type !== 'FLOW_CALLED')
}

test('the reply goes to everyone, and once more to who asked for it', () => {
  expect(finish(begun())).toEqual([
    ['FLOW_SUCCEEDED', ''],
    ['FLOW_SUCCEEDED', 'to gateway_reply.1'],
  ])
})

test('H5: the same request again starts nothing and does not move the deadline', () => {
  const talk = begun()
  const state = talk.state
  talk.nowMs += 1_000

  expect(talk.take(requested({ length: 1 }, asker(1)))).toEqual({ kind: 'ignore', why: 'duplicate', sent: [] })
  expect(talk.take(requested({ length: 1 }))).toEqual({ kind: 'ignore', why: 'duplicate', sent: [] })
  expect(talk.state).toEqual(state)
})

test('H5: the same request from another asker adds the asker and nothing else', () => {
  const talk = begun()
  const { state, timers } = { state: talk.state, timers: new Map(talk.timers) }
  talk.nowMs += 1_000

  const decision = talk.take(requested({ length: 1 }, asker(2)))

  expect(decision).toEqual({
    kind: 'change',
    state: { ...state, askers: askers(1, 2) },
    status: 'running',
    ended: false,
    sent: [],
    timers: [],
    history: [{ what: 'asked again', detail: 'gateway_reply.2' }],
  })
  expect(talk.timers).toEqual(timers)
  expect(talk.timers.get('deadline')).toBe(START_MS + DEADLINE_MS)
  expect(finish(talk).map(([, to]) => to)).toEqual(['', 'to gateway_reply.1', 'to gateway_reply.2'])
})

test('H5: one asker with two questions gets two answers', () => {
  const talk = begun()

  talk.take(requested({ length: 1 }, { ...asker(1), correlationId: 'another' }))

  expect(finish(talk)).toHaveLength(3)
})

test(`H5: the first ${ASKERS_MAX} askers get the reply`, () => {
  const talk = begun()
  for (const one of askers(2, ASKERS_MAX)) expect(talk.take(requested({ length: 1 }, one)).kind).toBe('change')

  expect(talk.take(requested({ length: 1 }, asker(ASKERS_MAX + 1)))).toMatchObject({ kind: 'ignore', why: 'duplicate' })
  expect(finish(talk)).toHaveLength(1 + ASKERS_MAX)
})

test('H5: the same request after the end gets the same reply, alone', () => {
  const talk = begun()
  finish(talk)

  expect(talk.take(requested({ length: 1 }))).toEqual({ kind: 'ignore', why: 'duplicate', sent: [] })
  expect(talk.takeSent()).toEqual([])
  expect(talk.take(requested({ length: 1 }, asker(7)))).toMatchObject({ kind: 'ignore', why: 'duplicate' })
  expect(talk.takeSent()).toEqual([['FLOW_SUCCEEDED', 'to gateway_reply.7']])
  expect(talk.ends).toBe(1)
})

test.each(['before', 'after'])('H5: another request with the same id is a conflict, %s the end', (when) => {
  const talk = begun()
  if (when === 'after') finish(talk)
  const state = talk.state

  const decision = talk.take(requested({ length: 2 }, asker(3)))

  const body = {
    type: 'FLOW_REFUSED',
    flowId: 'f',
    error: 'There is another flow with the id f: choose another id, or repeat its request as it was.',
  }
  expect(decision).toEqual({ kind: 'ignore', why: 'conflict', sent: [{ body }, { body, to: asker(3) }] })
  expect(talk.state).toEqual(state)
})

test('a conflict that nobody waits for is told once', () => {
  const talk = begun()

  expect(talk.take(requested({ length: 2 }))).toMatchObject({ why: 'conflict', sent: [{ body: { flowId: 'f' } }] })
  expect(talk.takeSent()).toEqual([['FLOW_REFUSED', '']])
})

test.each([
  ['above 64 KiB', 'x'.repeat(65_536), /^request: 65\d\d\d bytes as JSON, at most 65536 are kept/],
  ['of more than 60 levels', nested(60), /^request: nested 61 levels deep, at most 60 are kept/],
])('a request %s is refused, and whoever waits is told', (_, more, reason) => {
  const talk = new Talk()
  const request = requested({}, asker(1))
  const tooMuch = { ...request, data: { ...request.data, more } }

  const decision = talk.take(tooMuch as typeof request)

  expect(decision).toMatchObject({
    kind: 'refuse',
    reason: expect.stringMatching(reason),
    sent: [{ body: { type: 'FLOW_REFUSED' } }, { body: { type: 'FLOW_REFUSED' }, to: asker(1) }],
  })
})
