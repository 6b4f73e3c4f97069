import { describe, expect, test } from 'vitest'
import { DISTRIBUTOR, PROCESS, ruleThatIs, type SidelineRun } from './sideline-run.ts'

describe('jobs', () => {
  test('go from each parking queue to the queue that it was filled from, paced as the command says', () => {
    const rule = ruleThatIs('active')
    rule.command('resume', { canary: 5, rate: 100, maxFailure: 20 })
    rule.measured(0, {
      parked: [
        { queue: PROCESS, count: 3 },
        { queue: DISTRIBUTOR, count: 0 },
        { queue: DISTRIBUTOR, count: 2 },
      ],
    })

    const [job] = rule.bodies('REPLAY_REQUESTED')
    const place = (queue: string) => ({ from: `ebs.sideline.acme.${queue}`, to: queue })
    expect(job).toEqual({
      ...{ type: 'REPLAY_REQUESTED', id: job?.id, act: 'replay', which: 'front', rule: `acme#${rule.opened.episode}` },
      sources: [
        { ...place(PROCESS), count: 3 },
        { ...place(DISTRIBUTOR), count: 2 },
      ],
      ...{ actor: 'ann', reason: 'acme is down', canary: 5, rate: 100, maxFailure: 20 },
    })
    expect(rule.view()).toMatchObject({ replay: job?.id, waitsFor: `replay ${job?.id} to end` })
    expect(rule.story).toEqual([
      'resume: ann: acme is down',
      'resuming',
      'measured: 3 of process_consume, 2 of distributor_consume',
      `replay requested: 5 messages, as ${job?.id}`,
    ])
  })

  test('have ids of their own, over all uses of a rule, also within one millisecond', () => {
    const rule = ruleThatIs('closed')
    rule.command('start')
    rule.settled()
    for (const _ of [1, 2]) {
      rule.command('resume')
      rule.measured(1)
      rule.ended('completed')
    }
    const ids = rule.bodies('REPLAY_REQUESTED').map(({ id }) => id)

    expect(new Set(ids).size).toBe(2)
    expect(ids.join()).toMatch(/^acme:[a-z0-9]+,acme:[a-z0-9]+$/)
  })

  test('that were resumed and end later than what was asked for meanwhile are followed by just that', () => {
    const rule = ruleThatIs('resuming')
    rule.command('resolve', { canary: 1 })
    rule.taken()

    rule.ended('completed')
    rule.settled()
    rule.measured(4)

    expect(rule.bodies('REPLAY_REQUESTED')).toMatchObject([{ canary: 1, sources: [{ count: 4 }] }])
    expect(rule.says()).toBe('settle measure replay 4')
  })

  test.each([
    {
      way: 'resuming, stopped',
      ask: (rule: SidelineRun) => rule.command('resume', { canary: 1 }),
      next: 'cancel measure',
    },
    {
      way: 'resolving, stopped',
      ask: (rule: SidelineRun) => rule.command('resolve', { canary: 1 }),
      next: 'cancel settle',
    },
    {
      way: 'draining, stopped',
      ask: (rule: SidelineRun) => rule.command('resolve', { ordered: true, canary: 1 }),
      next: 'cancel measure',
    },
  ] as const)(
    'that have stopped make way for another, when a rule that is $way is told so once more',
    ({ way, ask, next }) => {
      const rule = ruleThatIs(way)
      ask(rule)

      rule.ended('cancelled')

      expect(rule.says().replace(/ ?\(\w+\)/g, '')).toBe(next)
      if (next.endsWith('settle')) rule.settled()
      rule.measured(25)
      expect(rule.bodies('REPLAY_REQUESTED')).toMatchObject([{ canary: 1, sources: [{ count: 25 }] }])
    },
  )

  test('that stop say why, and what somebody can do', () => {
    const rule = ruleThatIs('resolving')
    rule.ended('stopped', { reason: '3 of 10 failed again' })

    const { id } = rule.opened.job ?? {}
    expect(rule.bodies('SIDELINE_CHANGED')).toMatchObject([
      { status: 'resolving', actor: 'ebs', reason: `replay ${id} has stopped: 3 of 10 failed again` },
    ])
    expect(rule.view()).toMatchObject({
      stopReason: '3 of 10 failed again',
      waitsFor: `somebody to act: replay ${id} has stopped: 3 of 10 failed again`,
    })
  })

  test('count in the history', () => {
    const rule = ruleThatIs('resolving')
    rule.ended('completed', { total: 30, handled: 28, failed: 3, reason: '2 dead again' })

    expect(rule.story).toEqual(['replay completed: 28 of 30 handled, 3 failed: 2 dead again'])
  })

  test('longest reasons fit', () => {
    const rule = ruleThatIs('resolving')
    const reason = 'x'.repeat(1_024)

    expect(rule.ended('stopped', { reason })).toBe('resolving')
    expect(rule.command('resolve', { reason })).toBe('resolving')
    expect(rule.ended('cancelled', { reason })).toBe('resolving')
  })
})

