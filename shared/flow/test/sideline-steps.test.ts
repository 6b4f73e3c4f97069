import { describe, expect, test } from 'vitest'
import { ruleThatIs, type SidelineRun, type Way } from './sideline-run.ts'

/** What an answer leads to: status and what is sent. */
type Row = { readonly way: Way; readonly answer: string; readonly outcome: string }
const answers: Record<string, (rule: SidelineRun) => string> = {
  settled: (rule) => rule.settled(),
  'settled but one': (rule) => rule.settled({ missing: ['processor at 10.0.0.7'] }),
  'settled but one, after 5 s': (rule) => {
    rule.nowMs += 5_000
    return rule.settled({ missing: ['processor at 10.0.0.7'] })
  },
  'settled but one, after 10 s': (rule) => {
    rule.nowMs += 10_000
    return rule.settled({ missing: ['processor at 10.0.0.7'] })
  },
  'settled an older revision': (rule) => rule.settled({ revision: rule.opened.revision - 1 }),
  '0 parked': (rule) => rule.measured(0),
  '0 parked, just before 8 s': (rule) => {
    rule.nowMs += 7_999
    return rule.measured(0)
  },
  '0 parked, after 8 s': (rule) => {
    rule.nowMs += 8_000
    return rule.measured(0)
  },
  '0 parked, with a clock set back by a minute': (rule) => {
    rule.nowMs -= 60_000
    return rule.measured(0)
  },
  '20 parked': (rule) => rule.measured(20),
  '21 parked': (rule) => rule.measured(21),
  'parked at an older revision': (rule) => rule.measured(3, { revision: rule.opened.revision - 1 }),
  'parked in a strange queue': (rule) => rule.measured(0, { parked: [{ queue: 'nonsense', count: 3 }] }),
  removed: (rule) => rule.removed(),
  completed: (rule) => rule.ended('completed'),
  'completed, none handled': (rule) => rule.ended('completed', { handled: 0 }),
  stopped: (rule) => rule.ended('stopped'),
  cancelled: (rule) => rule.ended('cancelled'),
  'completed another job': (rule) => rule.ended('completed', { id: 'acme:0' }),
  'completed for another use': (rule) => rule.ended('completed', { rule: 'acme#0' }),
  expiry: (rule) => rule.take({ timer: 'expiry', dueMs: 0 }),
  probe: (rule) => rule.take({ timer: 'probe', dueMs: 0 }),
  step: (rule) => rule.fire('step'),
  cancel: (rule) => rule.take({ act: 'cancel', actor: 'ann', reason: 'why not' }),
}

