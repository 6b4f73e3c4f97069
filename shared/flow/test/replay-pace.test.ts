import { describe, expect, test } from 'vitest'
import { jobOf, rampOf, sourceOf } from './replay-run.ts'

describe('the canary', () => {
  test.each([
    { canary: undefined, count: 1_000, first: 'a 10' },
    { canary: undefined, count: 10, first: 'a 10' },
    { canary: undefined, count: 3, first: 'a 3' },
    { canary: 1, count: 1_000, first: 'a 1' },
    { canary: 25, count: 1_000, first: 'a 25' },
    { canary: 10_000, count: 20_000, first: 'a 500' },
    { canary: 0, count: 1_000, first: 'a 100' },
    { canary: 0, count: 7, first: 'a 7' },
  ])('of $canary out of $count begins with $first', ({ canary, count, first }) => {
    const job = jobOf({ sources: [sourceOf('a', count)], ...(canary !== undefined && { canary }) })

    expect(job.says()).toBe(first)
  })

  test('nothing more is sent before each of them has an outcome', () => {
    const job = jobOf()
    expect(job.says()).toBe('a 10')
    job.moved('a')
    job.tellAll('handled', 'a', 1, 9)
    expect([job.says(), job.view().phase]).toEqual(['', 'canary'])

    job.tell('parked', 'a.10')

    expect([job.says(), job.view().phase]).toEqual(['a 110', 'ramp'])
  })

  test('one that failed and is tried again has an outcome', () => {
    const job = jobOf()
    job.moved('a')
    job.tellAll('handled', 'a', 1, 9)

    job.tell('failing', 'a.10')

    expect(job.says()).toBe('a 10, a 109')
    expect(job.story.at(-1)).toBe('canary passed: 10 sent, 1 failed')
  })

  test('outcomes that overtake the word that their messages were moved count', () => {
    const job = jobOf()
    job.tellAll('handled', 'a', 1, 10)
    expect(job.says()).toBe('a 10')

    job.moved('a')

    expect(job.says()).toBe('a 110')
  })

  test('is taken from every source, and from the others when one has fewer than it was thought to have', () => {
    const job = jobOf({ sources: [sourceOf('a', 50), sourceOf('b', 50), sourceOf('c', 50)] })
    expect(job.says()).toBe('a 4, b 3, c 3')

    job.moved('b')
    job.moved('c')
    job.moved('a', 1, true)

    expect(job.says()).toBe('b 5, c 4')
    expect(job.view()).toMatchObject({ total: 101, moved: 7 })
  })
})

describe('the ramp', () => {
  test('begins with ten canaries, waits until half of them are through, and doubles with each window', () => {
    const job = rampOf({ sources: [sourceOf('a', 100_000)] })
    let done = 10
    const asked: number[] = []
    for (let i = 0; i < 14; i++) {
      const { upTo } = job
      job.moved('a')
      // Just as many outcomes as it takes to be asked for more.
      while (job.upTo === upTo) job.tell('handled', `a.${++done}`)
      asked.push(job.upTo - done)
    }

    expect(asked.slice(0, 3)).toEqual([100, 200, 200])
    expect(Math.max(...asked)).toBeLessThanOrEqual(2_000)
    expect(job.opened.window).toBe(2_000)
    expect(asked.every((outstanding, i) => outstanding >= (asked[i - 1] ?? 0) / 2)).toBe(true)
  })

  test.each([
    { canary: 1, window: 100 },
    { canary: 50, window: 500 },
    { canary: 500, window: 2_000 },
  ])('a canary of $canary opens a window of $window', ({ canary, window }) => {
    const job = jobOf({ canary, sources: [sourceOf('a', 100_000)] })
    job.moved('a')
    job.tellAll('handled', 'a', 1, canary)

    expect(job.opened.window).toBe(window)
    expect(job.upTo - canary).toBe(Math.min(window, 500))
  })

  test('sources take turns, and none waits for another', () => {
    const job = jobOf({ canary: 0, sources: [sourceOf('a', 1_000), sourceOf('b', 1_000), sourceOf('c', 5)] })
    expect(job.says()).toBe('a 34, b 33, c 5')
    job.tellAll('handled', 'a', 1, 34)
    job.tellAll('handled', 'b', 1, 33)
    expect(job.says()).toBe('')

    job.moved('b')

    // The one that has not answered may be slow; the other goes on.
    expect(job.says()).toBe('b 128')
  })

  test('what is dropped or archived has no outcome: as fast as it is moved, and then it is over', () => {
    const job = jobOf({ act: 'discard', sources: [sourceOf('a', 1_100), sourceOf('b', 3)] })
    expect(job.says()).toBe('a 500, b 3')
    job.moved('a')
    job.moved('b')
    job.moved('a')
    expect(job.moved('a')).toBe('completed')

    expect(job.says()).toBe('a 1000, a 1100, (completed)')
    expect(job.view()).toMatchObject({ handled: 1_103, moved: 1_103, pending: 0 })
    expect(job.story.at(-1)).toBe('completed: 1103 dropped')
  })

  test('what no queue wanted is handled when the exchange has it, whoever says what of it', () => {
    const job = jobOf({ sources: [{ from: 'ebs.unrouted', count: 2 }] })
    expect(job.tell('handled', 'a.1')).toBe('unknown')

    const end = job.take({ type: 'REPLAY_MOVED', job: 'job', from: 'ebs.unrouted', moved: 2, exhausted: false })

    expect(end).toBe('completed')
    expect(job.view()).toMatchObject({ handled: 2, failed: 0, pending: 0 })
  })
})

