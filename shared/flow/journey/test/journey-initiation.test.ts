import { describe, expect, test } from 'vitest'
import type { Body } from '../../../events.ts'
import { inputOf } from '../../test/group-run.ts'
import { journeyKind } from '../journey.ts'
import { attentionOf, remediationOf } from '../remediation-item.ts'
import {
  BY,
  begun,
  compensated,
  definitionOf,
  expressionOf,
  JourneyRun,
  Registered,
  SAGA,
  stepOf,
} from './journey-run.ts'

const order = definitionOf([stepOf('a'), stepOf('b', 'a')])
const another = definitionOf([], { type: 'another' })
const released: Body = { type: 'JOURNEY_RELEASED', sagaId: SAGA }
const overdue: Body = { type: 'JOURNEY_OVERDUE', sagaId: SAGA, olderThanMs: 5_000 }
const asker = (n: number) => ({ replyTo: `gateway_reply.${n}`, correlationId: `c${n}` })

describe('J2: a journey begins', () => {
  test('with the newest version of its type, and keeps to it', () => {
    const run = new JourneyRun([order, definitionOf([stepOf('x')], { version: 2 })])
    run.initiate()
    run.registered.all.push(definitionOf([stepOf('y')], { version: 3 }))
    run.succeed('x')

    expect(run.said).toEqual(['JOURNEY_STARTED', 'x #1', 'JOURNEY_COMPLETED'])
    expect(run.view()).toMatchObject({ type: 'order', version: 2 })
  })

  test('and asks with all that the activity needs', () => {
    const run = begun(order)

    expect(run.bodies('ACTIVITY_REQUESTED')).toEqual([
      {
        type: 'ACTIVITY_REQUESTED',
        ...{ callId: `${SAGA}:a`, sagaId: SAGA, activity: 'do-a', attempt: 1, idempotencyKey: `${SAGA}:a` },
        ...{ input: { item: 'book' }, deadline: '2030-01-01T00:00:01.000Z' },
      },
    ])
  })

  test('H1: its deadline is armed, and an attempt is not waited for beyond it', () => {
    const run = begun(definitionOf([stepOf('a')], { deadlineMs: 300 }))

    expect(run.timers.get('deadline')).toBe(run.nowMs + 300)
    expect(run.bodies('ACTIVITY_REQUESTED')[0]?.deadline).toBe('2030-01-01T00:00:00.300Z')
  })

  test('a payload that is not of its schema fails it before anything is asked for', () => {
    const run = begun(definitionOf([stepOf('a')], { findPayloadFaults: () => ['item: expected text', 'n: missing'] }))

    expect(run.said).toEqual(['JOURNEY_FAILED'])
    expect(run.view()).toMatchObject({
      status: 'FAILED',
      version: 1,
      error: 'payload: item: expected text; n: missing',
    })
    expect(run.timers.size).toBe(0)
  })

  test('a payload that is too large is refused, and whoever waits is told', () => {
    const run = new JourneyRun(order)
    const result = run.initiate({ payload: 'x'.repeat(65_536) }, asker(1))

    expect(result).toBe('refuse: payload: 65538 bytes as JSON, at most 65536 are kept; publish a reference instead')
    expect(run.said).toEqual(['JOURNEY_REJECTED', 'JOURNEY_REJECTED to gateway_reply.1'])
    expect(run.state).toBeUndefined()
  })
})

