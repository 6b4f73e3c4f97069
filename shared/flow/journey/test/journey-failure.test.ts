import { describe, expect, test } from 'vitest'
import type { Json } from '../../../events.ts'
import { begun, DEADLINE_MS, definitionOf, type JourneyRun, stepOf } from './journey-run.ts'

const ok =
  (call: string, output?: Json) =>
  (run: JourneyRun): unknown =>
    run.succeed(call, output)

describe('when a step has failed for good', () => {
  const steps = [stepOf('a'), stepOf('b'), stepOf('c', 'a')]

  test('those that run are let finish, and no other begins', () => {
    const run = begun(definitionOf(steps)).after()
    run.fail('b', 400)
    run.succeed('a', 1)

    expect(run.said).toEqual(['JOURNEY_NEEDS_REMEDIATION permanent [b]'])
    expect(run.states).toEqual({ a: 'done', b: 'failed' })
    expect(run.timers.size).toBe(0)
  })

  test('with onFailure: fail, the journey is over', () => {
    const run = begun(definitionOf(steps, { onFailure: 'fail' })).after(ok('a'))
    run.fail('b', 400, 'no stock')
    run.succeed('c')

    expect(run.bodies('JOURNEY_FAILED')).toMatchObject([{ error: 'b: no stock', step: 'b' }])
    expect(run.view()).toMatchObject({ status: 'FAILED', error: 'b: no stock' })
  })

  test('its deadline abandons those that run, and a person decides', () => {
    const run = begun(definitionOf(steps)).after(ok('b'))
    run.fire('deadline')

    expect(run.opened.remediation).toMatchObject({
      cause: 'deadline',
      error: `the journey did not end by its deadline, ${new Date(run.nowMs).toISOString()}`,
      steps: ['a'],
    })
    expect(run.nowMs).toBe(run.opened.createdMs + DEADLINE_MS)
    expect(run.succeed('a')).toBe('late')
    expect(run.said).toEqual(['JOURNEY_NEEDS_REMEDIATION deadline [a]'])
  })

  test('what failed first is to blame, when the deadline passes after it', () => {
    const run = begun(definitionOf(steps)).after((one) => one.fail('b', 400))
    run.fire('deadline')

    expect(run.said).toEqual(['JOURNEY_NEEDS_REMEDIATION permanent [b a]'])
  })
})
