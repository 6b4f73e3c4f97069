import { describe, expect, test } from 'vitest'
import { START_MS } from './decider-run.ts'
import { jobOf, ReplayRun, rampOf, requestOf, sourceOf } from './replay-run.ts'

test('a job brings everything back, and says so once', () => {
  const job = jobOf({ sources: [sourceOf('a', 3), sourceOf('b', 2)], rule: 'acme#7' })
  job.moved('a')
  job.moved('b')
  job.tellAll('handled', 'a', 1, 3)
  job.tell('parked', 'b.1')
  // 1 of 5 is more than 10 %, but nothing is left to be stopped.
  expect(job.tell('dead', 'b.2')).toBe('completed')

  expect(job.says()).toBe('a 3, b 2, (completed)')
  expect(job.story).toEqual([
    'requested: ann: fixed',
    'to replay: 3 of a.dead, 2 of b.dead',
    'completed: 3 handled, 1 dead again, 1 set aside again',
  ])
})

describe('requests', () => {
  test.each([
    { what: 'nothing', sources: [sourceOf('a', 0), sourceOf('b', 0)], reason: /^refuse: There is nothing to replay/ },
    { what: 'a source twice', sources: [sourceOf('a', 1), sourceOf('a', 2)], reason: /^refuse: sources: .*twice/ },
  ])('for $what are refused', ({ sources, reason }) => {
    const job = new ReplayRun()

    expect(job.request({ sources })).toMatch(reason)
    expect([job.state, job.sent]).toEqual([undefined, []])
  })

  test('carry over to the errands', () => {
    const job = jobOf({
      rule: 'acme#7',
      which: 'front',
      act: 'archive',
      rate: 7,
      sources: [sourceOf('a', 9), sourceOf('b', 0)],
    })

    expect(job.sent).toEqual([
      {
        body: {
          ...{ type: 'REPLAY_ERRAND', job: 'job', act: 'archive', from: 'a.dead', to: 'a', which: 'front' },
          ...{ rule: 'acme#7', upTo: 7, rate: 7 },
        },
        queue: 'hub_work',
      },
    ])
    expect(job.timers.get('errand:0')).toBe(START_MS + 60_000)
  })

  test.each([
    { of: 'a running job', way: [], answer: '' },
    { of: 'a paused job', way: ['pause'], answer: '' },
    { of: 'a cancelled job', way: ['cancel'], answer: '(cancelled)' },
  ] as const)('that are repeated change nothing of $of, and hear how it ended', ({ way, answer }) => {
    const job = jobOf()
    for (const action of way) job.command(action)
    job.taken()

    expect(job.request()).toBe('duplicate')
    expect(job.says()).toBe(answer)
  })

  test('that are repeated hear of a stop and of completion', () => {
    const job = jobOf({ sources: [sourceOf('a', 2)], maxFailure: 0 })
    job.moved('a')
    job.tell('failing', 'a.1')
    job.taken()
    job.request()
    expect(job.bodies('REPLAY_ENDED')).toMatchObject([
      { status: 'stopped', reason: '1 of 1 failed again, and at most 0 % may' },
    ])

    job.tellAll('handled', 'a', 1, 2)
    job.taken()
    job.request()

    expect(job.bodies('REPLAY_ENDED')).toMatchObject([{ status: 'completed', handled: 2, failed: 1, total: 2 }])
  })
})

