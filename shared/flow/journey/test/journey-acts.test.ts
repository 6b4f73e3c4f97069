import { describe, expect, test } from 'vitest'
import type { Json } from '../../../events.ts'
import { legalActs } from '../legal-acts.ts'
import { remediationOf } from '../remediation-item.ts'
import {
  BY,
  begun,
  broken,
  compensated,
  definitionOf,
  expressionOf,
  JourneyRun,
  SAGA,
  stepOf,
  TIMEOUT_MS,
} from './journey-run.ts'

const two = definitionOf([stepOf('a'), stepOf('b'), stepOf('c', 'a b')])
const stopped = (definition = two) =>
  begun(definition).after(
    (run) => run.fail('a', 400, 'no'),
    (run) => run.succeed('b'),
  )
const bothFailed = () =>
  begun(two).after(
    (run) => run.fail('a', 400, 'no'),
    (run) => run.fail('b', 400, 'neither'),
  )
const noOutput = () => begun(definitionOf([stepOf('a')], { output: broken })).after((run) => run.succeed('a'))

const NONE = { retries: 0, initialMs: 0, factor: 1, maxMs: 0 }

describe('J4: what may be done, by where the journey is', () => {
  const unknown = () => begun(definitionOf([], { type: 'another' }))
  const ended = () => begun(two).after((run) => run.act('cancel'))
  const compensating = () =>
    begun(definitionOf([stepOf('a', '', compensated('a')), stepOf('b', 'a')])).after(
      (run) => run.succeed('a'),
      (run) => run.act('compensate'),
      (run) => expect(run.opened.phase).toBe('compensating'),
    )

  test.each<{ where: string; run: () => JourneyRun; acts: readonly string[] }>([
    { where: 'its type is not known', run: unknown, acts: ['cancel'] },
    { where: 'it runs', run: () => begun(two), acts: ['compensate', 'cancel'] },
    { where: 'it waits for a person', run: stopped, acts: ['retry', 'skip', 'compensate', 'cancel'] },
    { where: 'it is taken back', run: compensating, acts: ['cancel'] },
    { where: 'it has ended', run: ended, acts: [] },
  ])('$where: $acts; the others are refused and change nothing', ({ run, acts }) => {
    for (const act of ['retry', 'skip', 'compensate', 'cancel'] as const) {
      const journey = run()
      const before = journey.opened
      journey.taken()
      const result = journey.act(act)
      if (acts.includes(act)) expect(journey.said[0]).toMatch(`JOURNEY_REMEDIATED ${act}`)
      else
        expect([result, journey.said, journey.opened]).toEqual([
          expect.stringMatching(/^refuse: The journey j1\.main /),
          [],
          before,
        ])
    }
    expect(legalActs(run().opened)).toEqual(acts)
  })

  test.each<{ promise: string; run: () => JourneyRun; act: Parameters<JourneyRun['act']>; refusal: string }>([
    {
      promise: 'ended',
      run: ended,
      act: ['retry'],
      refusal: `The journey ${SAGA} ended CANCELLED at 2030-01-01T00:00:00.000Z, and nothing was changed.`,
    },
    {
      promise: 'changed since',
      run: stopped,
      act: ['retry', { revision: 2 }],
      refusal: `The journey ${SAGA} has changed since revision 2: it is at 3 now, and nothing was done. Look at it again.`,
    },
    {
      promise: 'another step',
      run: stopped,
      act: ['retry', { step: 'b' }],
      refusal: 'The step b has not failed: retry is about a.',
    },
    { promise: 'not named', run: bothFailed, act: ['skip'], refusal: 'Several steps have failed: name one of a, b.' },
    {
      promise: 'not named, with an input',
      run: bothFailed,
      act: ['retry', { input: 1 }],
      refusal: 'Several steps have failed: name one of a, b.',
    },
    {
      promise: 'an input for no step',
      run: noOutput,
      act: ['retry', { input: 1 }],
      refusal: 'No step has failed that another input could be for.',
    },
    {
      promise: 'too large',
      run: stopped,
      act: ['skip', { output: 'x'.repeat(65_535) }],
      refusal: 'output: 65537 bytes as JSON, at most 65536 are kept; publish a reference instead',
    },
    {
      promise: 'running',
      run: () => begun(two),
      act: ['retry'],
      refusal: `The journey ${SAGA} is RUNNING (running): retry is not possible now, only compensate, cancel.`,
    },
  ])('says why not: $promise', ({ run, act, refusal }) => {
    const journey = run()
    const before = journey.opened

    expect(journey.act(...act)).toBe(`refuse: ${refusal}`)
    expect(journey.opened).toBe(before)
  })

  test('a journey that is not there is nobody to decide about', () => {
    const run = new JourneyRun(two)

    expect(run.act('retry')).toBe(`refuse: There is no journey ${SAGA}, and nothing was changed.`)
    expect(run.take({ act: 'cancel', ...BY })).toBe('unknown')
  })
})

