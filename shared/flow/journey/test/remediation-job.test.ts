import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Body } from '../../../events.ts'
import { DeciderRun } from '../../test/decider-run.ts'
import { remediationJobKind } from '../remediation-job.ts'

const names = (count: number) => Array.from({ length: count }, (_, i) => `j${i + 1}`)

class JobRun extends DeciderRun<Parameters<typeof remediationJobKind.view>[0]> {
  constructor() {
    super(remediationJobKind)
  }

  /** Each at revision 7. */
  request(ids: readonly string[], said: Partial<Body<'REMEDIATION_REQUESTED'>> = {}): string {
    const by = { actor: 'ann', reason: 'bank is back' }
    return this.take({
      type: 'REMEDIATION_REQUESTED',
      id: 'job',
      journeys: ids.map((id) => ({ id, revision: 7 })),
      act: 'retry',
      ...by,
      ...said,
    })
  }

  answer(sagaId: string, refused?: string): string {
    return this.take({ type: 'REMEDIATION_DONE', job: 'job', sagaId, ...(refused !== undefined && { refused }) })
  }

  get pauseMs(): number {
    return (this.timers.get('again') ?? 0) - this.nowMs
  }

  /** Who was asked, in order, each as often as it was. */
  get asked(): readonly string[] {
    return this.sent.flatMap((one) =>
      'queue' in one && one.body.type === 'REMEDIATION_COMMAND' && one.queue === 'hub_consume' ? [one.body.sagaId] : [],
    )
  }
}

test('each journey gets the decision with who made it and why, and the job ends when all have answered', () => {
  const run = new JobRun()

  expect(run.request(['a', 'b'], { step: 'charge', input: { card: 2 } })).toBe('running')
  expect(run.sent[0]).toEqual({
    queue: 'hub_consume',
    body: {
      ...{
        type: 'REMEDIATION_COMMAND',
        sagaId: 'a',
        revision: 7,
        job: 'job',
        act: 'retry',
        step: 'charge',
        input: { card: 2 },
      },
      ...{ output: undefined, actor: 'ann', reason: 'bank is back' },
    },
  })
  expect(run.answer('a')).toBe('running')
  expect(run.answer('b', 'it is COMPLETED')).toBe('completed')

  expect(run.view()).toMatchObject({ total: 2, done: 1, refused: 1, pending: 0, status: 'completed' })
  expect(run.view().refusals).toEqual([{ sagaId: 'b', reason: 'it is COMPLETED' }])
  expect(run.timers.size).toBe(0)
  expect(run.history.at(-1)).toEqual({ what: 'completed', detail: '1 done, 1 refused' })
})

test('no more than 200 are asked at once, and each answer makes room for one more', () => {
  const run = new JobRun()
  run.request(names(250))
  expect(run.asked).toEqual(names(200))

  run.answer('j7')

  expect(run.asked).toEqual(names(201))
})

test('a name that is there twice is asked once; an answer of nobody who was asked, or a second one, changes nothing', () => {
  const run = new JobRun()
  run.request(['a', 'a', 'b'])
  expect(run.asked).toEqual(['a', 'b'])

  expect([run.answer('c'), run.answer('a'), run.answer('a')]).toEqual(['duplicate', 'running', 'duplicate'])
  expect(run.request(['x'])).toBe('duplicate')
  expect(run.view()).toMatchObject({ total: 2, done: 1, pending: 1 })
})

test('who does not answer within a minute is asked again', () => {
  const run = new JobRun()
  run.request(['a', 'b'])
  run.answer('a')

  expect(run.fire('again')).toBe('running')

  expect(run.asked).toEqual(['a', 'b', 'b'])
})

test('the pause before asking again doubles up to an hour while nobody answers, and is a minute after an answer', () => {
  const run = new JobRun()
  run.request(['a', 'b'])
  const pauses = [run.pauseMs]

  for (let n = 0; n < 8; n++) {
    run.fire('again')
    pauses.push(run.pauseMs)
  }
  run.answer('a')

  expect(pauses.map((ms) => ms / 60_000)).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60])
  expect(run.pauseMs).toBe(60_000)
})

test('cancelled: nobody else is asked, and what comes in is counted no more', () => {
  const run = new JobRun()
  run.request(names(300))

  expect(run.take({ act: 'cancel', actor: 'bob', reason: 'wrong filter' })).toBe('cancelled')

  run.answer('j1')
  expect(run.asked).toHaveLength(200)
  expect(run.hasEnded).toBe(true)
  expect(run.history).toContainEqual({ what: 'cancelled', detail: 'bob: wrong filter' })
})

test('whatever the order of answers, repeated or not, each journey is asked and counted once', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 450 }), fc.infiniteStream(fc.nat()), (count, picks) => {
      const run = new JobRun()
      run.request(names(count))
      for (let left = count * 3; left > 0 && !run.hasEnded; left--) {
        const asked = (run.state?.asked ?? []).map(({ id }) => id)
        const [pick] = picks.take(1)
        const one = asked[(pick ?? 0) % asked.length] ?? 'j0'
        run.answer(one, (pick ?? 0) % 3 === 0 ? 'no' : undefined)
        run.answer(one)
      }
      expect(run.asked).toEqual(names(count))
      expect(Number(run.view().done) + Number(run.view().refused)).toBe(count)
      expect(run.hasEnded).toBe(true)
    }),
    { numRuns: 30 },
  )
})
