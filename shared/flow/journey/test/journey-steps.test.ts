import { describe, expect, test } from 'vitest'
import type { Json } from '../../../events.ts'
import type { Step } from '../definition.ts'
import {
  always,
  askedOf,
  begun,
  broken,
  definitionOf,
  expressionOf,
  type JourneyRun,
  SAGA,
  stepOf,
  TIMEOUT_MS,
} from './journey-run.ts'

type Act = (run: JourneyRun) => unknown
const ok =
  (call: string, output?: Json): Act =>
  (run) =>
    run.succeed(call, output)
const not: Partial<Step> = { when: always(false) }

describe('J2: whose turn it is', () => {
  test.each<{ promise: string; steps: readonly Step[]; acts: readonly Act[]; said: readonly string[] }>([
    {
      promise: 'steps that come after nothing are asked for at once',
      ...{ steps: [stepOf('a'), stepOf('b')], acts: [], said: ['JOURNEY_STARTED', 'a #1', 'b #1'] },
    },
    {
      promise: 'a step waits for all that it comes after',
      ...{ steps: [stepOf('a'), stepOf('b'), stepOf('c', 'a b')], acts: [ok('b')] },
      said: ['JOURNEY_STARTED', 'a #1', 'b #1'],
    },
    {
      promise: 'a join runs once',
      ...{ steps: [stepOf('a'), stepOf('b'), stepOf('c', 'a b')], acts: [ok('b'), ok('a'), ok('a'), ok('b')] },
      said: ['JOURNEY_STARTED', 'a #1', 'b #1', 'c #1'],
    },
    {
      promise: 'a branch that is not taken is skipped whole, and the join behind both runs',
      steps: [stepOf('a'), stepOf('b', 'a', not), stepOf('c', 'b'), stepOf('d', 'a'), stepOf('e', 'c d')],
      acts: [ok('a'), ok('d')],
      said: ['JOURNEY_STARTED', 'a #1', 'd #1', 'e #1'],
    },
    {
      promise: 'with nothing to do the journey is complete',
      ...{ steps: [stepOf('a', '', not), stepOf('b', 'a')], acts: [], said: ['JOURNEY_STARTED', 'JOURNEY_COMPLETED'] },
    },
  ])('$promise', ({ steps, acts, said }) => {
    const run = begun(definitionOf(steps))
    for (const act of acts) act(run)

    expect(run.said).toEqual(said)
  })

  test('conditions and inputs see payload, tenant, saga id, key, and the outputs of steps that are done', () => {
    const all = expressionOf('all', (scope) => JSON.parse(JSON.stringify(scope)))
    const run = begun(
      definitionOf([stepOf('a'), stepOf('b', 'a', { input: all, when: expressionOf('', () => true) })]),
      {
        meta: { key: 'k1' },
      },
    )
    run.succeed('a', { n: 1 })

    expect(run.bodies('ACTIVITY_REQUESTED').map(({ input }) => input)).toEqual([
      { item: 'book' },
      { payload: { item: 'book' }, tenant: 'acme', sagaId: SAGA, key: 'k1', outputs: { a: { n: 1 } } },
    ])
  })

  test('an output that was not given is null, and a step may be named like a part of JavaScript', () => {
    const outputs = expressionOf('outputs', (scope) => ({ ...scope.outputs, size: Object.keys(scope.outputs).length }))
    const run = begun(
      definitionOf([
        stepOf('constructor'),
        stepOf('__proto__'),
        stepOf('c', 'constructor __proto__', { input: outputs }),
      ]),
    )
    run.succeed('constructor')
    run.succeed('__proto__', 7)

    expect(Object.entries(run.bodies('ACTIVITY_REQUESTED').at(-1)?.input ?? {})).toEqual([
      ['constructor', null],
      ['__proto__', 7],
      ['size', 2],
    ])
  })

  test.each<{ promise: string; fields: Partial<Step>; error: string }>([
    { promise: 'a condition', fields: { when: broken }, error: 'b: outputs.nobody.x: no such key: nobody' },
    { promise: 'an input', fields: { input: broken }, error: 'b: outputs.nobody.x: no such key: nobody' },
    {
      promise: 'a condition that says neither',
      fields: { when: always('yes') },
      error: 'b: when of b: "yes" gave "yes", expected true or false',
    },
    {
      promise: 'an input that is too large',
      fields: { input: expressionOf('much', () => 'x'.repeat(65_536)) },
      error: 'b: input of b: 65538 bytes as JSON, at most 65536 are kept; publish a reference instead',
    },
  ])('$promise that cannot be evaluated fails its step for good, and is named', ({ fields, error }) => {
    const run = begun(definitionOf([stepOf('a'), stepOf('b', 'a', fields)]))
    run.succeed('a')

    expect(run.opened.remediation).toMatchObject({ cause: 'permanent', error, steps: ['b'] })
    expect(run.said).toEqual(['JOURNEY_STARTED', 'a #1', 'JOURNEY_NEEDS_REMEDIATION permanent [b]'])
  })

  test.each<{ promise: string; fields: object; output: Json }>([
    { promise: 'without an expression the outputs of its last steps', fields: {}, output: { b: 2, c: null } },
    {
      promise: 'with one what that says',
      fields: { output: expressionOf('sum', ({ outputs }) => Object.values(outputs)) },
      output: [1, 2, null],
    },
  ])('the journey gives, $promise', ({ fields, output }) => {
    const run = begun(definitionOf([stepOf('a'), stepOf('b', 'a'), stepOf('c', 'a'), stepOf('d', 'a', not)], fields))
    run.succeed('a', 1)
    run.succeed('b', 2)
    run.succeed('c')

    expect(run.bodies('JOURNEY_COMPLETED')).toMatchObject([
      { sagaId: SAGA, definitionVersion: 1, tenant: 'acme', output },
    ])
    expect(run.view()).toMatchObject({ status: 'COMPLETED', phase: 'ended', output })
  })
})

