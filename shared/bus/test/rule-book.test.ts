import { describe, expect, test } from 'vitest'
import { parkingQueueOf } from '../../topology.ts'
import { HOLD_MS_MAX, type RuleBook } from '../rule-book.ts'
import { eventually } from './bus-fixture.ts'
import {
  bookOn,
  controlLog,
  type Judged,
  member,
  openVirtual,
  partsOf,
  record,
  ruleOf,
  say,
  taskOf,
} from './rule-fixture.ts'

const verdictOf = (book: RuleBook, { event, message }: Judged = taskOf(1), queue = 'work') => {
  const verdict = book.judge(queue, event, message)
  return verdict.kind === 'pass' ? 'pass' : `${verdict.kind} ${verdict.rule.id}@${verdict.rule.revision}`
}

describe('rules of the broker', () => {
  test('those that are there are known when it is loaded, and changes are followed', async () => {
    const { site, broker, bus } = openVirtual()
    await using _ = site
    await say(broker, ruleOf({ id: 'old', revision: 1 }))
    await say(broker, ruleOf({ id: 'gone', revision: 2 }))
    await say(broker, ruleOf({ id: 'gone', revision: 3, phase: 'lifted' }))
    const book = bookOn(bus)

    await book.loaded()

    expect(verdictOf(book)).toBe('park old@1')
    expect(book.inForce().map(({ id }) => id)).toEqual(['old'])
    expect([book.isInForce('old'), book.isInForce('gone'), book.isInForce('none')]).toEqual([true, false, false])
    const changed = book.changed()
    await say(broker, ruleOf({ id: 'old', revision: 4, phase: 'lifted' }))
    await changed
    expect(verdictOf(book)).toBe('pass')
  })

  test('a book that nobody asks to load reads nothing', async () => {
    const { site, broker, bus } = openVirtual()
    await using _ = site
    const book = bookOn(bus)

    await say(broker, ruleOf())

    expect(await broker.inspect('ebs.control')).toMatchObject({ consumers: 0 })
    expect(verdictOf(book)).toBe('pass')
  })

  test('loading that failed is tried again by the next one who asks', async () => {
    const { site, broker, bus } = openVirtual()
    await using _ = site
    let isBroken = true
    const follow: typeof broker.follow = (stream, onMessage) =>
      isBroken ? Promise.reject(new Error('no such stream')) : broker.follow(stream, onMessage)
    const book = bookOn(bus, { broker: { ...partsOf(broker), follow } })

    await expect(book.loaded()).rejects.toThrow('no such stream')
    isBroken = false
    await say(broker, ruleOf())
    await book.loaded()

    expect(verdictOf(book)).toBe('park r@1')
  })

  test('events by which rules are changed pass, whatever the rules say', async () => {
    const { site, broker, bus } = openVirtual()
    await using _ = site
    await say(broker, ruleOf({ filter: 'true' }))
    const book = bookOn(bus)
    await book.loaded()

    const { event, message } = taskOf(1)
    const own = {
      ...event,
      type: 'SIDELINE_COMMAND' as const,
      data: { type: 'SIDELINE_COMMAND' as const, action: 'resolve' as const, id: 'r', actor: 'a', reason: 'r' },
    }

    expect(book.judge('work', own, message).kind).toBe('pass')
    expect(book.judge('work', event, message).kind).toBe('park')
  })

  test('what is held is parked after ten seconds, when nobody lifts the rule, and whoever holds it is told', async () => {
    const { clock, site, broker, bus } = openVirtual()
    await using _ = site
    const book = bookOn(bus)
    await book.loaded()
    await say(broker, ruleOf({ revision: 1, phase: 'hold' }))
    await eventually(() => expect(verdictOf(book)).toBe('hold r@1'))

    await clock.advance(HOLD_MS_MAX - 1)
    expect(verdictOf(book)).toBe('hold r@1')
    const changed = book.changed()
    await clock.advance(1)
    await changed
    expect(verdictOf(book)).toBe('park r@1')

    // The same record again does not hold again; another hold does.
    await say(broker, ruleOf({ revision: 1, phase: 'hold' }))
    await say(broker, ruleOf({ revision: 2, phase: 'hold' }))
    await eventually(() => expect(verdictOf(book)).toBe('hold r@2'))
  })

  test('a hold that was followed by another revision in time ends with it', async () => {
    const { clock, site, broker, bus } = openVirtual()
    await using _ = site
    const book = bookOn(bus)
    await book.loaded()
    await say(broker, ruleOf({ revision: 1, phase: 'hold' }))
    await clock.advance(HOLD_MS_MAX - 1_000)
    await say(broker, ruleOf({ revision: 2, phase: 'hold' }))
    await eventually(() => expect(verdictOf(book)).toBe('hold r@2'))

    await clock.advance(2_000)

    expect(verdictOf(book)).toBe('hold r@2')
  })

  test('unclear evaluations are counted by rule', async () => {
    const { site, broker, bus } = openVirtual()
    await using _ = site
    const counts = new Map<string, { count: number }>()
    const unclearOf = (rule: string) => {
      const count = counts.get(rule) ?? { count: 0 }
      counts.set(rule, count)
      return count
    }
    await say(broker, ruleOf({ filter: 'event.absent == 1' }))
    const book = bookOn(bus, { unclearOf })
    await book.loaded()

    verdictOf(book)
    verdictOf(book)

    expect(counts.get('r')?.count).toBe(2)
  })
})