describe('commands', () => {
  const ways = {
    running: [],
    paused: ['pause'],
    stopped: ['stop'],
    completed: ['complete'],
    cancelled: ['cancel'],
  } as const
  test.each([
    { way: 'running', action: 'pause', status: 'paused', says: '' },
    { way: 'running', action: 'resume', status: 'duplicate', says: '' },
    { way: 'running', action: 'cancel', status: 'cancelled', says: '(cancelled)' },
    { way: 'paused', action: 'pause', status: 'duplicate', says: '' },
    { way: 'paused', action: 'resume', status: 'running', says: '' },
    { way: 'paused', action: 'cancel', status: 'cancelled', says: '(cancelled)' },
    { way: 'stopped', action: 'pause', status: 'duplicate', says: '' },
    { way: 'stopped', action: 'resume', status: 'running', says: 'a 2' },
    { way: 'stopped', action: 'cancel', status: 'cancelled', says: '(cancelled)' },
    { way: 'completed', action: 'pause', status: 'late', says: '(completed)' },
    { way: 'completed', action: 'resume', status: 'late', says: '(completed)' },
    { way: 'completed', action: 'cancel', status: 'late', says: '(completed)' },
    { way: 'cancelled', action: 'pause', status: 'late', says: '(cancelled)' },
    { way: 'cancelled', action: 'resume', status: 'late', says: '(cancelled)' },
    { way: 'cancelled', action: 'cancel', status: 'late', says: '(cancelled)' },
  ] as const)('$action of a job that is $way: $status', ({ way, action, status, says }) => {
    const job = jobOf({ canary: 1, sources: [sourceOf('a', 2)] })
    job.moved('a')
    for (const step of ways[way])
      if (step === 'stop') job.tell('dead', 'a.1')
      else if (step === 'complete') {
        job.tell('handled', 'a.1')
        job.moved('a')
        job.tell('handled', 'a.2')
      } else job.command(step)
    job.taken()

    expect(job.command(action)).toBe(status)
    expect(job.says()).toBe(says)
    if (!['duplicate', 'late'].includes(status)) expect(job.story.at(-1)).toMatch(/^\w+: bob: because$/)
  })

  test('for a job that there is not are refused', () => {
    expect(new ReplayRun().command('cancel')).toMatch(/^refuse: There is no replay 'job', and nothing was changed/)
  })

  test('an operator of the hub cancels like anybody else', () => {
    const job = jobOf()

    expect(job.take({ act: 'cancel', actor: 'cleo', reason: 'no more' })).toBe('cancelled')
    expect(job.bodies('REPLAY_ENDED')).toMatchObject([{ status: 'cancelled', reason: 'cleo: no more' }])
    expect(job.take({ act: 'cancel', actor: 'cleo', reason: 'no more' })).toBe('late')
  })

  test('while it is paused nothing more is asked for, outcomes count, and it goes on where it was', () => {
    const job = rampOf()
    job.command('pause')
    job.moved('a')
    job.tellAll('handled', 'a', 11, 110)
    expect([job.says(), job.view()]).toMatchObject([
      '',
      { handled: 110, moved: 110, waitsFor: 'somebody to resume or cancel it' },
    ])

    job.command('resume')

    expect([job.says(), job.view().phase]).toEqual(['a 310', 'ramp'])
  })

  test('what was on its way when it was paused can be all there is', () => {
    const job = jobOf({ sources: [sourceOf('a', 2)] })
    job.command('pause')
    job.moved('a')
    job.tell('handled', 'a.1')

    expect(job.tell('handled', 'a.2')).toBe('completed')
  })

  test('a cancelled job still counts what was on its way, and then no more', () => {
    const job = rampOf()
    job.command('cancel')
    expect(job.hasEnded).toBe(true)
    job.taken()
    expect(job.moved('a', 12)).toBe('cancelled')
    expect(job.tell('handled', 'a.11')).toBe('cancelled')
    expect(job.moved('a', 110)).toBe('cancelled')
    expect(job.tellAll('handled', 'a', 12, 110)).toBe('cancelled')

    expect(job.tell('handled', 'a.111')).toBe('late')
    expect(job.moved('a')).toBe('late')
    expect(job.view()).toMatchObject({ moved: 110, handled: 110, pending: 0 })
    expect([job.says(), job.timers.size]).toEqual(['', 0])
  })
})

test('outcomes without a job, or of another, are none of its business', () => {
  const job = jobOf()

  expect(job.tell('handled', 'z.1')).toBe('unknown')
  expect(new ReplayRun().tell('handled', 'a.1')).toBe('unknown')
  expect(new ReplayRun().take({ type: 'REPLAY_MOVED', job: 'job', from: 'a.dead', moved: 1, exhausted: false })).toBe(
    'unknown',
  )
})

test('a completed job hears no more', () => {
  const job = jobOf({ sources: [sourceOf('a', 1)] })
  job.moved('a')
  job.tell('handled', 'a.1')

  expect([job.tell('handled', 'a.1'), job.moved('a'), job.take({ timer: 'pace', dueMs: 0 })]).toEqual([
    'late',
    'late',
    'late',
  ])
})

test('shows how it goes', () => {
  const job = rampOf({ rule: 'acme#7', rate: 10 })

  expect(job.view()).toEqual({
    ...{ act: 'replay', which: 'chosen', rule: 'acme#7', actor: 'ann', reason: 'fixed', canary: 10, maxFailure: 10 },
    ...{ ordered: false, rate: 10, phase: 'ramp', total: 1_000, moved: 10, handled: 10, failed: 0, dead: 0, parked: 0 },
    ...{ pending: 0, retrying: 0, sources: [{ from: 'a.dead', to: 'a', count: 1_000, moved: 10 }] },
  })
  expect(requestOf().id).toBe('job')
})
