import { describe, expect, test } from 'vitest'
import type { Body } from '../../../events.ts'
import { remediationOf } from '../remediation-item.ts'
import { BY, begun, definitionOf, JourneyRun, SAGA, stepOf } from './journey-run.ts'

const two = definitionOf([stepOf('a'), stepOf('b'), stepOf('c', 'a b')])
const stopped = () =>
  begun(two).after(
    (run) => run.fail('a', 400, 'no'),
    (run) => run.succeed('b'),
  )

describe('a command of a job is answered, and never a dead letter', () => {
  const command = (act: 'retry' | 'cancel', job = 'job1'): Body<'REMEDIATION_COMMAND'> => ({
    ...{ type: 'REMEDIATION_COMMAND', sagaId: SAGA, act, ...BY, job },
  })
  const done = (run: JourneyRun) =>
    run.sent
      .filter((one) => 'queue' in one && one.queue === 'hub_consume')
      .flatMap((one) => ('body' in one ? [one.body] : []))

  test.each<{ promise: string; run: () => JourneyRun; result: string; refused: string | undefined }>([
    { promise: 'carried out', run: stopped, result: 'RUNNING', refused: undefined },
    {
      promise: 'not now',
      run: () => begun(two),
      result: 'conflict',
      refused: 'is RUNNING (running): retry is not possible now',
    },
    {
      promise: 'ended',
      run: () => begun(two).after((one) => one.act('cancel')),
      result: 'late',
      refused: 'ended CANCELLED',
    },
    { promise: 'unknown', run: () => new JourneyRun(two), result: 'unknown', refused: 'There is no journey' },
  ])('$promise', ({ run: make, result, refused }) => {
    const run = make()

    expect(run.take(command('retry'))).toBe(result)
    expect(done(run)).toEqual([
      {
        type: 'REMEDIATION_DONE',
        job: 'job1',
        sagaId: SAGA,
        refused: refused === undefined ? undefined : expect.stringContaining(refused),
      },
    ])
  })

  test('said again by the same job it is done once, and answered again; another job may decide again', () => {
    const run = stopped()
    run.take(command('retry'))
    run.fail('a', 400)
    run.taken()

    expect(run.take(command('retry'))).toBe('duplicate')
    expect(done(run)).toEqual([{ type: 'REMEDIATION_DONE', job: 'job1', sagaId: SAGA, refused: undefined }])
    expect(run.take(command('retry', 'job2'))).toBe('RUNNING')
  })
})

describe('tickets', () => {
  const noted = (ticket: string): Body<'REMEDIATION_TICKET'> => ({
    type: 'REMEDIATION_TICKET',
    sagaId: SAGA,
    ticket,
    ...BY,
  })

  test('say where it is dealt with, also after the end, and can be taken away', () => {
    const run = stopped()
    run.take(noted('T-1'))
    const item = remediationOf(run.opened)
    const again = run.take(noted('T-1'))
    run.act('cancel')
    run.take(noted(''))

    expect([item?.ticket, again, run.opened.ticket, run.hasEnded]).toEqual(['T-1', 'duplicate', undefined, true])
    expect(run.story).toContain('ticket T-1: ann: a test')
    expect(new JourneyRun(two).take(noted('T-1'))).toBe(`refuse: There is no journey ${SAGA}, and nothing was changed.`)
  })
})