describe('records that cannot be read', () => {
  test('are skipped, counted and confirmed with what is wrong, and the others hold', async () => {
    const { site, broker, bus } = openVirtual()
    await using _ = site
    let unreadable = 0
    const log = await controlLog(broker)
    const book = bookOn(bus, { onUnreadable: () => unreadable++ })
    book.join(member('c1'))
    await record(broker, Buffer.from('{'), { type: 'SIDELINE_RULE' })
    await record(broker, Buffer.from('nonsense'))
    await record(broker, { type: 'SIDELINE_RULE', rule: { ...ruleOf({ id: 'new' }), phase: 'slow' } })
    await say(broker, ruleOf({ id: 'bad', revision: 2, filter: 'tenant = 1' }))
    await record(broker, { type: 'FROM_A_LATER_VERSION' }, { type: 'FROM_A_LATER_VERSION' })
    await record(broker, Buffer.from('{'), { type: 'SIDELINE_APPLIED' })
    await say(broker, ruleOf({ id: 'good', revision: 3 }))

    await book.loaded()

    expect(unreadable).toBe(4)
    expect(verdictOf(book)).toBe('park good@3')
    await eventually(() => expect(log.applied().toSorted()).toEqual(['c1 bad 2', 'c1 good 3', 'c1 new 1']))
    expect(log.problems()).toEqual([expect.stringMatching(/phase/), expect.stringMatching(/equal is ==/)])
  })
})

test('S6: a record of the far future is counted and not acted by or confirmed: what the hub says of its rule holds', async () => {
  const { site, broker, bus } = openVirtual()
  await using _ = site
  let unreadable = 0
  const log = await controlLog(broker)
  const book = bookOn(bus, { onUnreadable: () => unreadable++ })
  book.join(member('c1'))
  await say(broker, ruleOf({ revision: 1 }))
  await say(broker, ruleOf({ revision: Number.MAX_SAFE_INTEGER, filter: 'true' }))
  const future = { ...ruleOf({ revision: Number.MAX_SAFE_INTEGER }), phase: 'slow' }
  await record(broker, { type: 'SIDELINE_RULE', rule: future }, { type: 'SIDELINE_RULE' })
  await book.loaded()
  expect([verdictOf(book), unreadable]).toEqual(['park r@1', 2])

  await say(broker, ruleOf({ revision: 2, phase: 'lifted' }))

  await eventually(() => expect(log.applied()).toContain('c1 r 2'))
  expect(new Set(log.applied())).toEqual(new Set(['c1 r 1', 'c1 r 2']))
  expect(verdictOf(book)).toBe('pass')
})

test('a parking queue that is gone is made again while its rule is in force, and not once it is over', async () => {
  const { site, broker, bus, clock } = openVirtual()
  await using _ = site
  const book = bookOn(bus)
  await say(broker, ruleOf())
  await book.loaded()

  await book.restore('r', 'work')
  expect(await broker.inspect(parkingQueueOf('r', 'work'))).toMatchObject({ messages: 0 })

  await broker.removeEmpty(parkingQueueOf('r', 'work'))
  await say(broker, ruleOf({ revision: 2, phase: 'lifted' }))
  await clock.advance(100)
  await expect(book.restore('r', 'work')).rejects.toThrow('is over')
  expect(await broker.inspect(parkingQueueOf('r', 'work'))).toBeUndefined()
})

test('a confirmation that waited for the broker does not make the parking queue of a rule that is over', async () => {
  const { site, memory, broker, bus, clock } = openVirtual()
  await using _ = site
  const book = bookOn({ ...bus, broker: site.connect('consumer') })
  const hub = broker
  await book.loaded()
  book.join(member('c1'))
  await clock.advance(100)
  await say(hub, ruleOf({ phase: 'hold' }))
  memory.cut('consumer')
  await say(hub, ruleOf({ revision: 2, phase: 'lifted' }))
  await hub.removeEmpty(parkingQueueOf('r', 'work'))

  await clock.advance(3_000)

  expect(await hub.inspect(parkingQueueOf('r', 'work'))).toBeUndefined()
})