describe('J2: the same id again', () => {
  test('is the same journey: whoever asks is told of its end, ten of them at most', () => {
    const run = begun(order).after()
    const results = Array.from({ length: 12 }, (_, n) => run.initiate({}, asker(n)))
    const again = run.initiate({}, asker(0))
    run.succeed('a')
    run.succeed('b')

    expect([...results.slice(8), again]).toEqual(['RUNNING', 'RUNNING', 'duplicate', 'duplicate', 'duplicate'])
    expect(run.said).toEqual([
      'b #1',
      'JOURNEY_COMPLETED',
      ...Array.from({ length: 10 }, (_, n) => `JOURNEY_COMPLETED to gateway_reply.${n}`),
    ])
    expect(run.initiate({}, asker(99))).toBe('duplicate')
    expect(run.said).toEqual(['JOURNEY_COMPLETED to gateway_reply.99'])
  })

  test.each([
    { fields: { payload: { item: 'pen' } }, what: 'payload' },
    { fields: { tenant: 'other' }, what: 'tenant' },
    { fields: { journeyType: 'another' }, what: 'type' },
  ])('with another $what is rejected, and the first goes on', ({ fields, what }) => {
    const run = begun(order).after()
    const before = run.opened
    const result = run.initiate(fields, asker(1))

    expect(result).toBe('conflict')
    expect(run.bodies('JOURNEY_REJECTED')[0]?.error).toBe(
      `The journey ${SAGA} was started with another ${what}, and goes on: choose another key, or repeat its request as it was.`,
    )
    expect(run.said).toEqual(['JOURNEY_REJECTED', 'JOURNEY_REJECTED to gateway_reply.1'])
    expect(run.opened).toBe(before)
  })

  test('the order of fields, and a zero with a sign, make no other payload', () => {
    const run = new JourneyRun(order)
    run.initiate({ payload: { a: -0, b: 1 } })

    expect(run.initiate({ payload: { b: 1, a: 0 } })).toBe('duplicate')
  })
})

describe('J9: a journey of a type that nobody has registered', () => {
  test('is stored, with one alert', () => {
    const run = begun(another)

    expect(run.said).toEqual(['JOURNEY_NEEDS_REMEDIATION unknown-type []'])
    expect(run.timers.size).toBe(0)
    expect(run.view()).toMatchObject({
      status: 'ACCEPTED',
      phase: 'waiting',
      version: 0,
      waitingFor: 'definition',
      activities: {},
      remediation: { acts: ['cancel'] },
    })
    expect(attentionOf(run.opened)).toBe('unknown-type')
    expect([run.initiate(), run.take(released), run.take(overdue), run.succeed('a')]).toEqual([
      'duplicate',
      'duplicate',
      'duplicate',
      'unknown',
    ])
    expect(run.said).toEqual([])
  })

  test.each<{ how: string; begin: (run: JourneyRun) => string }>([
    { how: 'when it is registered', begin: (run) => run.take(released) },
    { how: 'when word of that was lost, by being asked for again', begin: (run) => run.initiate() },
    { how: 'when word of that was lost, by being overdue', begin: (run) => run.take(overdue) },
  ])('begins $how', ({ begin }) => {
    const run = begun(another).after()
    run.nowMs += 5_000
    run.registered.all.push(order)

    expect(begin(run)).toBe('RUNNING')
    expect(run.said).toEqual(['JOURNEY_STARTED', 'a #1'])
    expect(run.timers.get('deadline')).toBe(run.nowMs + order.deadlineMs)
    expect(run.view()).toMatchObject({ version: 1, startedAt: '2030-01-01T00:00:05.000Z' })
    expect([run.take(released), attentionOf(run.opened)]).toEqual(['duplicate', undefined])
  })
})