const table: readonly Row[] = [
  { way: 'starting', answer: 'settled', outcome: 'active | (active)' },
  { way: 'starting', answer: 'settled but one', outcome: 'starting |' },
  { way: 'starting', answer: 'settled but one, after 10 s', outcome: 'starting |' },
  { way: 'starting', answer: 'settled an older revision', outcome: 'stale' },
  { way: 'starting', answer: '0 parked', outcome: 'stale' },
  { way: 'starting', answer: 'expiry', outcome: 'resolving | lifted settle (resolving)' },
  { way: 'starting', answer: 'probe', outcome: 'stale' },
  { way: 'starting', answer: 'step', outcome: 'starting | settle' },
  { way: 'active', answer: 'settled', outcome: 'stale' },
  { way: 'active', answer: '21 parked', outcome: 'stale' },
  { way: 'active', answer: 'completed another job', outcome: 'stale' },
  { way: 'active', answer: 'expiry', outcome: 'resolving | lifted settle (resolving)' },
  { way: 'active', answer: 'probe', outcome: 'active | measure' },
  { way: 'active', answer: 'step', outcome: 'not armed' },
  { way: 'active', answer: 'cancel', outcome: 'unknown' },
  { way: 'resuming, measuring', answer: '0 parked', outcome: 'active | (active)' },
  { way: 'resuming, measuring', answer: '21 parked', outcome: 'resuming | replay 21' },
  { way: 'resuming, measuring', answer: 'parked in a strange queue', outcome: 'active | (active)' },
  { way: 'resuming, measuring', answer: 'parked at an older revision', outcome: 'stale' },
  { way: 'resuming, measuring', answer: 'step', outcome: 'resuming | measure' },
  { way: 'resuming', answer: '21 parked', outcome: 'stale' },
  { way: 'resuming', answer: 'completed', outcome: 'active | (active)' },
  { way: 'resuming', answer: 'completed another job', outcome: 'stale' },
  { way: 'resuming', answer: 'completed for another use', outcome: 'stale' },
  { way: 'resuming', answer: 'cancelled', outcome: 'active | (active)' },
  { way: 'resuming', answer: 'stopped', outcome: 'resuming | (resuming)' },
  { way: 'resuming', answer: 'expiry', outcome: 'resolving | lifted (resolving)' },
  { way: 'resuming', answer: 'probe', outcome: 'stale' },
  { way: 'resuming', answer: 'step', outcome: 'resuming | replay 30' },
  { way: 'resuming, stopped', answer: 'stopped', outcome: 'duplicate' },
  { way: 'resuming, stopped', answer: 'completed', outcome: 'active | (active)' },
  { way: 'resuming, stopped', answer: 'expiry', outcome: 'resolving | lifted cancel (resolving)' },
  { way: 'resolving, settling', answer: 'settled', outcome: 'resolving | measure' },
  { way: 'resolving, settling', answer: 'settled but one', outcome: 'resolving |' },
  { way: 'resolving, settling', answer: 'settled but one, after 10 s', outcome: 'resolving | measure' },
  { way: 'resolving, settling', answer: 'expiry', outcome: 'late' },
  { way: 'resolving, settling', answer: 'probe', outcome: 'stale' },
  { way: 'resolving, measuring', answer: '0 parked', outcome: 'resolving | remove' },
  { way: 'resolving, measuring', answer: '20 parked', outcome: 'resolving | replay 20' },
  { way: 'resolving', answer: 'completed', outcome: 'resolving | remove' },
  { way: 'resolving', answer: 'cancelled', outcome: 'resolving | (resolving)' },
  { way: 'resolving', answer: 'stopped', outcome: 'resolving | (resolving)' },
  { way: 'resolving, stopped', answer: 'completed', outcome: 'resolving | remove' },
  { way: 'resolving, cancelled', answer: 'step', outcome: 'not armed' },
  { way: 'resolving, cancelled', answer: 'completed', outcome: 'stale' },
  { way: 'resolving, removing', answer: 'removed', outcome: 'closed | (closed)' },
  { way: 'resolving, removing', answer: '21 parked', outcome: 'resolving | replay 21' },
  { way: 'resolving, removing', answer: '0 parked', outcome: 'resolving |' },
  { way: 'resolving, removing', answer: 'step', outcome: 'resolving | remove' },
  { way: 'draining, measuring', answer: '21 parked', outcome: 'draining | ordered replay 21' },
  { way: 'draining, measuring', answer: '20 parked', outcome: 'draining | hold settle' },
  { way: 'draining, measuring', answer: '0 parked', outcome: 'draining | hold settle' },
  { way: 'draining, measuring', answer: 'expiry', outcome: 'late' },
  { way: 'draining', answer: 'completed', outcome: 'draining | measure' },
  { way: 'draining', answer: 'cancelled', outcome: 'active | (active)' },
  { way: 'draining', answer: 'stopped', outcome: 'draining | (draining)' },
  { way: 'draining, stopped', answer: 'completed', outcome: 'draining | measure' },
  { way: 'draining, holding', answer: 'settled', outcome: 'draining | measure' },
  { way: 'draining, holding', answer: 'settled but one', outcome: 'draining |' },
  { way: 'draining, holding', answer: 'settled but one, after 5 s', outcome: 'draining | measure' },
  { way: 'draining, held, measuring', answer: '0 parked', outcome: 'resolving | lifted settle (resolving)' },
  {
    way: 'draining, held, measuring',
    answer: '0 parked, just before 8 s',
    outcome: 'resolving | lifted settle (resolving)',
  },
  { way: 'draining, held, measuring', answer: '0 parked, after 8 s', outcome: 'draining | hold settle' },
  {
    way: 'draining, held, measuring',
    answer: '0 parked, with a clock set back by a minute',
    outcome: 'draining | hold settle',
  },
  { way: 'draining, held, measuring', answer: '20 parked', outcome: 'draining | ordered replay 20' },
  { way: 'draining, held, measuring', answer: '21 parked', outcome: 'draining | park ordered replay 21' },
  { way: 'draining, held', answer: 'completed', outcome: 'draining | hold settle' },
  { way: 'draining, held', answer: 'stopped', outcome: 'draining | park (draining)' },
  { way: 'draining, held', answer: 'cancelled', outcome: 'starting | park settle (starting)' },
  { way: 'draining, drained', answer: 'settled', outcome: 'resolving | measure' },
  { way: 'discarding, settling', answer: 'settled', outcome: 'discarding | measure' },
  { way: 'discarding', answer: 'completed', outcome: 'discarding | remove' },
  { way: 'discarding', answer: 'cancelled', outcome: 'discarding | (discarding)' },
  { way: 'discarding', answer: 'expiry', outcome: 'late' },
  { way: 'discarding, removing', answer: 'removed', outcome: 'discarded | (discarded)' },
  { way: 'discarding, removing', answer: '21 parked', outcome: 'discarding | discard 21' },
  { way: 'probing, measuring', answer: '0 parked', outcome: 'active |' },
  { way: 'probing, measuring', answer: '21 parked', outcome: 'active | replay 1' },
  { way: 'probing, measuring', answer: 'probe', outcome: 'stale' },
  { way: 'probing', answer: 'completed', outcome: 'resolving | lifted settle (resolving)' },
  { way: 'probing', answer: 'completed, none handled', outcome: 'active |' },
  { way: 'probing', answer: 'stopped', outcome: 'active | cancel' },
  { way: 'probing', answer: 'cancelled', outcome: 'active |' },
  { way: 'probing', answer: 'expiry', outcome: 'resolving | lifted (resolving)' },
  { way: 'probing', answer: 'probe', outcome: 'stale' },
  { way: 'closed', answer: 'settled', outcome: 'late' },
  { way: 'closed', answer: 'removed', outcome: 'late' },
  { way: 'closed', answer: 'completed', outcome: 'late' },
  { way: 'discarded', answer: 'expiry', outcome: 'late' },
  { way: 'closed', answer: 'cancel', outcome: 'late' },
]

