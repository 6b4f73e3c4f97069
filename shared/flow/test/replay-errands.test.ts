import { describe, expect, test } from 'vitest'
import { jobOf, type ReplayRun, rampOf, sourceOf } from './replay-run.ts'

describe('errands', () => {
  test('are sent again after a minute without an answer, and only then', () => {
    const job = jobOf({ sources: [sourceOf('a', 20), sourceOf('b', 20)] })
    job.moved('b')
    job.taken()
    const { nowMs } = job

    expect([...job.timers.keys()]).toEqual(['errand:0'])
    job.fire('errand:0')
    expect([job.says(), job.nowMs - nowMs]).toEqual(['a 5', 60_000])
    job.fire('errand:0')
    expect(job.says()).toBe('a 5')
  })

  test('are not sent again while it is paused, but when it goes on', () => {
    const job = jobOf()
    job.command('pause')
    job.taken()
    expect(job.fire('errand:0')).toBe('late')
    expect(job.says()).toBe('')

    job.command('resume')

    expect(job.says()).toBe('a 10')
    expect(job.timers.has('errand:0')).toBe(true)
  })

  test('that were run in part are sent again for the rest', () => {
    const job = jobOf()
    job.taken()

    job.moved('a', 4)
    expect([job.says(), job.view().moved]).toEqual(['a 10', 4])
    expect(job.moved('a', 4)).toBe('stale')
    expect(job.moved('a', 3)).toBe('stale')
    job.moved('a', 10)

    expect([job.says(), job.view().moved, job.timers.size]).toEqual(['', 10, 0])
  })

  test.each([
    { what: 'another source', moved: (job: ReplayRun) => job.moved('z', 1), answer: 'unknown' },
    { what: 'the same again', moved: (job: ReplayRun) => job.moved('a', 10), answer: 'stale' },
    { what: 'fewer than before', moved: (job: ReplayRun) => job.moved('a', 2), answer: 'stale' },
  ])('an answer about $what changes nothing', ({ moved, answer }) => {
    const job = jobOf()
    job.moved('a')
    const before = JSON.stringify(job.state)

    expect(moved(job)).toBe(answer)
    expect(JSON.stringify(job.state)).toBe(before)
  })

  test('an answer about more than was asked for counts, up to what there is', () => {
    const job = jobOf({ sources: [sourceOf('a', 20)] })
    expect([job.moved('a', 11), job.view().moved, job.upTo]).toEqual(['running', 11, 11])

    expect([job.moved('a', 21), job.view().moved, job.upTo]).toEqual(['running', 20, 20])
  })

  test.each([
    { what: 'pause', upTo: 100, says: 'a 100' },
    // All that are on their way are awaited first.
    { what: 'stop', upTo: 40, says: '' },
    { what: 'cancel', upTo: 40, says: '(cancelled)' },
  ] as const)('that were cut short by a $what', ({ what, upTo, says }) => {
    const job = jobOf({ maxFailure: 0, canary: 0 })
    if (what === 'stop') job.tell('failing', 'a.1')
    else job.command(what)
    job.moved('a', 40)
    expect([job.upTo, job.view().moved]).toEqual([upTo, 40])
    job.taken()

    job.command('resume')

    expect(job.says()).toBe(says)
  })

  test('that were cut short by a stop do not make the next canary larger', () => {
    const job = rampOf({ maxFailure: 0 })
    job.tell('failing', 'a.11')
    job.moved('a', 40)
    job.taken()
    job.command('resume')

    expect(job.says()).toBe('a 50')
  })

  test('a source that holds fewer makes the job smaller', () => {
    const job = jobOf({ sources: [sourceOf('a', 20)] })
    job.moved('a', 6, true)
    expect(job.view()).toMatchObject({ total: 6, moved: 6, sources: [{ from: 'a.dead', to: 'a', count: 6, moved: 6 }] })

    job.tellAll('handled', 'a', 1, 5)

    expect(job.tell('handled', 'a.6')).toBe('completed')
    expect(job.bodies('REPLAY_ENDED')).toMatchObject([{ total: 6, handled: 6 }])
    expect(job.story).toContain('fewer than asked for: a.dead held 14 fewer')
  })

  test('a source that holds nothing any more ends the job', () => {
    expect(jobOf().moved('a', 0, true)).toBe('completed')
  })
})
