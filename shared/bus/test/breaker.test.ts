import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../clock.ts'
import type { Body } from '../../events.ts'
import { ruleId } from '../../operation-events.ts'
import type { BreakerSettings } from '../../service/breaker-settings.ts'
import { BREAKER_RULES_MAX, Breaker, breakerRuleId, compileBy } from '../breaker.ts'
import type { Message } from '../broker.ts'
import { compileFilter } from '../filter.ts'
import { scopeOf } from '../rule-chain.ts'
import { startedBody } from './bus-fixture.ts'
import { judgedOf, taskOf } from './rule-fixture.ts'

const settings: BreakerSettings = {
  share: 0.5,
  min: 4,
  windowMs: 10_000,
  probeMs: 5_000,
  by: 'tenant',
  byVariable: 'EBS_BREAKER_BY',
}

/** A breaker on the queue `work`, what it publishes, and the rules that are in force. */
function opened(change: Partial<BreakerSettings> = {}) {
  const clock = new VirtualClock(1_000_000)
  const published: Message[] = []
  const warnings: string[] = []
  const inForce = new Set<string>()
  const waiting: (() => void)[] = []
  const changeRules = () => {
    for (const resolve of waiting.splice(0)) resolve()
  }
  let refusals = 0
  const breaker = new Breaker({
    broker: {
      publish: async (message) => {
        if (refusals-- > 0) throw new Error('refused')
        published.push(message)
      },
    },
    service: 'processor',
    clock,
    log: { warn: (_: unknown, text = '') => void warnings.push(String(text)) },
    rules: {
      isInForce: (id) => inForce.has(id),
      inForce: () => [...inForce].map((id) => ({ id })),
      changed: () => new Promise((resolve) => waiting.push(resolve)),
    },
    settings: new Map([['work', { ...settings, ...change }]]),
  })
  const fail = (times: number, tenant: string | null = 'acme', queue = 'work') => {
    const of = (n: number) => (tenant === null ? judgedOf(startedBody(n), { tenant }) : taskOf(n, { tenant }))
    for (let n = 0; n < times; n++) breaker.observe(queue, of(n).event, true)
  }
  const commands = () => published.map(({ body }): Body<'SIDELINE_COMMAND'> => JSON.parse(body.toString()))
  const refuse = (times: number) => {
    refusals = times
  }
  return { breaker, clock, published, warnings, inForce, changeRules, fail, commands, refuse }
}

