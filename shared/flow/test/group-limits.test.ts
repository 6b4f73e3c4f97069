import { describe, expect, test } from 'vitest'
import { BODY_BYTES_MAX, depthOf, JSON_DEPTH_MAX } from '../../bus/envelope.ts'
import { groupKind } from '../group.ts'
import { ERROR_BYTES_MAX, IDS_BYTES_MAX, PAYLOAD_BYTES_MAX, RESULTS_BYTES_MAX } from '../group-state.ts'
import { VALUE_DEPTH_MAX } from '../value-size.ts'
import {
  createOf,
  DEADLINE,
  doneOf,
  failedOf,
  finishedOf,
  GroupRun,
  groupOf,
  OPENED_MS,
  readEvent,
} from './group-run.ts'

/** JSON of exactly so many bytes, in letters of three bytes as far as they go. */
const textOf = (bytes: number) => {
  const wide = Math.floor((bytes - 2) / 3)
  return '語'.repeat(wide) + 'x'.repeat(bytes - 2 - 3 * wide)
}
const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)])
/** `count` ids that take `bytes` in all as keys. */
const idsOf = (count: number, bytes: number) =>
  Array.from({ length: count }, (_, n) => `${n}-`.padEnd(Math.floor(bytes / count) - 4, 'x'))
const bytesOf = (value: unknown) => Buffer.byteLength(JSON.stringify(value))
const wireOf = (value: unknown) => Buffer.from(JSON.stringify(value))

