import { describe, expect, test } from 'vitest'
import {
  CANCEL,
  CREATED,
  createOf,
  DEADLINE,
  doneOf,
  failure,
  GroupRun,
  groupOf,
  OPENED_MS,
  success,
} from './group-run.ts'

describe('G10: handlers', () => {
  const onsuccess = { topic: 'done.with', payload: { any: ['json', null] } }
  const onfailure = { topic: 'sorry', payload: null }
  test.each([
    { end: 'success', input: doneOf('a'), verbatim: onsuccess },
    { end: 'failure', input: doneOf('a', { error: 'no' }), verbatim: onfailure },
    { end: 'failure', input: DEADLINE, verbatim: onfailure },
    { end: 'failure', input: CANCEL, verbatim: onfailure },
  ])('$end publishes its payload verbatim besides the standard event', ({ end, input, verbatim }) => {
    const run = groupOf(createOf({ expected: ['a'], handler: { onsuccess, onfailure } }))

    expect(run.take(input)).toBe(end)

    expect(run.sent).toHaveLength(2)
    expect(run.sent[1]).toEqual({ verbatim: verbatim.payload, topic: verbatim.topic })
  })

  test('one for the other end says nothing', () => {
    expect(groupOf(createOf({ handler: { onsuccess } }), DEADLINE).sent).toHaveLength(1)
  })
})

describe('quorum', () => {
  test('so many results are enough', () => {
    const run = groupOf(createOf({ quorum: 2 }))

    expect([run.take(doneOf('c', { result: 3 })), run.take(doneOf('a', { result: 1 }))]).toEqual(['open', 'success'])
    expect(run.bodies).toEqual([success({ results: { a: 1, c: 3 }, endedBy: 'quorum' })])
  })

  test('an error that it can do without does not fail it, and is told in the Success', () => {
    const run = groupOf(createOf({ quorum: 2 }), doneOf('a', { error: { code: 1 } }), doneOf('b', { result: 2 }))

    expect(run.take(doneOf('c', { result: 3 }))).toBe('success')
    const results = { a: null, b: 2, c: 3 }
    expect(run.bodies).toEqual([success({ results, errors: { a: { code: 1 } }, endedBy: 'quorum' })])
  })

  test('the error with which it cannot be reached any more fails it', () => {
    const run = groupOf(createOf({ quorum: 2 }), doneOf('a', { error: 'first' }), doneOf('b', { result: 2 }))

    expect(run.take(doneOf('c', { error: 'second' }))).toBe('failure')
    expect(run.bodies).toEqual([failure({ results: { a: null, b: 2, c: null }, entity: 'c', error: 'second' })])
  })

  test('a failed member stays failed: its result comes too late', () => {
    const run = groupOf(createOf({ quorum: 1 }), doneOf('a', { error: 'no' }))

    expect(run.take(doneOf('a', { result: 1 }))).toBe('duplicate')
  })

  test('partial at the deadline tells results and errors', () => {
    const run = groupOf(createOf({ quorum: 2, onTimeout: 'partial' }), doneOf('a', { error: 'no' }), DEADLINE)

    expect(run.bodies).toEqual([success({ results: { a: null }, errors: { a: 'no' }, endedBy: 'timeout' })])
  })

  test('of all members: ended by all', () => {
    const run = groupOf(createOf({ quorum: 3 }), doneOf('a'), doneOf('b'), doneOf('c'))

    expect(run.opened.end?.by).toBe('all')
  })
})

describe('cancelling', () => {
  test('ends an open group as a Failure that says who and why', () => {
    const run = groupOf(createOf(), doneOf('a', { result: 1 }), CANCEL)

    const error = 'Cancelled by ada: no longer wanted'
    expect(run.bodies).toEqual([failure({ results: { a: 1 }, entity: 'g', error, endedBy: 'cancel' })])
  })
})

describe('history', () => {
  test('says in a line each what happened', () => {
    const run = new GroupRun()
    const inputs = [createOf({ quorum: 1 }), doneOf('a', { error: { code: 1 } }), doneOf('b')]

    const lines = inputs.flatMap((input) => {
      run.take(input)
      return run.last?.kind === 'change' ? run.last.history.map(({ what, detail }) => `${what} ${detail}`) : []
    })

    expect(lines).toEqual(['opened 3 members, 30 s', 'failed a: {"code":1}', 'done b', 'success quorum'])
  })
})

describe('a clock that jumps by a minute', () => {
  test.each([-60_000, 60_000])(
    '%d ms between inputs: the end is the same, and no time lies before the creation',
    (jumpMs) => {
      const run = new GroupRun()
      run.take(createOf({ ttl: 30 }), OPENED_MS)
      run.take(doneOf('a', { result: 1 }), OPENED_MS + jumpMs)
      run.take(doneOf('b', { result: 2 }), OPENED_MS)
      run.take(doneOf('c', { result: 3 }), OPENED_MS + jumpMs)

      const resolved = new Date(OPENED_MS + Math.max(0, jumpMs)).toISOString()
      expect(run.bodies).toEqual([success({ resolved, results: { a: 1, b: 2, c: 3 } })])
      expect(run.opened.heard.every(({ atMs }) => atMs >= OPENED_MS)).toBe(true)
    },
  )

  test('back, before the deadline fires: it still ends the group', () => {
    const run = groupOf(createOf())

    expect(run.take(DEADLINE, OPENED_MS - 60_000)).toBe('failure')
    expect(run.bodies).toMatchObject([{ created: CREATED, resolved: CREATED }])
  })
})
