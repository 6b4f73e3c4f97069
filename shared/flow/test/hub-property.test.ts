import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Body } from '../../events.ts'
import type { Sent } from '../decision.ts'
import { callIdOf, type HubCall } from '../hub-state.ts'
import { answered, DEADLINE_MS, failureIn, flow, POLICY, requested, START_MS, Talk } from './hub-fixture.ts'

/** What may happen to a conversation, in any order. A restart lies between any two: the state is read from its JSON each time. */
type Happening = (talk: Talk, again: ReturnType<typeof requested>) => unknown

const JUMP_MS = 60_000
const HAPPENINGS_MAX = 40
const hasty = { ...flow, call: { ...POLICY, backoffMs: 0 } }

const passing =
  (ms: number): Happening =>
  (talk) =>
    talk.wait(ms)
const jumping =
  (ms: number): Happening =>
  (talk) => {
    talk.nowMs += ms
    talk.wait(0)
  }
const askingAgain =
  (n: number): Happening =>
  (talk, again) =>
    talk.take({ ...again, meta: { ...again.meta, replyTo: `gateway_reply.${n}` } })
const conflict: Happening = (talk) => talk.take(requested({ length: 99, requestKey: 'another' }))
const cancel: Happening = (talk) => talk.take({ act: 'cancel', actor: 'a', reason: 'r' })

/** Mostly for a call that waits for one, so that stories get somewhere; otherwise for any, or none. */
const answer: fc.Arbitrary<Happening> = fc
  .record({
    n: fc.integer({ min: 0, max: 9 }),
    isApt: fc.constantFrom(true, true, false),
    attempt: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined, freq: 2 }),
    status: fc.constantFrom(...Array.from({ length: 15 }, () => 200), 302, 400, 400, 500, 503),
    complete: fc.constantFrom(true, true, true, false),
    times: fc.constantFrom(1, 1, 2),
  })
  .map(({ times, n, isApt, attempt, ...fields }) => (talk) => {
    const waiting = talk.state.calls.filter(({ state }) => state === 'waiting')
    const call = isApt ? waiting[n % waiting.length] : undefined
    for (let i = 0; i < times; i++) talk.take(answered(call?.n ?? n, { ...fields, attempt: call?.attempt ?? attempt }))
  })

const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 30, arbitrary: answer },
  { weight: 5, arbitrary: fc.constantFrom(0, 1, 199, 200, 1_000, 2_000, 4_000).map(passing) },
  { weight: 1, arbitrary: fc.constantFrom(-JUMP_MS, JUMP_MS).map(jumping) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 12 }).map(askingAgain) },
  { weight: 1, arbitrary: fc.constantFrom(conflict, conflict, cancel) },
)

const story = fc.record({
  length: fc.integer({ min: 1, max: 5 }),
  isTolerant: fc.boolean(),
  isPatient: fc.boolean(),
  happenings: fc.array(happening, { maxLength: HAPPENINGS_MAX, size: 'max' }),
})

test('H1, H3, H4, H5, H7, H9: whatever happens in whatever order, there is one reply, and everything adds up', () => {
  const ends = new Set<string>()

  fc.assert(
    fc.property(story, ({ length, isTolerant, isPatient, happenings }) => {
      const talk = new Talk(isPatient ? flow : hasty)
      const request = requested({ length, ...(isTolerant && { requestKey: 'tolerant' }) })
      talk.take(request)
      const deadlines = new Set<number | undefined>()
      for (const happen of happenings) {
        happen(talk, request)
        deadlines.add(talk.ends > 0 ? undefined : talk.timers.get('deadline'))
      }
      talk.wait(DEADLINE_MS + HAPPENINGS_MAX * JUMP_MS)

      deadlines.delete(undefined)
      expect([...deadlines].filter((dueMs) => dueMs !== START_MS + DEADLINE_MS)).toEqual([])
      expect(talk.ends).toBe(1)
      expect(talk.timers.size).toBe(0)
      const reply = theReply(talk.sent)
      checkCalls(talk)
      checkAttempts(bodiesOf(talk.sent))
      if (reply.type === 'FLOW_FAILED') checkUndone(talk)
      for (const one of nameEnd(reply)) ends.add(one)
    }),
    { numRuns: 300 },
  )

  // Otherwise the stories were not worth telling.
  expect([...ends].toSorted()).toEqual(['cancelled', 'hub-timeout', 'not undone', 'success', 'undone', 'worker-error'])
})

