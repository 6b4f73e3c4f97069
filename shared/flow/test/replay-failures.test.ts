import { describe, expect, test } from 'vitest'
import { jobOf, ReplayRun, rampOf } from './replay-run.ts'

describe('too many failures', () => {
  test.each([
    { maxFailure: 0, failures: 1 },
    { maxFailure: 10, failures: 2 },
    { maxFailure: 50, failures: 6 },
    { maxFailure: 99, failures: 10 },
  ])('of a canary of 10, $failures are more than $maxFailure %', ({ maxFailure, failures }) => {
    const job = jobOf({ maxFailure })
    job.moved('a')

    expect(job.tellAll('failing', 'a', 1, failures - 1)).toMatch(/running|^$/)
    expect(job.tell('dead', 'a.10')).toBe('stopped')
    expect(job.says()).toBe('a 10, (stopped)')
  })

  test('all may fail when that is what was asked for', () => {
    const job = jobOf({ maxFailure: 100 })
    job.moved('a')

    expect(job.tellAll('dead', 'a', 1, 10)).toBe('running')
    expect(job.says()).toBe('a 10, a 110')
  })

  test('in the ramp they stop it within a window', () => {
    const job = rampOf()
    job.moved('a')
    let failures = 0
    while (job.tell('failing', `a.${100 - failures}`) === 'running') failures++

    // 1 of 11 may fail, and 2 of 12 are too many.
    expect(failures).toBe(1)
    expect([job.says(), job.upTo]).toEqual(['(stopped)', 110])
    expect(job.story.at(-1)).toBe('stopped: 2 of 12 failed again, and at most 10 % may')
  })

  test('one that fails, fails again and dies counts once; so does one that is handled in the end', () => {
    const job = rampOf()
    job.moved('a')
    job.tell('failing', 'a.11')
    expect(job.tell('failing', 'a.11')).toBe('duplicate')
    job.tell('dead', 'a.11')
    expect(job.view()).toMatchObject({ failed: 1, dead: 1, retrying: 0 })

    job.tellAll('handled', 'a', 12, 30)
    job.tell('failing', 'a.31')
    job.tell('handled', 'a.31')

    expect(job.view()).toMatchObject({ failed: 2, dead: 1, handled: 30, retrying: 0, pending: 79 })
  })

  test('somebody has it go on in spite of them: a few first again, and what has failed is forgiven', () => {
    const job = jobOf()
    job.moved('a')
    job.tellAll('dead', 'a', 1, 2)
    job.taken()

    job.command('resume')
    expect(job.says()).toBe('a 20')
    job.moved('a')
    job.tellAll('handled', 'a', 3, 19)
    job.tell('dead', 'a.20')

    expect([job.says(), job.view().phase, job.view().stopReason]).toEqual(['a 120', 'ramp', undefined])
  })

  test('forgiven once is not forgiven for ever', () => {
    const job = jobOf({ maxFailure: 0 })
    job.moved('a')
    job.tell('dead', 'a.1')
    job.command('resume')
    job.moved('a')
    job.taken()

    expect(job.tell('dead', 'a.2')).toBe('stopped')
    expect(job.bodies('REPLAY_ENDED')).toMatchObject([{ status: 'stopped', failed: 2 }])
  })
})

test('a window that is full of retries waits for them, and says so', () => {
  const job = new ReplayRun()
  job.request({ canary: 0, maxFailure: 100 })
  job.moved('a')
  job.tellAll('failing', 'a', 1, 99)
  expect(job.view().waitsFor).toBeUndefined()
  job.tell('failing', 'a.100')
  job.taken()

  expect([job.view().waitsFor, job.upTo]).toEqual(['100 retries', 100])
  job.tellAll('dead', 'a', 1, 51)
  // The window has doubled: so many outcomes were known.
  expect(job.says()).not.toBe('')
})
