import { describe, expect, test } from 'vitest'
import { START_MS } from './decider-run.ts'
import { commandOf, FILTER, PROCESS, ruleThatIs, SidelineRun, type Way } from './sideline-run.ts'

/** Status, what is sent, and what is awaited after a command. */
const after = (rule: SidelineRun, status: string) =>
  status.startsWith('refuse') ? 'refused' : [status, rule.says()].filter(Boolean).join(' | ')

const ORDERED = { ordered: true }
const commands = {
  start: (rule: SidelineRun) => rule.command('start'),
  resume: (rule: SidelineRun) => rule.command('resume'),
  resolve: (rule: SidelineRun) => rule.command('resolve'),
  ordered: (rule: SidelineRun) => rule.command('resolve', ORDERED),
  discard: (rule: SidelineRun) => rule.command('discard'),
}
type Row = Record<keyof typeof commands, string>

const DISCARDED_LATER = 'discarding | lifted cancel (discarding)'
const refusedBut = (row: Partial<Row>): Row => ({
  ...{ start: 'refused', resume: 'refused', resolve: 'refused', ordered: 'refused', discard: 'refused' },
  ...row,
})
const atRest: Row = {
  start: 'duplicate',
  resume: 'resuming | measure (resuming)',
  resolve: 'resolving | lifted settle (resolving)',
  ordered: 'draining | measure (draining)',
  discard: 'discarding | lifted settle (discarding)',
}
const ended = refusedBut({ start: 'starting | park settle (starting)' })
const onItsWay = refusedBut({ resolve: 'duplicate', discard: 'discarding | settle (discarding)' })

const table: Record<Way, Row> = {
  starting: { ...atRest, resume: 'resuming | settle (resuming)' },
  active: atRest,
  'resuming, measuring': { ...atRest, resume: 'duplicate' },
  resuming: {
    start: 'duplicate',
    resume: 'duplicate',
    resolve: 'resolving | lifted (resolving)',
    ordered: 'draining | (draining)',
    discard: DISCARDED_LATER,
  },
  'resuming, stopped': {
    start: 'duplicate',
    resume: 'resuming | cancel (resuming)',
    resolve: 'resolving | lifted cancel (resolving)',
    ordered: 'draining | cancel (draining)',
    discard: DISCARDED_LATER,
  },
  'resolving, settling': onItsWay,
  'resolving, measuring': onItsWay,
  resolving: refusedBut({ resolve: 'duplicate', discard: 'discarding | cancel (discarding)' }),
  'resolving, stopped': refusedBut({
    resolve: 'resolving | cancel (resolving)',
    discard: 'discarding | cancel (discarding)',
  }),
  'resolving, cancelled': refusedBut({
    resolve: 'resolving | settle (resolving)',
    discard: 'discarding | settle (discarding)',
  }),
  'resolving, removing': onItsWay,
  'draining, measuring': refusedBut({ ...atRest, start: 'refused', resume: 'refused', ordered: 'duplicate' }),
  draining: refusedBut({
    resolve: 'resolving | lifted (resolving)',
    ordered: 'duplicate',
    discard: DISCARDED_LATER,
  }),
  'draining, stopped': refusedBut({
    resolve: 'resolving | lifted cancel (resolving)',
    ordered: 'draining | cancel (draining)',
    discard: DISCARDED_LATER,
  }),
  'draining, holding': refusedBut({ ...atRest, start: 'refused', resume: 'refused', ordered: 'duplicate' }),
  'draining, held, measuring': refusedBut({ ...atRest, start: 'refused', resume: 'refused', ordered: 'duplicate' }),
  'draining, held': refusedBut({
    resolve: 'resolving | lifted (resolving)',
    ordered: 'duplicate',
    discard: DISCARDED_LATER,
  }),
  'draining, drained': { ...onItsWay, ordered: 'duplicate' },
  'discarding, settling': refusedBut({ discard: 'duplicate' }),
  discarding: refusedBut({ discard: 'duplicate' }),
  'discarding, cancelled': refusedBut({ discard: 'discarding | settle (discarding)' }),
  'discarding, removing': refusedBut({ discard: 'duplicate' }),
  probing: {
    start: 'duplicate',
    resume: 'resuming | (resuming)',
    resolve: 'resolving | lifted (resolving)',
    ordered: 'draining | (draining)',
    discard: DISCARDED_LATER,
  },
  'probing, measuring': atRest,
  closed: ended,
  discarded: ended,
}
const cases = Object.entries(table).flatMap(([way, row]) =>
  Object.entries(row).map(([command, outcome]) => ({ way, command, outcome })),
)
const isWay = (way: string): way is Way => way in table
const isCommand = (command: string): command is keyof typeof commands => command in commands

