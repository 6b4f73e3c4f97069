import { describe, expect, test } from 'vitest'
import { groupKind } from '../group.ts'
import {
  CANCEL,
  createOf,
  DEADLINE,
  doneOf,
  failedOf,
  failure,
  finishedOf,
  GroupRun,
  groupOf,
  inputOf,
  OPENED_MS,
  success,
} from './group-run.ts'

describe('which group an event is for', () => {
  test.each([
    { event: createOf(), key: 'g' },
    { event: doneOf('a'), key: 'g' },
    { event: finishedOf('t'), key: 'g' },
    { event: failedOf('t'), key: 'g' },
    { event: failedOf('t', { final: false }), key: undefined },
    { event: success({ results: {} }), key: undefined },
    { event: failure({ results: {}, entity: 'a', error: 'no' }), key: undefined },
    { event: { type: 'TIMERS_DUE', slotMs: 1 }, key: undefined },
  ])('G12: $event.type (final: $event.final) -> $key', ({ event, key }) => {
    const input = inputOf(event)

    expect('event' in input && groupKind.keyOf(input.event)).toBe(key)
  })
})

describe('G1: all expected done', () => {
  const results = { a: 1, b: { deep: [true] }, c: null }
  const dones = [doneOf('a', { result: 1 }), doneOf('b', { result: results.b }), doneOf('c')]
  const orders = [
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
  ]
  test.each(orders)('in the order %d %d %d: one Success, results by id, payload verbatim', (...order) => {
    const payload = JSON.parse('{"any":["thing",null,{"__proto__":1}]}')
    const run = groupOf(createOf({ payload }))

    const answers = order.map((at) => run.take(dones[at] ?? {}))

    expect(answers).toEqual(['open', 'open', 'success'])
    expect(run.bodies).toEqual([success({ results, payload })])
    expect(JSON.stringify(run.bodies)).toContain('"payload":{"any":["thing",null,{"__proto__":1}]}')
  })

  test.each([
    { payload: null, sent: { payload: null } },
    { payload: '', sent: { payload: '' } },
    { payload: false, sent: { payload: false } },
    { payload: undefined, sent: {} },
  ])('a payload of $payload is told from one that is missing', ({ payload, sent }) => {
    const run = groupOf(createOf({ expected: ['a'], payload }), doneOf('a'))

    expect(run.bodies).toEqual([success({ results: { a: null }, ...sent })])
  })

  test('repeated ids in `expected` count once', () => {
    const run = groupOf(createOf({ expected: ['a', 'b', 'a', 'a'] }), doneOf('b'))

    expect(run.take(doneOf('a'))).toBe('success')
  })

  test('ids such as __proto__ are ids like any others', () => {
    const expected = ['__proto__', 'constructor', 'toString', 'hasOwnProperty']
    const run = groupOf(createOf({ expected }), ...expected.map((id) => doneOf(id, { result: `of ${id}` })))

    const [end] = run.sent
    const { results } = JSON.parse(JSON.stringify(end && 'body' in end && end.body))
    expect(Object.entries(results)).toEqual(expected.map((id) => [id, `of ${id}`]))
  })
})

describe('G2: an error', () => {
  test.each([
    { name: 'text', error: 'disk full, 100% "sure"' },
    { name: 'an object', error: { code: 7, at: ['x'] } },
    { name: 'false', error: false },
    { name: 'zero', error: 0 },
    { name: 'blanks', error: ' ' },
  ])(
    '$name: one Failure at once, naming the member, verbatim; the unfinished absent, the failing one null',
    ({ error }) => {
      const run = groupOf(createOf({ payload: 'p' }), doneOf('a', { result: 1 }))

      expect(run.take(doneOf('b', { error, result: 'ignored' }))).toBe('failure')
      expect(run.bodies).toEqual([failure({ results: { a: 1, b: null }, payload: 'p', entity: 'b', error })])
    },
  )

  test.each([{ error: null }, { error: '' }, {}])('none is %o: the result counts', (none) => {
    const run = groupOf(createOf({ expected: ['a'] }))

    expect(run.take(doneOf('a', { result: 5, ...none }))).toBe('success')
    expect(run.bodies).toEqual([success({ results: { a: 5 } })])
  })
})

