import { describe, expect, test } from 'vitest'
import type { Step } from '../definition.ts'
import {
  always,
  begun,
  broken,
  compensated,
  definitionOf,
  expressionOf,
  type JourneyRun,
  SAGA,
  stepOf,
} from './journey-run.ts'

type Act = (run: JourneyRun) => unknown
const chain: readonly Step[] = [
  stepOf('reserve', '', compensated('reserve')),
  stepOf('charge', 'reserve', compensated('charge')),
  stepOf('note', 'charge'),
  stepOf('ship', 'note'),
]
const definition = definitionOf(chain, { onFailure: 'compensate' })
const upTo =
  (...names: readonly string[]): Act =>
  (run) => {
    for (const name of names) run.succeed(name, { id: name })
  }

describe('J5: compensation', () => {
  test('takes back what is done in reverse order, one after another, and names it', () => {
    const run = begun(definition).after(upTo('reserve', 'charge', 'note'))
    run.fail('ship', 400, 'no such street')
    const asked = run.said
    run.succeed('charge:undo')
    asked.push(...run.said)
    run.succeed('reserve:undo')

    expect(asked).toEqual(['charge:undo #1', 'reserve:undo #1'])
    expect(run.bodies('JOURNEY_COMPENSATED')).toMatchObject([
      { error: 'ship: no such street', compensated: ['charge', 'reserve'] },
    ])
    expect(run.view()).toMatchObject({
      status: 'COMPENSATED',
      error: 'ship: no such street',
      activities: { charge: { compensation: { activity: 'undo-charge', state: 'done', attempt: 1 } } },
    })
  })

  test('in the order in which they were done, whatever the graph says', () => {
    const steps = ['a', 'b', 'c'].map((name) => stepOf(name, '', compensated(name)))
    const run = begun(definitionOf(steps)).after(upTo('c', 'a', 'b').bind(undefined))

    expect(run.opened.status).toBe('COMPLETED')
    const other = begun(definitionOf([...steps, stepOf('d')])).after(upTo('c', 'a', 'b'))
    other.fail('d', 400)
    other.act('compensate')
    for (const name of ['b', 'a', 'c']) other.succeed(`${name}:undo`)
    expect(other.bodies('JOURNEY_COMPENSATED')[0]?.compensated).toEqual(['b', 'a', 'c'])
  })

  test('sees input and output of the step that it takes back', () => {
    const input = expressionOf('of the step', ({ input = null, output = null }) => ({ was: input, gave: output }))
    const steps = [
      stepOf('a', '', { input: always({ n: 1 }), ...compensated('a') }),
      stepOf('b', 'a', compensated('b', { input })),
      stepOf('c', 'b'),
    ]
    const run = begun(definitionOf(steps, { onFailure: 'compensate' })).after(upTo('a', 'b'))
    run.fail('c', 400)
    run.succeed('b:undo')

    expect(
      run
        .bodies('ACTIVITY_REQUESTED')
        .map(({ activity, idempotencyKey, input }) => ({ activity, idempotencyKey, input })),
    ).toEqual([
      { activity: 'undo-b', idempotencyKey: `${SAGA}:b:undo`, input: { was: { item: 'book' }, gave: { id: 'b' } } },
      { activity: 'undo-a', idempotencyKey: `${SAGA}:a:undo`, input: { input: { n: 1 }, output: { id: 'a' } } },
    ])
  })

  const timeouts: Act = (run) => {
    for (let i = 0; i < 5; i++) run.fire('step:charge')
  }
  test.each<{ promise: string; act: Act; undone: readonly string[] }>([
    { promise: 'one that timed out to the last is', act: timeouts, undone: ['charge', 'reserve'] },
    {
      promise: 'one that said 504 to the last is',
      act: (run) => {
        for (let i = 0; i < 3; i++) {
          run.fail('charge', 504)
          run.fire('step:charge')
        }
      },
      undone: ['charge', 'reserve'],
    },
    {
      promise: 'one that was abandoned at the deadline is',
      act: (run) => run.fire('deadline'),
      undone: ['charge', 'reserve'],
    },
    {
      promise:
        'one that failed without being refused, and waited for a retry at the deadline, is: it may have failed after the effect',
      act: (run) => {
        run.fail('charge', 503)
        run.fire('deadline')
      },
      undone: ['charge', 'reserve'],
    },
    { promise: 'one that was refused is not', act: (run) => run.fail('charge', 400), undone: ['reserve'] },
    {
      promise: 'one that failed and was done all the same is',
      act: (run) =>
        run.take({
          type: 'ACTIVITY_FAILED',
          callId: `${SAGA}:charge`,
          status: 400,
          error: 'too large',
          carriedOut: true,
        }),
      undone: ['charge', 'reserve'],
    },
    {
      promise: 'one that timed out and was then refused is',
      act: (run) => {
        run.fire('step:charge')
        run.fire('step:charge')
        run.fail('charge', 409)
      },
      undone: ['charge', 'reserve'],
    },
    {
      promise: 'one that runs while somebody has it taken back is',
      act: (run) => run.act('compensate'),
      undone: ['charge', 'reserve'],
    },
  ])('of those whose outcome is unknown: $promise taken back', ({ act, undone }) => {
    const run = begun(definition).after(upTo('reserve'), act)
    for (const name of undone) run.succeed(`${name}:undo`)

    expect(run.bodies('JOURNEY_COMPENSATED')[0]?.compensated).toEqual(undone)
  })

  test('with nothing to take back it is over at once', () => {
    const run = begun(definition).after()
    run.fail('reserve', 400)

    expect(run.said).toEqual(['JOURNEY_COMPENSATED []'])
  })

  test('no deadline runs, and each has its own timeout and retries', () => {
    const run = begun(definition).after(upTo('reserve'), (one) => one.fail('charge', 400))
    run.fail('reserve:undo', 503)

    expect([...run.timers.keys()]).toEqual(['undo:reserve'])
    run.fire('undo:reserve')
    expect(run.said).toEqual(['reserve:undo #2'])
    expect(run.take({ timer: 'deadline', dueMs: 0 })).toBe('late')
  })
})

