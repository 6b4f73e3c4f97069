import { describe, expect, test } from 'vitest'
import type { Body } from '../../../events.ts'
import { inputOf } from '../../test/group-run.ts'
import { callOfTimer, splitCallId, timerOf } from '../call-names.ts'
import { journeyKind } from '../journey.ts'
import { longestMs } from '../patience.ts'
import { askedOf, BY, definitionOf, initiationOf, Registered, SAGA, stepOf } from './journey-run.ts'

const order = definitionOf([stepOf('a'), stepOf('b', 'a')])
const released: Body = { type: 'JOURNEY_RELEASED', sagaId: SAGA }
const overdue: Body = { type: 'JOURNEY_OVERDUE', sagaId: SAGA, olderThanMs: 5_000 }

describe('names', () => {
  test.each([
    ['j.main:a', { sagaId: 'j.main', step: 'a', isUndo: false }],
    ['j.main:a:undo', { sagaId: 'j.main', step: 'a', isUndo: true }],
    ['j.main:undo', { sagaId: 'j.main', step: 'undo', isUndo: false }],
    ['j.main', undefined],
    ['j:a:b', undefined],
    [':a', undefined],
    ['j:', undefined],
    ['', undefined],
  ])('call id %j', (callId, names) => {
    expect(splitCallId(callId)).toEqual(names)
  })

  test.each(['deadline', 'call 1', 'step:', ''])('timer %j is none of a call', (timer) => {
    expect(callOfTimer(timer)).toBeUndefined()
  })

  test('a timer names its call', () => {
    expect([
      callOfTimer(timerOf({ step: 'a', isUndo: true })),
      callOfTimer(timerOf({ step: 'undo', isUndo: false })),
    ]).toEqual([
      { step: 'a', isUndo: true },
      { step: 'undo', isUndo: false },
    ])
  })

  const kind = journeyKind({ definitions: new Registered(order), hasWebhook: false })
  test.each<{ body: Body; key: string | undefined }>([
    { body: initiationOf(), key: SAGA },
    { body: released, key: SAGA },
    { body: overdue, key: SAGA },
    { body: { type: 'ACTIVITY_SUCCEEDED', callId: `${SAGA}:a:undo`, status: 200 }, key: SAGA },
    { body: { type: 'ACTIVITY_FAILED', callId: 'nobody', status: 500 }, key: 'nobody' },
    { body: { type: 'REMEDIATION_COMMAND', sagaId: SAGA, act: 'retry', ...BY }, key: SAGA },
    { body: { type: 'REMEDIATION_TICKET', sagaId: SAGA, ticket: 't', ...BY }, key: SAGA },
    { body: { ...initiationOf(), type: 'INITIATE_WORKFLOW' }, key: undefined },
    { body: { type: 'REMEDIATION_DONE', job: 'j', sagaId: SAGA }, key: undefined },
  ])('$body.type is for $key', ({ body, key }) => {
    const input = inputOf(body)

    expect('event' in input && kind.keyOf(input.event)).toBe(key)
  })
})

test.each([
  { retry: { retries: 0, initialMs: 200, factor: 2, maxMs: 30_000 }, ms: 1_000 },
  { retry: { retries: 2, initialMs: 200, factor: 2, maxMs: 30_000 }, ms: 3_000 + 600 },
  { retry: { retries: 4, initialMs: 200, factor: 2, maxMs: 500 }, ms: 5_000 + 200 + 400 + 500 + 500 },
  { retry: { retries: 1_000_000, initialMs: 0, factor: 2, maxMs: 500 }, ms: 1_000_001_000 },
  { retry: { retries: 1_000_000, initialMs: 7, factor: 1, maxMs: 500 }, ms: 1_000_001_000 + 7_000_000 },
])('a call with $retry.retries retries takes at most $ms ms', ({ retry, ms }) => {
  expect(longestMs(askedOf('a', { retry }))).toBe(ms)
})