describe('J3: what an answer does', () => {
  const one = () => begun(definitionOf([stepOf('a')]))
  const timeout: Act = (run) => run.fire('step:a')

  test.each<{ promise: string; acts: readonly Act[]; result: string; state: string }>([
    { promise: '200 is done', acts: [], result: 'COMPLETED', state: 'done' },
    { promise: 'after the end it is late', acts: [ok('a')], result: 'late', state: 'done' },
    { promise: 'while the back-off runs it is stale', acts: [timeout], result: 'stale', state: 'retrying' },
    {
      promise: 'after a failure that was answered it is said twice',
      acts: [(run) => run.fail('a', 503)],
      result: 'duplicate',
      state: 'retrying',
    },
    { promise: 'of an earlier attempt it is stale', acts: [timeout, timeout], result: 'stale', state: 'running' },
    {
      promise: 'after a failure for good it is late',
      acts: [timeout, timeout, (run) => run.fail('a', 400)],
      result: 'late',
      state: 'failed',
    },
  ])('attempt 1: $promise', ({ acts, result, state }) => {
    const run = one()
    for (const act of acts) act(run)
    const before = run.opened

    expect(run.succeed('a', 1, 1)).toBe(result)
    expect(run.states).toEqual({ a: state })
    if (result !== 'COMPLETED') expect(run.opened).toBe(before)
  })

  test.each<{ status: number; type: 'ACTIVITY_SUCCEEDED' | 'ACTIVITY_FAILED'; state: string }>([
    { type: 'ACTIVITY_SUCCEEDED', status: 399, state: 'done' },
    { type: 'ACTIVITY_SUCCEEDED', status: 400, state: 'failed' },
    { type: 'ACTIVITY_SUCCEEDED', status: 503, state: 'retrying' },
    { type: 'ACTIVITY_FAILED', status: 200, state: 'retrying' },
    { type: 'ACTIVITY_FAILED', status: 400, state: 'failed' },
    { type: 'ACTIVITY_FAILED', status: 499, state: 'failed' },
    { type: 'ACTIVITY_FAILED', status: 500, state: 'retrying' },
    { type: 'ACTIVITY_FAILED', status: 599, state: 'retrying' },
  ])('$type with status $status: $state', ({ type, status, state }) => {
    const run = one()
    run.take({ type, callId: `${SAGA}:a`, status })

    expect(run.states).toEqual({ a: state })
  })

  test.each<{ promise: string; answer: Act; result: string }>([
    { promise: 'the attempt of the body', answer: (run) => run.succeed('a', 1, 2), result: 'stale' },
    {
      promise: 'else that of the header',
      answer: (run) =>
        run.takeFrom({ type: 'ACTIVITY_SUCCEEDED', callId: `${SAGA}:a`, status: 200 }, { callAttempt: 9 }),
      result: 'stale',
    },
    { promise: 'else the current one', answer: (run) => run.succeed('a'), result: 'COMPLETED' },
    { promise: 'none of a step that is not there', answer: (run) => run.succeed('z'), result: 'unknown' },
    {
      promise: 'none of a compensation that was not asked for',
      answer: (run) => run.succeed('a:undo'),
      result: 'unknown',
    },
  ])('it counts for $promise', ({ answer, result }) => {
    expect(answer(one())).toBe(result)
  })

  test('H3: retries come after growing pauses, and use themselves up', () => {
    const run = one()
    const timers: unknown[] = []
    for (let i = 0; i < 3; i++) {
      timers.push(run.timers.get('step:a'))
      run.fail('a', 503, 'down')
      timers.push(run.timers.get('step:a'))
      run.fire('step:a')
    }

    const startMs = run.opened.createdMs
    const [t1, t2] = [startMs + 200, startMs + 600]
    expect(timers).toEqual([startMs + TIMEOUT_MS, t1, t1 + TIMEOUT_MS, t2, t2 + TIMEOUT_MS, undefined])
    expect(run.opened.remediation).toMatchObject({ cause: 'exhausted', error: 'a: down', steps: ['a'] })
    expect(run.view()).toMatchObject({
      activities: {
        a: {
          state: 'failed',
          attempt: 3,
          status: 503,
          error: 'down',
          attempts: [{ attempt: 1, status: 503, error: 'down' }, {}, {}],
        },
      },
    })
  })

  test('an output that is too large fails its step for good; it was carried out, so that it is taken back', () => {
    const steps = [stepOf('a', '', { compensate: askedOf('undo-a') })]
    const run = begun(definitionOf(steps, { onFailure: 'compensate' }))
    run.succeed('a', 'x'.repeat(65_535))

    expect(run.opened.error).toBe(
      'a: output of a: 65537 bytes as JSON, at most 65536 are kept; publish a reference instead',
    )
    expect(run.said).toEqual(['JOURNEY_STARTED', 'a #1', 'a:undo #1'])
  })

  test('outputs that together are more than a journey may hold fail the step that is too much', () => {
    const names = Array.from({ length: 9 }, (_, i) => `s${i}`)
    const run = begun(definitionOf(names.map((name) => stepOf(name))))
    for (const name of names) run.succeed(name, 'x'.repeat(65_000))

    expect(run.opened.failed).toEqual(['s8'])
    expect(run.opened.remediation?.error).toMatch(
      /^s8: output of s8: with its 65002 bytes the journey would hold \d+, at most 524288 are kept/,
    )
    expect(Buffer.byteLength(JSON.stringify(run.opened))).toBeLessThan(600_000)
  })

  test.each<{ error: Json; kept: string }>([
    { error: 'x'.repeat(3_000), kept: 'x'.repeat(2_048) },
    { error: { code: 7 }, kept: '{"code":7}' },
  ])('an error is kept as text, and not all of it when it is long', ({ error, kept }) => {
    const run = one()
    run.fail('a', 400, error)

    expect(run.opened.steps[0]?.error).toBe(kept)
    expect(run.opened.steps[0]?.attempts[0]?.error).toBe(kept.slice(0, 200))
  })

  test('J3: an answer whose journey is not there yet is kept for it', () => {
    const run = one()
    run.state = undefined

    expect(run.succeed('a')).toBe('early')
    expect(run.take({ type: 'ACTIVITY_SUCCEEDED', callId: 'nobody', status: 200 })).toBe('unknown')
  })
})