test.each(cases)('$command of a rule that is $way: $outcome', ({ way, command, outcome }) => {
  if (!isWay(way) || !isCommand(command)) throw new Error(`no row for ${way} ${command}`)
  const rule = ruleThatIs(way)
  const before = JSON.stringify(rule.state)

  const said = after(rule, commands[command](rule))

  expect(said).toBe(outcome)
  const isChanged = outcome.includes('|')
  expect(JSON.stringify(rule.state) !== before).toBe(isChanged)
  expect(rule.story.some((line) => line.endsWith('ann: acme is down'))).toBe(isChanged)
})

describe('refusals say what to do', () => {
  test.each(['resume', 'resolve', 'discard'] as const)('%s of an id that there never was', (action) => {
    const rule = new SidelineRun()

    expect(rule.command(action)).toBe(
      "refuse: There is no sideline rule 'acme', and nothing was changed: list the rules for its id, or start it.",
    )
    expect(rule.state).toBeUndefined()
  })

  test.each([
    {
      what: 'a filter that does not compile',
      said: { filter: 'tenant ==' },
      reason: /^refuse: filter, character \d+: /,
    },
    { what: 'a filter that gives no answer', said: { filter: '1 + 1' }, reason: /^refuse: filter, .* true or false/ },
    {
      what: 'a queue that there is not',
      said: { queues: [PROCESS, 'nonsense'] },
      reason: /there is no nonsense; .*process_consume, distributor_consume, hub_consume$/,
    },
    {
      what: 'an expiry that has passed',
      said: { expiresAt: new Date(START_MS).toISOString() },
      reason: /^refuse: expiresAt: that time has passed/,
    },
  ])('start with $what', ({ said, reason }) => {
    const rule = new SidelineRun()

    expect(rule.command('start', said)).toMatch(reason)
    expect([rule.state, rule.sent]).toEqual([undefined, []])
  })

  test('start without a filter', () => {
    const { filter: _, ...bare } = commandOf('start')

    expect(new SidelineRun().take(bare)).toMatch(/^refuse: filter: missing/)
  })

  test.each([
    { what: 'filter', said: { filter: 'true' }, stands: FILTER },
    { what: 'queues', said: { queues: [PROCESS] }, stands: 'process_consume, distributor_consume' },
  ])('start with other $what shows those in force', ({ said, stands }) => {
    const rule = ruleThatIs('active')

    const answer = rule.command('start', said)

    expect(answer).toMatch(/^refuse: .*resolve it first\.$/)
    expect(answer).toContain(stands)
    expect(rule.command('start', { queues: ['distributor_consume', PROCESS, PROCESS] })).toBe('duplicate')
  })

  test('resolve in order of a rule that is lifted', () => {
    expect(ruleThatIs('resolving').command('resolve', ORDERED)).toMatch(/too late to resolve it in order/)
  })
})

describe('the record of a rule', () => {
  test('says what consumers need, and who started it', () => {
    const rule = new SidelineRun()
    const expiresAt = new Date(START_MS + 60_000).toISOString()

    rule.command('start', { queues: [PROCESS, PROCESS], expiresAt })

    expect(rule.bodies('SIDELINE_RULE').map((body) => body.rule)).toEqual([
      {
        ...{ id: 'acme', episode: START_MS, revision: START_MS, phase: 'park', filter: FILTER, queues: [PROCESS] },
        ...{ actor: 'ann', reason: 'acme is down', since: new Date(START_MS).toISOString(), expiresAt },
      },
    ])
  })

  test.each([
    { clock: 'stands still', stepMs: 1_000 },
    { clock: 'goes back', stepMs: -1_000 },
    { clock: 'goes on', stepMs: 1_000 },
  ])('has a revision that grows, and a new use has a new episode, when the clock $clock', ({ stepMs }) => {
    const rule = new SidelineRun()
    const play = () => {
      for (const step of [
        () => rule.command('start'),
        () => rule.settled(),
        () => rule.command('resolve', ORDERED),
        () => rule.measured(3),
        () => rule.settled(),
        () => rule.measured(0),
        () => rule.settled(),
        () => rule.measured(0),
        () => rule.removed(),
      ]) {
        step()
        rule.nowMs += stepMs
      }
    }

    play()
    play()

    const records = rule.bodies('SIDELINE_RULE').map((body) => body.rule)
    expect(records.map(({ phase }) => phase)).toEqual(['park', 'hold', 'lifted', 'park', 'hold', 'lifted'])
    for (const [i, { revision, episode }] of records.entries()) {
      expect(revision).toBeGreaterThan(records[i - 1]?.revision ?? 0)
      expect(episode).toBe(records[i < 3 ? 0 : 3]?.revision)
    }
    expect(rule.hasEnded).toBe(true)
  })
})