/** The one reply; what follows it are copies and refusals. */
function theReply(sent: readonly Sent[]): Body {
  const isReply = ({ type }: Body) => type === 'FLOW_SUCCEEDED' || type === 'FLOW_FAILED'
  const toAll = sent.flatMap((one) => ('body' in one && !('to' in one) ? [one.body] : []))
  const [reply, ...more] = toAll.filter(isReply)
  if (!reply) throw new Error('no reply was sent')
  expect(more).toEqual([])
  expect(toAll.slice(toAll.indexOf(reply) + 1).filter(({ type }) => type !== 'FLOW_REFUSED')).toEqual([])
  for (const one of sent) if ('to' in one && isReply(one.body)) expect(one.body).toEqual(reply)
  return reply
}

/** Every call ends in exactly one of answer, error and timeout, or is given up because the conversation ended before. */
function checkCalls({ own, state: { key, calls } }: Talk): void {
  const isContracts = ({ undoes }: HubCall) => undoes === undefined
  for (const { n, state } of calls.filter(isContracts)) {
    const end = own.ends[callIdOf(key, n)] ?? 'none'
    const expected = { done: ['answer'], failed: ['error', 'timeout'], abandoned: ['none'], waiting: [], backoff: [] }
    expect(expected[state]).toContain(end)
  }
  for (const { state } of calls) expect(['done', 'failed', 'abandoned']).toContain(state)
}

/** Attempts at a call are 1, 2, 3 in this order, and each times out at most once, after it was sent. */
function checkAttempts(bodies: readonly Body[]): void {
  const said = new Map<string, string>()
  for (const body of bodies)
    if (body.type === 'FLOW_CALLED' || body.type === 'FLOW_CALL_TIMED_OUT')
      said.set(
        body.callId,
        `${said.get(body.callId) ?? ''}${body.type === 'FLOW_CALLED' ? 'call' : 'timeout'} ${body.attempt};`,
      )
  for (const words of said.values())
    expect(words).toMatch(/^call 1;(?:timeout 1;)?(?:call 2;(?:timeout 2;)?(?:call 3;(?:timeout 3;)?)?)?$/)
}

/** Undone and not undone are together what has succeeded or may have, each once; the newest success came first. */
function checkUndone({ sent, own, state: { key, calls } }: Talk): void {
  const { undone, notUndone } = failureIn(sent)
  const idOf = ({ n }: HubCall) => callIdOf(key, n)
  const mayBeDone = ({ state, attempts }: HubCall) =>
    state === 'done' || state === 'abandoned' || attempts.some(({ answered }) => !answered)
  const undoable = calls.filter((call) => call.undo && mayBeDone(call)).map(idOf)
  expect([...undone, ...notUndone].toSorted()).toEqual(undoable.toSorted())
  const undos = calls.filter(({ undoes }) => undoes !== undefined)
  expect(undone).toEqual(undos.filter(({ state }) => state === 'done').map(({ undoes }) => callIdOf(key, undoes ?? 0)))
  const newestFirst = Object.entries(own.ends).flatMap(([id, end]) =>
    end === 'answer' && undoable.includes(id) ? [id] : [],
  )
  expect(undos.map(({ undoes }) => callIdOf(key, undoes ?? 0))).toEqual(newestFirst.toReversed().slice(0, undos.length))
}

const bodiesOf = (sent: readonly Sent[]) => sent.flatMap((one) => ('body' in one ? [one.body] : []))

const nameEnd = (reply: Body): string[] =>
  reply.type === 'FLOW_FAILED'
    ? [
        reply.kind,
        ...(reply.undone.length > 0 ? ['undone'] : []),
        ...(reply.notUndone.length > 0 ? ['not undone'] : []),
      ]
    : ['success']