describe('the circuit breaker', () => {
  test('starts a rule for the tenant whose attempts fail, with the numbers', () => {
    const { fail, commands, published } = opened()

    fail(3, 'other')
    fail(4)

    expect(commands()).toEqual([
      {
        type: 'SIDELINE_COMMAND',
        action: 'start',
        id: 'breaker.work.acme',
        filter: 'tenant == "acme"',
        queues: ['work'],
        actor: 'breaker@processor',
        reason: '4 of 4 attempts failed within 10 s',
        probeMs: 5_000,
      },
    ])
    expect(published[0]).toMatchObject({
      exchange: 'ebs',
      key: 'sidelines.command',
      properties: { appId: 'processor' },
    })
  })

  test('leaves those alone of whom enough succeed, who have no tenant, and queues that it does not watch', () => {
    const { breaker, fail, commands } = opened()

    for (let n = 0; n < 40; n++) breaker.observe('work', taskOf(n).event, n % 3 === 2)
    fail(40, null)
    fail(40, 'acme', 'other')

    expect(commands()).toEqual([])
  })

  test('does not repeat itself while its rule starts or is in force', async () => {
    const { fail, commands, inForce, clock } = opened()

    fail(40)
    expect(commands()).toHaveLength(1)
    inForce.add('breaker.work.acme')
    await clock.advance(60_000)
    fail(40)
    expect(commands()).toHaveLength(1)

    inForce.clear()
    fail(4)
    expect(commands()).toHaveLength(2)
  })

  test('says that it sets messages aside when that is true: not when it asks, and not for rules of others', async () => {
    const { fail, warnings, inForce, changeRules, clock } = opened()

    fail(4)
    inForce.add('incident')
    changeRules()
    await clock.advance(0)
    expect(warnings).toEqual(['too much fails: the breaker asks for a rule'])

    inForce.add('breaker.work.acme')
    changeRules()
    await clock.advance(0)
    expect(warnings.slice(1)).toEqual(['the breaker sets aside what matches'])
  })

  test('tries again when its command could not be published', async () => {
    const { fail, commands, refuse, clock, warnings } = opened()
    refuse(1)

    fail(4)
    await clock.advance(0)
    fail(4)
    await clock.advance(0)

    expect(commands()).toHaveLength(1)
    expect(warnings).toContain('the breaker could not start its rule')
  })

  test('when all fail at once it sets aside no more than so many, and says so', async () => {
    const { fail, commands, inForce, warnings, clock } = opened()
    inForce.add('incident')
    inForce.add('breaker.other.acme')

    for (let n = 0; n < BREAKER_RULES_MAX + 20; n++) fail(8, `t${n}`)
    for (const { id } of commands()) inForce.add(id)
    for (let n = 0; n < BREAKER_RULES_MAX + 20; n++) fail(8, `t${n}`)

    expect(commands()).toHaveLength(BREAKER_RULES_MAX - 1)
    expect(warnings.filter((text) => text.startsWith('too many fail at once'))).toHaveLength(1)
    // Room for one that is over.
    inForce.delete('breaker.work.t0')
    fail(4, 'late')
    expect(commands().at(-1)?.id).toBe('breaker.work.late')
    fail(4, 'later')
    expect(commands()).toHaveLength(BREAKER_RULES_MAX)
    // One that was asked for and never came counts no longer.
    await clock.advance(30_000)
    fail(4, 'later')
    expect(commands().at(-1)?.id).toBe('breaker.work.later')
  })

  test('a command that could not be published takes no place', async () => {
    const { fail, commands, refuse, clock } = opened()
    refuse(BREAKER_RULES_MAX)
    for (let n = 0; n < BREAKER_RULES_MAX; n++) fail(4, `t${n}`)
    await clock.advance(0)

    fail(4, 'acme')

    expect(commands().map(({ id }) => id)).toEqual(['breaker.work.acme'])
  })

  test.each([
    { by: 'event.task.objectId', filter: 'event.task.objectId == "o0"', id: /^breaker\.work\.o0$/ },
    { by: 'event.task.index', filter: 'event.task.index == 1', id: /^breaker\.work\.1$/ },
    {
      by: 'tenant + "/" + type',
      filter: '(tenant + "/" + type) == "acme/TASK_CREATED"',
      id: /^breaker\.work\.acme_TASK_CREATED-[0-9a-f]{8}$/,
    },
    { by: 'event.task.index > 0', filter: '(event.task.index > 0) == true', id: /^breaker\.work\.true$/ },
  ])('by $by: $filter', ({ by, filter, id }) => {
    const { breaker, commands } = opened({ by })
    const { event } = taskOf(0)

    for (let n = 0; n < 4; n++) breaker.observe('work', event, true)

    expect(commands()).toMatchObject([{ filter, id: expect.stringMatching(id) }])
    expect(compileFilter(filter).test(scopeOf(event, 'work', {}))).toBe('match')
  })

  test.each(['"', '\\', '\n', 'ü', '\u2028', 'a"||true||"', '😀'])(
    'the tenant %j is written so that nobody else matches',
    (tenant) => {
      const { fail, commands } = opened()

      fail(4, tenant)

      const [command] = commands()
      const test = (of: string) =>
        compileFilter(command?.filter ?? '').test(scopeOf(taskOf(1, { tenant: of }).event, 'work', {}))
      expect([test(tenant), test('acme')]).toEqual(['match', 'no'])
    },
  )

  test.each(['\ud800', 'x'.repeat(129)])('a tenant that cannot be written (%j) is left alone', (tenant) => {
    const { breaker, commands } = opened()
    const { event } = taskOf(1)

    for (let n = 0; n < 8; n++) breaker.observe('work', { ...event, meta: { ...event.meta, tenant } }, true)

    expect(commands()).toEqual([])
  })

  test('remembers a bounded number of tenants: those heard of last', () => {
    const { fail, commands } = opened()
    fail(3, 'oldest')
    fail(3, 'kept')

    for (let n = 0; n < 9_999; n++) fail(1, `t${n}`)
    fail(1, 'kept')
    fail(1, 'oldest')

    expect(commands().map(({ id }) => id)).toEqual(['breaker.work.kept'])
  })
})

describe('ids of its rules', () => {
  test.each([
    { value: 'acme', id: 'breaker.process_consume.acme' },
    { value: 'a.b-c_1', id: 'breaker.process_consume.a.b-c_1' },
  ])('$value: $id', ({ value, id }) => {
    expect(breakerRuleId('process_consume', value)).toBe(id)
  })

  test('are legal and differ, whatever the values are', () => {
    const values = ['a b', 'a_b', 'a/b', '', 'ü', 'x'.repeat(100), `${'x'.repeat(100)}y`, '-']

    const ids = values.map((value) => breakerRuleId('process_consume', value))

    expect(new Set(ids).size).toBe(values.length)
    expect(ids.map((id) => ruleId.safeParse(id).success)).toEqual(values.map(() => true))
  })
})

test.each([
  { by: 'tenant ==', says: /character 10/ },
  { by: 'headers["x"]', says: /headers are not at hand/ },
])('$by is refused', ({ by, says }) => {
  expect(() => compileBy(by)).toThrow(says)
})