describe('G3: after the end', () => {
  const ends = [
    { end: 'all', inputs: [doneOf('a'), doneOf('b'), doneOf('c')] },
    { end: 'error', inputs: [doneOf('a', { error: 'no' })] },
    { end: 'timeout', inputs: [DEADLINE] },
    { end: 'cancel', inputs: [CANCEL] },
  ]
  const afterwards = [doneOf('a'), doneOf('b', { error: 'no' }), doneOf('stranger'), finishedOf('a'), DEADLINE, CANCEL]
  test.each(ends)('by $end: nothing more, whatever comes', ({ end, inputs }) => {
    const run = groupOf(createOf(), ...inputs)
    expect(run.opened.end?.by).toBe(end)

    const answers = afterwards.map((input) => run.take(input))

    expect(answers).toEqual(afterwards.map(() => 'late'))
    expect(run.sent).toHaveLength(1)
  })
})

describe('G4: ttl', () => {
  test.each([
    { ttl: undefined, seconds: 30 },
    { ttl: 0, seconds: 30 },
    { ttl: -0, seconds: 30 },
    { ttl: -5, seconds: 30 },
    { ttl: -1e308, seconds: 30 },
    { ttl: 1, seconds: 1 },
    { ttl: 0.5, seconds: 0.5 },
    { ttl: 1.1, seconds: 1.1 },
    { ttl: 2_592_000, seconds: 2_592_000 },
  ])('$ttl: the deadline is armed in $seconds s, and its error says so', ({ ttl, seconds }) => {
    const run = groupOf(createOf({ ttl }))
    expect(run.last).toMatchObject({ timers: [{ arm: 'deadline', dueMs: OPENED_MS + seconds * 1_000 }] })

    run.take(doneOf('b', { result: 2 }))
    const answer = run.take(DEADLINE, OPENED_MS + seconds * 1_000)

    expect(answer).toBe('failure')
    const error = `Operation timed out after ${seconds} seconds`
    const resolved = new Date(OPENED_MS + seconds * 1_000).toISOString()
    expect(run.bodies).toEqual([failure({ resolved, results: { b: 2 }, entity: 'g', error, endedBy: 'timeout' })])
  })

  test('the shortest ttl is a millisecond: it is never armed in the past', () => {
    expect(groupOf(createOf({ ttl: 1e-9 })).opened.dueMs).toBe(OPENED_MS + 1)
  })

  test.each([
    { inputs: [], results: {} },
    { inputs: [doneOf('a', { result: 1 })], results: { a: 1 } },
  ])('onTimeout partial: a Success with $results', ({ inputs, results }) => {
    const run = groupOf(createOf({ onTimeout: 'partial' }), ...inputs, DEADLINE)

    expect(run.bodies).toEqual([success({ results, endedBy: 'timeout' })])
  })

  test('a timer of another name changes nothing', () => {
    expect(groupOf(createOf()).take({ timer: 'other', dueMs: 0 })).toBe('unknown')
  })
})

describe('G5: before the Create', () => {
  test.each([doneOf('a'), doneOf('a', { error: 'no' }), finishedOf('a'), failedOf('a')])('$type is early', (event) => {
    expect(new GroupRun().take(event)).toBe('early')
  })
  test.each([
    { name: 'a timer', input: DEADLINE },
    { name: 'an act', input: CANCEL },
    { name: 'an attempt that is not the last', input: failedOf('a', { final: false }) },
    { name: 'an event of others', input: { type: 'TIMERS_DUE', slotMs: 1 } },
  ])('$name is unknown', ({ input }) => {
    expect(new GroupRun().take(input)).toBe('unknown')
  })
})

describe('what changes nothing', () => {
  test.each([
    { rule: 'G6: not expected', input: doneOf('z', { result: 1 }), answer: 'unknown' },
    { rule: 'G6: not expected, with an error', input: doneOf('z', { error: 'no' }), answer: 'unknown' },
    { rule: 'G6: a task, where Dones complete', input: finishedOf('b'), answer: 'unknown' },
    { rule: 'G6: a failed task, where Dones complete', input: failedOf('b'), answer: 'unknown' },
    { rule: 'G7: a repeated result', input: doneOf('a', { result: 2 }), answer: 'duplicate' },
    { rule: 'G7: an error of one that has its result', input: doneOf('a', { error: 'no' }), answer: 'duplicate' },
    { rule: 'G8: the Create again', input: createOf({ expected: ['c', 'b', 'a', 'a'] }), answer: 'duplicate' },
  ])('$rule: $answer', ({ input, answer }) => {
    const run = groupOf(createOf(), doneOf('a', { result: 1 }))
    const before = structuredClone(run.opened)

    expect(run.take(input)).toBe(answer)

    expect(run.opened).toEqual(before)
    run.play(doneOf('b'), doneOf('c'))
    expect(run.bodies).toEqual([success({ results: { a: 1, b: null, c: null } })])
  })
})