describe('limits: the largest is taken, the next refused with what to do', () => {
  test.each([
    { name: 'payload', bytes: PAYLOAD_BYTES_MAX, answer: 'open' },
    { name: 'payload', bytes: PAYLOAD_BYTES_MAX + 1, answer: 'publish a reference instead' },
  ])('$name of $bytes bytes: $answer', ({ bytes, answer }) => {
    expect(new GroupRun().take(createOf({ payload: textOf(bytes) }))).toContain(answer)
  })

  test.each([
    { of: 'result', field: 'result', bytes: RESULTS_BYTES_MAX, answer: 'open' },
    { of: 'result', field: 'result', bytes: RESULTS_BYTES_MAX + 1, answer: 'refuse: result: 393217 bytes' },
    { of: 'error', field: 'error', bytes: ERROR_BYTES_MAX, answer: 'failure' },
    { of: 'error', field: 'error', bytes: ERROR_BYTES_MAX + 1, answer: 'refuse: error: 65537 bytes' },
  ])('$of of $bytes bytes: $answer', ({ field, bytes, answer }) => {
    expect(groupOf(createOf()).take(doneOf('a', { [field]: textOf(bytes) }))).toContain(answer)
  })

  test.each([
    { of: 'a result', outcome: { result: textOf(RESULTS_BYTES_MAX) }, answer: 'early' },
    {
      of: 'a larger result',
      outcome: { result: textOf(RESULTS_BYTES_MAX + 1) },
      answer: 'refuse: result: 393217 bytes',
    },
    { of: 'an error', outcome: { error: textOf(ERROR_BYTES_MAX) }, answer: 'early' },
    { of: 'a larger error', outcome: { error: textOf(ERROR_BYTES_MAX + 1) }, answer: 'refuse: error: 65537 bytes' },
    { of: 'a deep result', outcome: { result: nested(VALUE_DEPTH_MAX) }, answer: 'early' },
    { of: 'a deeper result', outcome: { result: nested(VALUE_DEPTH_MAX + 1) }, answer: 'refuse: result: nested 61' },
    { of: 'a deeper error', outcome: { error: nested(VALUE_DEPTH_MAX + 1) }, answer: 'refuse: error: nested 61' },
  ])('G5: $of that overtakes its group: $answer, as if it were there', ({ outcome, answer }) => {
    expect(new GroupRun().take(doneOf('a', outcome))).toContain(answer)
  })

  test.each([
    { extra: 0, answer: 'success' },
    { extra: 1, answer: 'refuse: result: the results of the group would have 393217 bytes' },
  ])('results together ($extra more): $answer; what was refused leaves the group as it is', ({ extra, answer }) => {
    const run = groupOf(createOf({ expected: ['a', 'b'] }), doneOf('a', { result: textOf(300_000) }))

    expect(run.take(doneOf('b', { result: textOf(RESULTS_BYTES_MAX - 300_000 + extra) }))).toContain(answer)
    expect(run.take(doneOf('b', { result: 'a reference' }))).toBe(extra ? 'success' : 'late')
  })

  test('errors that a quorum does without count as results, with their id', () => {
    const run = groupOf(createOf({ quorum: 1 }), doneOf('a', { error: 'no' }))

    expect(run.opened.resultsBytes).toBe(Buffer.byteLength('null"a":"no",'))
  })

  test.each([
    { name: 'short', expected: idsOf(2_000, IDS_BYTES_MAX - 8_000), answer: 'open' },
    { name: 'long', expected: idsOf(2_100, IDS_BYTES_MAX + 8_000), answer: 'refuse: expected: ' },
    {
      name: 'escaped',
      expected: Array.from({ length: 400 }, (_, n) => `${n}`.padEnd(128, '\u0001')),
      answer: 'several groups',
    },
  ])('$name ids: $answer', ({ expected, answer }) => {
    expect(new GroupRun().take(createOf({ expected }))).toContain(answer)
  })

  test.each([
    { levels: VALUE_DEPTH_MAX, answer: 'open' },
    { levels: VALUE_DEPTH_MAX + 1, answer: 'refuse: ' },
  ])('$levels levels of nesting: $answer, in payload, result and error alike', ({ levels, answer }) => {
    const deep = nested(levels)

    expect(new GroupRun().take(createOf({ payload: deep }))).toContain(answer)
    expect(groupOf(createOf()).take(doneOf('a', { result: deep }))).toContain(answer)
    expect(groupOf(createOf({ quorum: 1 })).take(doneOf('a', { error: deep }))).toContain(answer)
  })

  test('tasks are not refused for what they say: it is left out when there is no room', () => {
    const expected = Array.from({ length: 400 }, (_, n) => `t${n}`)
    const payload = { tenant: 'acme', createdAt: new Date(OPENED_MS).toISOString() }
    const run = new GroupRun({ isStored: false })
    run.take(createOf({ expected, completedBy: 'tasks', payload, quorum: 200 }))
    const events = expected.map((id, n) =>
      n < 199 ? finishedOf(id, { result: textOf(3_000) }) : failedOf(id, { error: textOf(2_048) }),
    )

    expect(events.map((event) => run.take(event)).includes('failure')).toBe(true)
    expect(run.opened.resultsBytes).toBeLessThanOrEqual(RESULTS_BYTES_MAX)
    expect(bytesOf(run.opened.heard)).toBeLessThan(RESULTS_BYTES_MAX + 400 * 128)
    expect(run.opened.heard.at(-2)?.error).toBe('left out: the group has no room for it')
    expect(run.bodies).toMatchObject([{ type: 'OBJECT_FAILED', error: expect.stringContaining('task t399: 語') }])
  })
})