describe('the rate', () => {
  test.each([
    { rate: 50, first: 10, next: 50, gapMs: 200 },
    { rate: 3, first: 3, next: 3, gapMs: 1_000 },
    { rate: 1.5, first: 1, next: 1, gapMs: 667 },
    { rate: 0.01, first: 1, next: 1, gapMs: 100_000 },
    { rate: 100_000, first: 10, next: 100, gapMs: 1 },
  ])('$rate per second: first $first, and no more for $gapMs ms', ({ rate, first, next, gapMs }) => {
    const job = jobOf({ rate })
    expect([job.upTo, job.bodies('REPLAY_ERRAND')[0]?.rate]).toEqual([first, rate])
    const { nowMs } = job
    job.moved('a')
    job.tellAll('handled', 'a', 1, first)

    expect(job.upTo).toBe(first)
    job.fire('pace')

    expect(job.nowMs - nowMs).toBe(gapMs)
    expect(job.upTo).toBe(first + next)
  })

  test('a slow errand is waited for', () => {
    const job = jobOf({ rate: 5, sources: [sourceOf('a', 10), sourceOf('b', 10)] })
    expect(job.says()).toBe('a 5')
    job.fire('pace')
    expect(job.says()).toBe('')

    job.moved('a')

    expect(job.says()).toBe('b 5')
  })

  test('a clock that was set back does not stop it', () => {
    const job = jobOf({ rate: 10 })
    job.moved('a')
    job.nowMs -= 3_600_000

    job.tellAll('handled', 'a', 1, 10)

    expect(job.upTo).toBe(20)
  })
})

describe('in order', () => {
  test('each is handled before the next is sent', () => {
    const job = jobOf({ ordered: true, sources: [sourceOf('a', 3)] })
    expect(job.says()).toBe('a 1')
    job.moved('a')
    expect(job.says()).toBe('')
    job.tell('handled', 'a.1')
    expect(job.says()).toBe('a 2')
    job.tell('handled', 'a.2')
    job.moved('a')
    job.moved('a')
    expect(job.says()).toBe('a 3')
    expect(job.tell('handled', 'a.3')).toBe('completed')
  })

  test.each(['failing', 'dead'] as const)(
    'one that is $0 stops those behind it, whatever share may fail',
    (outcome) => {
      const job = jobOf({ ordered: true, maxFailure: 100, sources: [sourceOf('a', 3)] })
      job.moved('a')

      expect(job.tell(outcome, 'a.1')).toBe('stopped')
      expect(job.says()).toBe('a 1, (stopped)')
      expect(job.view().stopReason).toBe('a message failed again, and those behind it wait for it')
    },
  )

  test('when somebody has it go on, it waits for the one that failed', () => {
    const job = jobOf({ ordered: true, sources: [sourceOf('a', 3)] })
    job.moved('a')
    job.tell('failing', 'a.1')
    job.taken()

    job.command('resume')
    expect([job.says(), job.view().waitsFor]).toEqual(['', '1 retry'])
    job.tell('handled', 'a.1')

    expect(job.says()).toBe('a 2')
  })

  test('one that another rule sets aside is no failure', () => {
    const job = jobOf({ ordered: true, sources: [sourceOf('a', 3)] })
    job.moved('a')

    expect(job.tell('parked', 'a.1')).toBe('running')
    expect(job.says()).toBe('a 1, a 2')
  })
})