describe('a probe', () => {
  test('takes one message of the fullest queue, and comes again when it fails', () => {
    const rule = ruleThatIs('probing, measuring')
    rule.measured(0, {
      parked: [
        { queue: PROCESS, count: 3 },
        { queue: DISTRIBUTOR, count: 9 },
      ],
    })
    expect(rule.bodies('REPLAY_REQUESTED')).toMatchObject([
      { sources: [{ to: DISTRIBUTOR, count: 1 }], canary: 1, maxFailure: 0, actor: 'ebs' },
    ])
    rule.ended('stopped')
    expect(rule.bodies('REPLAY_COMMAND')).toMatchObject([
      { action: 'cancel', actor: 'ebs', reason: 'the probe failed' },
    ])

    rule.ended('cancelled')
    expect(rule.timers.get('probe')).toBe(rule.nowMs + 10_000)
    rule.taken()
    expect(rule.fire('probe')).toBe('active')
    expect(rule.says()).toBe('measure')
  })

  test('that was handled resolves the rule, and says so', () => {
    const rule = ruleThatIs('probing')
    rule.ended('completed')

    expect(rule.bodies('SIDELINE_CHANGED')).toMatchObject([
      { status: 'resolving', actor: 'ebs', reason: 'the probe was handled' },
    ])
  })

  test('that fails again and again comes less and less often, and leaves no more lines than the first', () => {
    const rule = ruleThatIs('probing')
    const waitsMs: number[] = []
    for (let round = 0; round < 6; round++) {
      rule.ended('stopped')
      rule.ended('cancelled')
      waitsMs.push((rule.timers.get('probe') ?? 0) - rule.nowMs)
      rule.fire('probe')
      rule.measured(30)
    }

    expect(waitsMs).toEqual([10_000, 20_000, 40_000, 50_000, 50_000, 50_000])
    expect(rule.story).toEqual(['replay stopped: so', 'replay cancelled: 1 of 3 handled, 0 failed: so'])
    expect(rule.view()).toMatchObject({ failedProbes: 6 })
  })

  test('that finds nothing parked leaves no line, and comes again as soon as before', () => {
    const rule = ruleThatIs('probing, measuring')
    rule.measured(0)

    expect([rule.story, rule.timers.get('probe')]).toEqual([[], rule.nowMs + 5_000])
  })

  test('comes as often as at first once somebody has acted, and what is done then is noted', () => {
    const rule = ruleThatIs('probing')
    rule.ended('stopped')
    rule.ended('cancelled')
    rule.command('resume')
    rule.measured(0)

    expect(rule.timers.get('probe')).toBe(rule.nowMs + 5_000)
    expect(rule.story.slice(-4)).toEqual([
      'resume: ann: acme is down',
      'resuming',
      'measured: nothing is parked',
      'active',
    ])
    expect(rule.view()).not.toHaveProperty('failedProbes')
  })

  test('is known by the id of its job, as no other job of the rule is', () => {
    const [probing, resuming] = [ruleThatIs('probing'), ruleThatIs('resuming')]

    expect(probing.opened.job?.id).toMatch(/^acme:probe\.[a-z0-9]+$/)
    expect(resuming.opened.job?.id).toMatch(/^acme:[a-z0-9]+$/)
  })

  test('is not made of a rule that asks for none', () => {
    expect(ruleThatIs('active').timers.size).toBe(0)
  })
})

test('an expiry resolves in the name of the platform, at its time', () => {
  const rule = ruleThatIs('closed')
  const expiresAt = new Date(rule.nowMs + 60_000).toISOString()
  rule.command('start', { expiresAt })
  rule.settled()
  expect(rule.timers.get('expiry')).toBe(rule.nowMs + 60_000)
  rule.taken()

  rule.fire('expiry')

  expect(rule.bodies('SIDELINE_CHANGED')).toMatchObject([{ status: 'resolving', actor: 'ebs', reason: 'expired' }])
  expect(rule.view()).toMatchObject({ expiresAt, lastCommand: { actor: 'ebs', reason: 'expired' }, actor: 'ann' })
})