describe('the end of a group that is full to the brim is an event that is taken', () => {
  const expected = idsOf(2_000, IDS_BYTES_MAX - 8_000)
  const payload = textOf(PAYLOAD_BYTES_MAX)
  const id = '\u0001'.repeat(128)
  const full = { id, expected, payload, quorum: 1_999 }

  /** A group with results and one error that leave no byte. */
  const brimming = (change: object = {}) => {
    const run = new GroupRun({ isStored: false })
    run.play(createOf({ ...full, ...change }), doneOf(expected[0] ?? '', { error: textOf(ERROR_BYTES_MAX) }))
    for (const member of expected.slice(1, -1)) {
      const left = RESULTS_BYTES_MAX - run.opened.resultsBytes
      // The last but one takes what is left, but for the nulls of those that follow.
      run.take(doneOf(member, { result: member === expected[1] ? textOf(left - 4 * 1_998) : null }))
    }
    return run
  }
  const ends = [
    { name: 'Success', last: doneOf(expected.at(-1) ?? '', { result: null }), change: {} },
    { name: 'Failure', last: doneOf(expected.at(-1) ?? '', { error: textOf(ERROR_BYTES_MAX) }), change: {} },
    { name: 'timeout', last: DEADLINE, change: {} },
    { name: 'partial Success', last: DEADLINE, change: { onTimeout: 'partial' } },
  ]
  test.each(ends)('$name', ({ last, change }) => {
    const run = brimming(change)
    expect(run.opened.resultsBytes).toBeGreaterThan(RESULTS_BYTES_MAX - 16)

    expect(run.take(last)).not.toContain('refuse')

    const [end] = run.bodies
    expect(bytesOf(end)).toBeGreaterThan(0.8 * BODY_BYTES_MAX)
    expect(end).toSatisfy((body: object) => 'event' in readEvent(body))
  })

  test('the deepest values too, in the end and in the view', () => {
    const deep = nested(VALUE_DEPTH_MAX)
    const run = groupOf(
      createOf({ payload: deep, quorum: 1 }),
      doneOf('a', { error: deep }),
      doneOf('b', { result: deep }),
    )

    const [end] = run.bodies
    expect(end).toSatisfy((body: object) => 'event' in readEvent(body))
    const told = { type: 'CONVERSATION_TOLD', kind: 'group', id: 'g', view: groupKind.view(run.opened, OPENED_MS) }
    expect(depthOf(wireOf(told))).toBe(JSON_DEPTH_MAX)
  })

  test('its view leaves room for its history: members are left out, and it says how many', () => {
    const view = groupKind.view(brimming().opened, OPENED_MS)

    expect(bytesOf(view)).toBeLessThan(BODY_BYTES_MAX - 128 * 1_024)
    expect(view).toMatchObject({ membersLeftOut: expect.any(Number), missing: [expected[0], expected.at(-1)] })
  })
})

describe('view', () => {
  test('shows terms, members and what is missing', () => {
    const run = groupOf(createOf({ quorum: 1, payload: null, ttl: 1.5 }))
    run.take(doneOf('b', { error: { code: 1 } }), OPENED_MS + 10)

    expect(groupKind.view(run.opened, OPENED_MS + 20)).toEqual({
      created: '2026-03-01T12:00:00.000Z',
      due: '2026-03-01T12:00:01.500Z',
      ttl: 1.5,
      quorum: 1,
      onTimeout: 'fail',
      completedBy: 'done',
      payload: null,
      members: [
        { id: 'a', status: 'waiting' },
        { id: 'b', status: 'failed', at: '2026-03-01T12:00:00.010Z', error: { code: 1 } },
        { id: 'c', status: 'waiting' },
      ],
      missing: ['a', 'b', 'c'],
    })
  })

  test('shows who did a task, and the end', () => {
    const payload = { tenant: 'acme', createdAt: new Date(OPENED_MS).toISOString() }
    const run = groupOf(
      createOf({ expected: ['a', 'b'], completedBy: 'tasks', payload, onTimeout: 'partial' }),
      finishedOf('a', { result: 'fine' }),
      failedOf('b'),
    )

    const at = '2026-03-01T12:00:00.000Z'
    expect(groupKind.view(run.opened, OPENED_MS)).toMatchObject({
      completedBy: 'tasks',
      onTimeout: 'partial',
      members: [
        { id: 'a', status: 'done', at, by: 'p1', result: 'fine' },
        { id: 'b', status: 'failed', at, by: 'p1', error: 'boom' },
      ],
      missing: ['b'],
      resolved: at,
      endedBy: 'error',
      entity: 'b',
      error: 'task b: boom',
    })
  })
})