test.each(table)('a rule that is $way, at $answer: $outcome', ({ way, answer, outcome }) => {
  const rule = ruleThatIs(way)
  const before = JSON.stringify(rule.state)

  const status = answers[answer]?.(rule)
  const said = rule.says()

  expect(rule.last?.kind === 'change' ? `${status} | ${said}`.trim() : status).toBe(outcome)
  if (!outcome.includes('|')) expect([JSON.stringify(rule.state), said]).toEqual([before, ''])
})

describe('what is waited for', () => {
  test.each([
    { way: 'starting', inMs: 30_000, again: 'settle' },
    { way: 'resuming, measuring', inMs: 30_000, again: 'measure' },
    { way: 'resolving, removing', inMs: 30_000, again: 'remove' },
    { way: 'draining, held', inMs: 300_000, again: 'ordered replay 7' },
    { way: 'resuming, stopped', inMs: 300_000, again: 'replay 30' },
  ] as const)('$again is asked for again and again when no answer comes, while $way', ({ way, inMs, again }) => {
    const rule = ruleThatIs(way)
    for (const _ of [1, 2, 3]) {
      const before = rule.nowMs
      rule.fire('step')

      expect(rule.nowMs - before).toBe(inMs)
      expect(rule.says()).toBe(again)
    }
  })

  test('a cancelled job is asked for and cancelled again when its end is not heard of', () => {
    const rule = ruleThatIs('resuming')
    rule.command('discard')
    rule.taken()

    rule.fire('step')

    expect(rule.says()).toBe('replay 30 cancel')
    expect(rule.ended('stopped')).toBe('duplicate')
    expect(rule.ended('cancelled')).toBe('discarding')
    expect(rule.says()).toBe('settle')
  })

  test('consumers that are missing are asked for again after a second, and named until they have confirmed', () => {
    const rule = ruleThatIs('starting')
    const missing = ['processor at 10.0.0.7', 'distributor at 10.0.0.8']
    rule.settled({ missing })
    rule.settled({ missing })

    expect(rule.opened.missing).toEqual(missing)
    expect(rule.story).toEqual(['consumers have not confirmed: processor at 10.0.0.7, distributor at 10.0.0.8'])
    expect([rule.timers.get('step'), rule.view().waitsFor]).toEqual([
      rule.nowMs + 1_000,
      'consumers to confirm that it is in force: processor at 10.0.0.7, distributor at 10.0.0.8',
    ])
    rule.settled()
    expect([rule.opened.missing, rule.timers.size, rule.view().waitsFor]).toEqual([[], 0, undefined])
  })

  test('a hold that was counted too late begins again, and is lifted when it is counted in time', () => {
    const rule = ruleThatIs('draining, held, measuring')
    rule.nowMs += 9_000
    rule.measured(0)
    rule.settled()
    rule.nowMs += 1_000
    rule.taken()

    rule.measured(0)

    expect(rule.says()).toBe('lifted settle (resolving)')
    expect(rule.story).toContain('took too long: consumers may have set messages aside again: they hold once more')
  })

  test('a clock that was set back by an hour does not prolong the wait for consumers', () => {
    const rule = ruleThatIs('resolving, settling')
    rule.nowMs -= 3_600_000

    rule.settled({ missing: ['processor at 10.0.0.7'] })

    expect(rule.says()).toBe('measure')
    expect(rule.story).toContain('goes on without them: processor at 10.0.0.7')
  })
})
