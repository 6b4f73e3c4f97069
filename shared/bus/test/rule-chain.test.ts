import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Body } from '../../events.ts'
import type { Rule } from '../../operation-events.ts'
import { compileFilter } from '../filter.ts'
import { type ActiveRule, chainsOf, isJudged, scopeOf, useOf } from '../rule-chain.ts'
import { startedBody } from './bus-fixture.ts'
import { judgedOf, ruleOf, taskOf } from './rule-fixture.ts'

const active = (change: Partial<Rule> = {}, kind: ActiveRule['kind'] = 'park'): ActiveRule => {
  const rule = ruleOf(change)
  return { rule, kind, filter: compileFilter(rule.filter), unclear: { count: 0 } }
}

/** `park a`, `hold a` or `pass`. */
function verdictOf(rules: readonly ActiveRule[], { event, message } = taskOf(1), queue = 'work'): string {
  const verdict = chainsOf(rules).get(queue)?.judge(event, message) ?? { kind: 'pass' as const }
  return verdict.kind === 'pass' ? 'pass' : `${verdict.kind} ${verdict.rule.id}`
}

describe('which rule a message meets', () => {
  const acme = 'tenant == "acme"'
  const task = 'type == "TASK_CREATED"'
  const index = 'event.task.index == 1'

  test.each([
    { what: 'no rule', rules: [], verdict: 'pass' },
    { what: 'one that matches', rules: [active({ id: 'a' })], verdict: 'park a' },
    { what: 'one that holds', rules: [active({ id: 'a' }, 'hold')], verdict: 'hold a' },
    { what: 'another tenant', rules: [active({ filter: 'tenant == "other"' })], verdict: 'pass' },
    { what: 'another queue', rules: [active({ queues: ['other'] })], verdict: 'pass' },
    { what: 'a filter that demands another queue', rules: [active({ filter: 'queue == "other"' })], verdict: 'pass' },
    {
      what: 'a filter that demands this queue',
      rules: [active({ id: 'a', filter: 'queue == "work"' })],
      verdict: 'park a',
    },
    {
      what: 'the first by start, not by name',
      rules: [active({ id: 'a', episode: 2 }), active({ id: 'b', episode: 1 })],
      verdict: 'park b',
    },
    {
      what: 'the first by name of two that started at once',
      rules: [active({ id: 'b', episode: 1 }), active({ id: 'a', episode: 1 })],
      verdict: 'park a',
    },
    ...[
      [acme, task],
      [task, acme],
      [acme, index],
      [index, acme],
      [`tenant in ["x", "acme"]`, task],
      [index, 'key == "objects"'],
    ].map(([first = '', second = '']) => ({
      what: `${first} before ${second}`,
      rules: [active({ id: 'late', episode: 2, filter: second }), active({ id: 'early', episode: 1, filter: first })],
      verdict: 'park early',
    })),
    {
      what: 'a second one, when the first does not match',
      rules: [
        active({ id: 'a', episode: 1, filter: 'tenant == "acme" && event.task.index == 2' }),
        active({ id: 'b', episode: 2, filter: index }),
      ],
      verdict: 'park b',
    },
  ])('$what: $verdict', ({ rules, verdict }) => {
    expect(verdictOf(rules)).toBe(verdict)
  })

  test('a message that was released by one use of a rule is not set aside by it again, but by every other', () => {
    const rules = [active({ id: 'a', episode: 3 }), active({ id: 'b', episode: 4 })]
    const released = (uses: string) => taskOf(1, { headers: { 'x-ebs-released': uses } })

    expect(verdictOf(rules, released('a#3'))).toBe('park b')
    expect(verdictOf(rules, released('a#2'))).toBe('park a')
    expect(verdictOf(rules, released('b#4,a#3'))).toBe('pass')
  })

  test('filters see the headers of the message', () => {
    const rules = [active({ id: 'a', filter: 'headers["x-app"] == "web"' })]

    expect(verdictOf(rules, taskOf(1, { headers: { 'x-app': 'web' } }))).toBe('park a')
    expect(verdictOf(rules, taskOf(1))).toBe('pass')
  })

  test('what a filter cannot say is counted for its rule and does not match', () => {
    const rules = [active({ filter: 'event.task.absent == 1' }), active({ id: 's', filter: 'tenant == "acme"' })]
    const nobody = judgedOf(
      { type: 'TASK_STARTED', taskId: 't', objectId: 'o', processor: 'p', attempt: 1 },
      { tenant: null },
    )

    expect(verdictOf(rules, taskOf(1, { tenant: 'other' }))).toBe('pass')
    expect(rules.map(({ unclear }) => unclear.count)).toEqual([1, 0])
    // Looked up by its tenant, it is unclear all the same when there is none.
    expect(verdictOf(rules, nobody)).toBe('pass')
    expect(rules.map(({ unclear }) => unclear.count)).toEqual([2, 1])
  })

  test('gives what asking one rule after the other gives', () => {
    const filters = [
      acme,
      task,
      index,
      'tenant == "x"',
      'tenant in ["acme", "x"] && key == "objects"',
      'key == "k"',
      'true',
    ]
    const rule = fc.record({
      episode: fc.nat(20),
      filter: fc.constantFrom(...filters, 'type in ["TASK_CREATED"] && event.task.index > 0', '!(tenant == "acme")'),
      queues: fc.subarray(['work', 'other'], { minLength: 1 }),
      isReleased: fc.boolean(),
    })
    const verdicts = new Set<string>()
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 12 }), fc.constantFrom('acme', 'x', 'y', null), (specs, tenant) => {
        const rules = specs.map(({ isReleased: _, ...spec }, i) => active({ ...spec, id: `r${i}` }))
        const released = rules.filter((_, i) => specs[i]?.isReleased).map((one) => useOf(one.rule))
        const headers = { 'x-ebs-released': released.join(',') }
        const judged = tenant === null ? judgedOf(startedBody(1), { tenant, headers }) : taskOf(1, { tenant, headers })
        const scope = scopeOf(judged.event, 'work', judged.message.properties.headers)

        const first = rules
          .filter(({ rule: { queues } }) => queues.includes('work'))
          .filter(({ rule: one }) => !released.includes(useOf(one)))
          .filter(({ filter }) => filter.test(scope) === 'match')
          .toSorted((a, b) => a.rule.episode - b.rule.episode || (a.rule.id < b.rule.id ? -1 : 1))[0]
        const verdict = verdictOf(rules, judged)
        verdicts.add(verdict)
        expect(verdict).toBe(first ? `park ${first.rule.id}` : 'pass')
      }),
      { numRuns: 500 },
    )
    expect(verdicts.size).toBeGreaterThan(5)
  })
})

test.each<{ type: Body['type']; judged: boolean }>([
  { type: 'TASK_CREATED', judged: true },
  { type: 'OBJECT_COMPLETED', judged: true },
  { type: 'FLOW_CALLED', judged: true },
  { type: 'SIDELINE_COMMAND', judged: false },
  { type: 'SIDELINE_ERRAND', judged: false },
  { type: 'SIDELINE_SETTLED', judged: false },
  { type: 'REPLAY_REQUESTED', judged: false },
  { type: 'REPLAY_MOVED', judged: false },
  { type: 'REPLAY_ENDED', judged: false },
  { type: 'MESSAGE_DEAD', judged: false },
  { type: 'HELD_ERRAND', judged: false },
  { type: 'TIMERS_DUE', judged: false },
  { type: 'CONVERSATION_ASKED', judged: false },
])('rules apply to $type: $judged', ({ type, judged }) => {
  expect(isJudged(type)).toBe(judged)
})
