import { describe, expect, test } from 'vitest'
import { explain, LINES_MAX, RELATED_MAX } from '../explain.ts'
import { at, call, deadRow, factsOf, flow, group } from './fact-book.ts'
import { type Case, expectTold } from './telling.ts'

describe('anything else', () => {
  test.each<Case>([
    {
      name: 'a message, by its message id',
      facts: factsOf('m2', { held: new Map([['m2', [deadRow()]]]) }),
      tells: {
        kind: 'message',
        state: 'dead',
        related: [
          { kind: 'subject', id: 'o.2' },
          { kind: 'thread', id: 'o' },
        ],
      },
    },
    {
      name: 'a message that is where it was put no more',
      facts: factsOf('h1', { held: new Map([['h1', [deadRow({ state: 'gone' })]]]) }),
      tells: { kind: 'message', state: 'unknown', summary: expect.stringContaining('somebody took it out') },
    },
    {
      name: 'what only the hub’s outbox has, because the broker is away',
      facts: factsOf('x', { outbox: [{ type: 'FLOW_SUCCEEDED', key: 'flows.succeeded', ahead: 2 }] }),
      tells: { state: 'accepted', where: { service: 'hub', place: 'outbox', ahead: 2 } },
    },
    {
      name: 'an id that nobody knows',
      facts: factsOf('0190c5a0-7d3e-7000-8000-000000000001'),
      tells: {
        kind: 'unknown',
        state: 'unknown',
        summary: expect.stringMatching(/^Nobody knows .*made at 2024-07-18T/),
      },
    },
    {
      name: 'an id that nobody knows of those who answered',
      facts: factsOf('x', { datagen: undefined, missing: ['datagen did not answer within 2 s'] }),
      tells: {
        kind: 'unknown',
        summary: expect.stringMatching(/^Of those who answered nobody knows x/),
        missing: ['datagen did not answer within 2 s', expect.stringContaining('forgotten')],
      },
    },
    {
      name: 'an id of two kinds: one is told, the other is named',
      facts: factsOf('x', { conversations: [flow('x', { status: 'success' }), group('x', ['a'], {}, ['a'])] }),
      tells: {
        kind: 'flow',
        state: 'completed',
        summary: expect.stringContaining('There is also a group of this id (waiting).'),
        related: expect.arrayContaining([expect.objectContaining({ kind: 'group', id: 'x', state: 'waiting' })]),
      },
    },
  ])('$name', expectTold)

  test('the newest lines are told, in order, and how many are not', () => {
    const history = Array.from({ length: LINES_MAX + 5 }, (_, n) => ({ at: at(n), what: `line ${n}` }))

    const { timeline, timelineLeftOut } = explain(factsOf('x', { conversations: [flow('x', { history })] }))

    expect([timeline[0]?.what, timeline.at(-1)?.what, timeline.length, timelineLeftOut]).toEqual([
      'line 5',
      `line ${LINES_MAX + 4}`,
      LINES_MAX,
      5,
    ])
  })

  test('the trace is that of the conversation, or of what it is a part of', () => {
    const traced = { ...flow('x', { calls: [call({ callId: 'x.1' })] }), traceId: 'abc' }

    expect(explain(factsOf('x', { conversations: [traced] })).trace).toBe('abc')
    expect(explain(factsOf('x.1', { parents: [traced] })).trace).toBe('abc')
    expect(explain(factsOf('x', { conversations: [flow('x')] }))).not.toHaveProperty('trace')
  })

  test('related things are bounded, and the rest is counted', () => {
    const calls = Array.from({ length: RELATED_MAX + 3 }, (_, n) => call({ callId: `x.${n + 1}` }))

    const { related, relatedLeftOut } = explain(factsOf('x', { conversations: [flow('x', { calls })] }))

    expect([related.length, relatedLeftOut]).toEqual([RELATED_MAX, 3])
  })
})