describe('J4: what acts do', () => {
  test('retry asks again, counts on, and gives as many retries as at first', () => {
    const run = stopped()
    run.act('retry')
    for (let i = 0; i < 3; i++) {
      run.fail('a', 503)
      run.fire('step:a')
    }

    expect(run.said).toEqual([
      'JOURNEY_REMEDIATED retry a',
      'a #2',
      'a #3',
      'a #4',
      'JOURNEY_NEEDS_REMEDIATION exhausted [a]',
    ])
    expect(run.story).toContain('retry a: ann: a test')
  })

  test('requests say after which attempt a person has decided; the retries of the hub itself do not', () => {
    const run = begun(two).after((journey) => journey.succeed('b'))
    const decisions = () => run.bodies('ACTIVITY_REQUESTED').map(({ attempt, decidedAfter }) => [attempt, decidedAfter])
    run.fail('a', 503)
    run.fire('step:a')
    run.fail('a', 400)
    const before = decisions()
    run.act('retry')
    run.fail('a', 503)
    run.fire('step:a')
    run.fail('a', 400)
    run.act('retry')

    expect(before).toEqual([[2, undefined]])
    expect(decisions().slice(before.length)).toEqual([
      [3, 2],
      [4, 2],
      [5, 4],
    ])
  })

  test('retry with another input keeps it, and is another thing to do', () => {
    const run = stopped()
    run.act('retry', { input: { amount: 1 } })
    run.fail('a', 503)
    run.fire('step:a')

    expect(run.bodies('ACTIVITY_REQUESTED')).toMatchObject([
      { attempt: 2, input: { amount: 1 }, idempotencyKey: `${SAGA}:a#1` },
      { attempt: 3, input: { amount: 1 }, idempotencyKey: `${SAGA}:a#1` },
    ])
    expect(run.view()).toMatchObject({ activities: { a: { input: { amount: 1 } } } })
  })

  test('no other input for what may have been carried out with the one it had: that would be done twice', () => {
    const unsure = begun(definitionOf([stepOf('a', '', { retry: NONE, ...compensated('a', { retry: NONE }) })]))
    unsure.fire('step:a')
    const refused = unsure.act('retry', { input: { amount: 1 } })
    unsure.act('retry')
    unsure.fail('a', 402)
    const still = unsure.act('retry', { input: { amount: 1 } })
    unsure.act('compensate')
    unsure.fire('undo:a')
    const undoing = unsure.act('retry', { input: { amount: 1 } })

    expect(refused).toBe(
      'refuse: The step a may have been carried out with the input it had, and another input would do it twice: retry it as it was, compensate it, or skip it.',
    )
    expect(still).toBe(refused)
    expect(undoing).toMatch(/^refuse: Taking back a may have been carried out .* retry it as it was, or skip it\.$/)
    const keys = unsure.bodies('ACTIVITY_REQUESTED').map(({ idempotencyKey }) => idempotencyKey)
    expect(keys).toEqual([`${SAGA}:a`, `${SAGA}:a`, `${SAGA}:a:undo`])
  })

  test('retry without a step is about all that failed; with one, the others stay as they are', () => {
    const all = bothFailed()
    all.act('retry')
    const single = bothFailed()
    single.act('retry', { step: 'b' })
    single.succeed('b')

    expect(all.said).toEqual(['JOURNEY_REMEDIATED retry', 'a #2', 'b #2'])
    expect(single.said).toEqual(['JOURNEY_REMEDIATED retry b', 'b #2', 'JOURNEY_NEEDS_REMEDIATION permanent [a]'])
  })

  test('a condition that failed is evaluated again, unless somebody says with which input the step runs', () => {
    const faulty = definitionOf([stepOf('a', '', { when: broken })])
    const again = begun(faulty).after()
    again.act('retry')
    const patched = begun(faulty).after()
    patched.act('retry', { input: 1 })

    expect(again.said).toEqual(['JOURNEY_REMEDIATED retry a', 'JOURNEY_NEEDS_REMEDIATION permanent [a]'])
    expect(patched.said).toEqual(['JOURNEY_REMEDIATED retry a', 'a #1'])
  })

  test.each<{ given: object; output: Json }>([
    { given: { output: { id: 7 } }, output: { id: 7 } },
    { given: {}, output: null },
  ])('skip gives $output in the place of a step, and what comes after it runs', ({ given, output }) => {
    const outputs = expressionOf('outputs', (scope) => ({ ...scope.outputs }))
    const run = stopped(definitionOf([stepOf('a'), stepOf('b'), stepOf('c', 'a', { input: outputs })]))
    run.act('skip', given)

    expect(run.bodies('ACTIVITY_REQUESTED').map(({ activity, input }) => ({ activity, input }))).toEqual([
      { activity: 'do-c', input: { a: output, b: null } },
    ])
    expect(run.view()).toMatchObject({ activities: { a: { state: 'skipped', output } } })
  })

  test('skip of one of several leaves the person to decide about the others', () => {
    const run = bothFailed()
    run.act('skip', { step: 'a' })

    expect(run.said).toEqual(['JOURNEY_REMEDIATED skip a'])
    expect(run.opened).toMatchObject({
      status: 'NEEDS_REMEDIATION',
      remediation: { error: 'b: neither', steps: ['b'] },
    })
    run.act('skip')
    expect(run.said).toEqual(['JOURNEY_REMEDIATED skip b', 'c #1'])
  })

  test('a step that may have been done, was retried and is done, is taken back once', () => {
    const run = begun(definitionOf([stepOf('a', '', compensated('a')), stepOf('b', 'a')])).after()
    for (let i = 0; i < 5; i++) run.fire('step:a')
    run.act('retry')
    run.succeed('a')
    expect(run.opened.order).toEqual(['a'])
    run.act('compensate')
    run.succeed('a:undo')

    expect(run.bodies('JOURNEY_COMPENSATED')[0]?.compensated).toEqual(['a'])
  })

  test('an output of the journey that cannot be made: retry tries again, skip gives another', () => {
    const run = noOutput()

    expect(remediationOf(run.opened)).toMatchObject({
      cause: 'permanent',
      steps: [],
      error: 'outputs.nobody.x: no such key: nobody',
    })
    expect(run.act('retry')).toBe('NEEDS_REMEDIATION')
    expect(run.act('skip', { output: 'done by hand' })).toBe('COMPLETED')
    expect(run.bodies('JOURNEY_COMPLETED')[0]?.output).toBe('done by hand')
  })

  test.each<{ promise: string; leftMs: number; deadlineMs: number }>([
    { promise: 'what was left of it', leftMs: 20_000, deadlineMs: 20_000 },
    // Three attempts with pauses of 200 and 400 ms between them.
    { promise: 'what the step may take, when that is more', leftMs: 100, deadlineMs: 3 * TIMEOUT_MS + 600 },
  ])('no deadline runs meanwhile; after it is $promise', ({ leftMs, deadlineMs }) => {
    const run = begun(two).after((one) => one.succeed('b'))
    run.nowMs += 60_000 - leftMs
    run.fail('a', 400)
    const timersMeanwhile = run.timers.size
    run.nowMs += 86_400_000
    run.act('retry')

    expect(timersMeanwhile).toBe(0)
    expect(run.timers.get('deadline')).toBe(run.nowMs + deadlineMs)
    expect(run.view()).toMatchObject({ deadline: new Date(run.nowMs + deadlineMs).toISOString() })
  })

  test('cancel abandons what runs and says who and why; an operator may also use the ordinary act', () => {
    const run = begun(two).after()

    expect(run.take({ act: 'cancel', ...BY })).toBe('CANCELLED')
    expect(run.bodies('JOURNEY_CANCELLED')).toMatchObject([BY])
    expect(run.states).toEqual({ a: 'abandoned', b: 'abandoned' })
    expect(run.timers.size).toBe(0)
    expect(run.take({ act: 'cancel', ...BY })).toBe('late')
  })
})