describe('J6: a journey that takes too long', () => {
  test('is shown once, and its timers stay as they are', () => {
    const run = begun(order).after()
    // Somebody has moved it.
    run.timers.set('step:a', run.nowMs + 77_000)
    const timers = new Map(run.timers)
    run.nowMs += 100
    run.take(overdue)
    run.nowMs += 100

    expect(run.take(overdue)).toBe('duplicate')
    expect(new Map(run.timers)).toEqual(timers)
    expect(run.said).toEqual([])
    expect(run.story.filter((line) => line.startsWith('overdue'))).toEqual([
      'overdue: it has taken more than 5000 ms; it waits for a',
    ])
    expect(run.view()).toMatchObject({ overdueSince: '2030-01-01T00:00:00.100Z' })
    expect(remediationOf(run.opened)).toMatchObject({
      attention: 'overdue',
      cause: 'overdue',
      steps: ['a'],
      acts: ['compensate', 'cancel'],
    })
  })

  test('lost timers come back at their own times, those that it waits for and no others; that alone is not overdue', () => {
    const run = begun(order).after()
    const timers = new Map(run.timers)
    run.timers.clear()
    run.nowMs += 100

    expect(run.take({ type: 'JOURNEY_OVERDUE', sagaId: SAGA, lost: ['step:a', 'deadline', 'step:b'] })).toBe('RUNNING')
    expect(new Map(run.timers)).toEqual(timers)
    expect(run.story).toContain('armed again: step:a, deadline')
    expect(attentionOf(run.opened)).toBeUndefined()
    expect(run.take({ type: 'JOURNEY_OVERDUE', sagaId: SAGA, lost: ['step:b'] })).toBe('duplicate')
  })

  test('also while it is taken back', () => {
    const run = begun(definitionOf([stepOf('a', '', compensated('a')), stepOf('b', 'a')])).after((one) =>
      one.succeed('a'),
    )
    run.act('compensate')
    run.timers.clear()
    run.take({ type: 'JOURNEY_OVERDUE', sagaId: SAGA, olderThanMs: 5_000, lost: ['undo:a'] })

    expect([...run.timers.keys()]).toEqual(['undo:a'])
    expect(remediationOf(run.opened)?.steps).toEqual(['a'])
  })

  test('is nobody’s business any more when it has ended', () => {
    const run = begun(order).after((one) => one.take(overdue))
    run.succeed('a')
    run.succeed('b')

    expect([run.opened.status, attentionOf(run.opened), remediationOf(run.opened)]).toEqual([
      'COMPLETED',
      undefined,
      undefined,
    ])
    expect(run.view()).not.toHaveProperty('overdueSince')
  })

  test('is left alone while a person decides, and after its end', () => {
    const run = begun(order).after((one) => one.fail('a', 400))

    expect(run.take(overdue)).toBe('duplicate')
    run.act('cancel')
    expect(run.take(overdue)).toBe('late')
  })
})

test('J6: the webhook is told of each that needs a person', () => {
  const told = (definition: typeof order, happen: (run: JourneyRun) => void) => {
    const run = new JourneyRun(definition, { hasWebhook: true })
    run.initiate()
    happen(run)
    return run.sent.flatMap((one) =>
      'queue' in one && one.queue === 'hub_work' && 'cause' in one.body ? [one.body.cause] : [],
    )
  }

  expect(told(another, () => undefined)).toEqual(['unknown-type'])
  expect(told(order, (run) => run.take(overdue))).toEqual(['overdue'])
  expect(told(order, (run) => run.fail('a', 400))).toEqual(['permanent'])
})

describe('what is kept', () => {
  test('of a journey of five steps is below 3 KB, and has nothing of the definition', () => {
    const input = expressionOf('input', ({ payload }) => ({ order: payload }))
    const names = ['reserve', 'charge', 'ship', 'notify', 'close']
    const steps = names.map((name, i) => stepOf(name, names[i - 1] ?? '', { input, ...compensated(name) }))
    const run = begun(definitionOf(steps), {
      payload: { orderId: 'o-1', customer: 'c-1', amount: 4_200 },
      meta: { key: 'o-1' },
    })
    for (const name of names) run.succeed(name, { reference: `${name}-0123456789`, at: '2030-01-01T00:00:00Z' })

    expect(run.opened.status).toBe('COMPLETED')
    const text = JSON.stringify(run.opened)
    expect(Buffer.byteLength(text)).toBeLessThan(3_000)
    expect(text).not.toContain('do-reserve')
  })

  test('a decision about a journey whose definition the hub does not have throws, but it can be shown and cancelled', () => {
    const run = begun(order).after()
    const kind = journeyKind({ definitions: new Registered(), hasWebhook: false })
    const answer = inputOf({ type: 'ACTIVITY_SUCCEEDED', callId: `${SAGA}:a` })

    expect(() => kind.decide(run.opened, answer, run.nowMs)).toThrow(
      `The journey ${SAGA} keeps to order version 1, which this hub does not have: it goes on when the hub reads its definitions again.`,
    )
    expect(kind.view(run.opened, run.nowMs)).toMatchObject({
      status: 'RUNNING',
      activities: { a: { state: 'running' } },
    })
    expect(kind.decide(run.opened, { act: 'cancel', ...BY }, run.nowMs)).toMatchObject({ status: 'CANCELLED' })
  })

  test('its revision counts its changes', () => {
    const run = begun(order)
    run.succeed('a')
    run.succeed('a')

    expect(run.opened.revision).toBe(2)
    expect(run.view()).toMatchObject({ revision: 2 })
  })
})
