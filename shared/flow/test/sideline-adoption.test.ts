import { expect, test } from 'vitest'
import type { Rule } from '../../operation-events.ts'
import { recordIn, recordOf } from '../sideline-record.ts'
import { START_MS } from './decider-run.ts'
import { FILTER, PROCESS, ruleThatIs, SidelineRun } from './sideline-run.ts'

const found = (said: Partial<Rule> = {}): Rule => ({
  ...{ id: 'acme', episode: 100, revision: 200, phase: 'park', filter: FILTER, queues: [PROCESS] },
  ...{ actor: 'bob', reason: 'long ago', since: new Date(START_MS - 1_000).toISOString() },
  ...said,
})
const tell = (rule: SidelineRun, record: Rule) => rule.take({ type: 'SIDELINE_RULE', rule: record })

test.each([
  { phase: 'park', status: 'starting', says: 'settle (starting)' },
  { phase: 'hold', status: 'starting', says: 'park settle (starting)' },
  { phase: 'lifted', status: 'resolving', says: 'settle (resolving)' },
] as const)('a rule in the phase $phase that nobody knows is $status', ({ phase, status, says }) => {
  const rule = new SidelineRun()
  const expiresAt = new Date(START_MS + 5_000).toISOString()

  expect(tell(rule, found({ phase, expiresAt }))).toBe(status)

  expect(rule.says()).toBe(says)
  expect(rule.opened).toMatchObject({ episode: 100, actor: 'bob', queues: [PROCESS], filter: FILTER })
  expect(rule.timers.get('expiry')).toBe(START_MS + 5_000)
  if (phase === 'park') expect(recordIn(JSON.stringify(rule.state))).toEqual(found({ expiresAt }))
})

test.each([
  { parked: 0, says: 'measure remove (closed)', ends: true },
  { parked: 5, says: 'measure (resolving)', ends: false },
])('one that is lifted, with $parked parked: nothing is replayed that somebody may have wanted to drop', (row) => {
  const rule = new SidelineRun()
  tell(rule, found({ phase: 'lifted' }))
  rule.taken()

  rule.settled()
  rule.measured(row.parked)
  if (row.ends) rule.removed()

  expect(rule.says()).toBe(row.says)
  expect(rule.hasEnded).toBe(row.ends)
})

test.each(['resolve', 'discard'] as const)('%s says what is to become of what was found', (action) => {
  const rule = new SidelineRun()
  tell(rule, found({ phase: 'lifted' }))
  rule.settled()
  rule.measured(5)
  expect(rule.view().waitsFor).toBe(
    'somebody to act: the hub lost its database, and 5 messages are parked: resolve or discard',
  )
  rule.taken()

  rule.command(action)
  rule.settled()
  rule.measured(5)

  expect(rule.says()).toMatch(action === 'resolve' ? /replay 5$/ : /discard 5$/)
})

test('a rule knows its own records, and older ones', () => {
  const rule = ruleThatIs('active')
  const record = recordOf(rule.opened)

  expect(tell(rule, record)).toBe('duplicate')
  expect(tell(rule, { ...record, revision: record.revision - 1, phase: 'lifted' })).toBe('duplicate')
})

test.each(['active', 'closed', 'resuming'] as const)(
  'a newer record counts more than what is known of a rule that is %s',
  (way) => {
    const rule = ruleThatIs(way)
    const revision = rule.opened.revision + 1

    expect(tell(rule, found({ revision }))).toBe('starting')

    expect(rule.opened).toMatchObject({ revision, queues: [PROCESS] })
    // The job of the time before goes on to its end first: never two at once.
    expect(rule.says()).toBe(way === 'resuming' ? '(starting)' : 'settle (starting)')
    if (way === 'resuming') expect([rule.ended('completed'), rule.says()]).toEqual(['starting', 'settle'])
  },
)

test('S6: a record of the far future is nothing: no later one could be above it', () => {
  const rule = new SidelineRun()
  tell(rule, found({ revision: Number.MAX_SAFE_INTEGER }))

  expect(rule.state).toBeUndefined()
  expect(tell(rule, found())).toBe('starting')
})