describe('J5: when it cannot be taken back', () => {
  const stopped = () =>
    begun(definition).after(
      upTo('reserve', 'charge', 'note'),
      (run) => run.fail('ship', 400),
      (run) => run.fail('charge:undo', 400, 'closed'),
    )

  test('a person decides, and what is left is named', () => {
    const run = stopped()

    expect(run.opened.remediation).toMatchObject({
      cause: 'compensation',
      error: 'taking back charge: closed',
      steps: ['charge', 'reserve'],
    })
    expect(run.view()).toMatchObject({
      status: 'NEEDS_REMEDIATION',
      remediation: { acts: ['retry', 'skip', 'cancel'] },
      activities: {
        charge: { compensation: { state: 'failed', error: 'closed' } },
        reserve: { compensation: { state: 'pending' } },
      },
    })
  })

  test.each<{ promise: string; acts: readonly Act[]; said: readonly string[] }>([
    {
      promise: 'retry goes on where it stopped',
      acts: [(run) => run.act('retry'), (run) => run.succeed('charge:undo'), (run) => run.succeed('reserve:undo')],
      said: [
        'JOURNEY_REMEDIATED retry charge',
        'charge:undo #2',
        'reserve:undo #1',
        'JOURNEY_COMPENSATED [charge reserve]',
      ],
    },
    {
      promise: 'skip counts as taken back',
      acts: [(run) => run.act('skip', { step: 'charge' }), (run) => run.succeed('reserve:undo')],
      said: ['JOURNEY_REMEDIATED skip charge', 'reserve:undo #1', 'JOURNEY_COMPENSATED [charge reserve]'],
    },
    {
      promise: 'cancel ends it',
      acts: [(run) => run.act('cancel')],
      said: ['JOURNEY_REMEDIATED cancel', 'JOURNEY_CANCELLED'],
    },
  ])('$promise', ({ acts, said }) => {
    const run = stopped()
    for (const act of acts) act(run)

    expect(run.said).toEqual(said)
  })

  test('another input is another thing to do', () => {
    const run = stopped()
    run.act('retry', { input: 'by hand' })

    expect(run.bodies('ACTIVITY_REQUESTED')).toMatchObject([
      { attempt: 2, idempotencyKey: `${SAGA}:charge:undo#1`, input: 'by hand' },
    ])
  })

  test('an input of a compensation that cannot be evaluated stops it and is named', () => {
    const steps = [stepOf('a', '', compensated('a', { input: broken })), stepOf('b', 'a')]
    const run = begun(definitionOf(steps, { onFailure: 'compensate' })).after(upTo('a'))
    run.fail('b', 400)

    expect(run.opened.remediation?.error).toBe('taking back a: outputs.nobody.x: no such key: nobody')
  })
})
