import { describe, expect, test } from 'vitest'
import { parkingQueueOf } from '../../topology.ts'
import { type Broker, ReturnedError } from '../broker.ts'
import { HOLD_MS_MAX, type RuleBook, type RuleBookOptions } from '../rule-book.ts'
import { eventually, virtualSite } from './bus-fixture.ts'
import { bookOn, controlLog, type Judged, member, record, ruleOf, say, taskOf } from './rule-fixture.ts'

function open() {
  const { clock, site, memory } = virtualSite()
  const broker = site.connect()
  const bus = site.bus(broker)
  return { clock, site, memory, broker, bus }
}

/** What a book uses of a broker. */
const partsOf = (broker: Broker): RuleBookOptions['broker'] => ({
  follow: (stream, onMessage) => broker.follow(stream, onMessage),
  publish: (message) => broker.publish(message),
  declare: (queue) => broker.declare(queue),
})

const verdictOf = (book: RuleBook, { event, message }: Judged = taskOf(1), queue = 'work') => {
  const verdict = book.judge(queue, event, message)
  return verdict.kind === 'pass' ? 'pass' : `${verdict.kind} ${verdict.rule.id}@${verdict.rule.revision}`
}

describe('rules of the broker', () => {
  test('those that are there are known when it is loaded, and changes are followed', async () => {
    const { site, broker, bus } = open()
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
    const { site, broker, bus } = open()
    await using _ = site
    const book = bookOn(bus)

    await say(broker, ruleOf())

    expect(await broker.inspect('ebs.control')).toMatchObject({ consumers: 0 })
    expect(verdictOf(book)).toBe('pass')
  })

  test('loading that failed is tried again by the next one who asks', async () => {
    const { site, broker, bus } = open()
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
    const { site, broker, bus } = open()
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
    const { clock, site, broker, bus } = open()
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
    const { clock, site, broker, bus } = open()
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
    const { site, broker, bus } = open()
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
    const { site, broker, bus } = open()
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

describe('confirmations', () => {
  test('come from each consumer of the queues of a rule, once its parking queue is there', async () => {
    const { site, broker, bus } = open()
    await using _ = site
    const log = await controlLog(broker)
    const book = bookOn(bus)
    await book.loaded()
    for (const one of [member('c1'), member('c2'), member('c3', 'other'), member('c4', 'watch')]) book.join(one)

    await say(broker, ruleOf({ queues: ['work', 'other'] }))

    await eventually(() => expect(log.applied().toSorted()).toEqual(['c1 r 1', 'c2 r 1', 'c3 r 1']))
    expect(await broker.inspect(parkingQueueOf('r', 'work'))).toMatchObject({ messages: 0 })
    expect(await broker.inspect(parkingQueueOf('r', 'other'))).toMatchObject({ messages: 0 })
    expect(await broker.inspect(parkingQueueOf('r', 'watch'))).toBeUndefined()
  })

  test('a consumer that starts later confirms what is there, the lifted included', async () => {
    const { site, broker, bus } = open()
    await using _ = site
    const log = await controlLog(broker)
    await say(broker, ruleOf({ id: 'open', revision: 1 }))
    await say(broker, ruleOf({ id: 'lifted', revision: 2, phase: 'lifted' }))
    const book = bookOn(bus)
    await book.loaded()

    const leave = book.join(member('late'))

    await eventually(() => expect(log.applied().toSorted()).toEqual(['late lifted 2', 'late open 1']))
    leave()
    await say(broker, ruleOf({ id: 'open', revision: 3, phase: 'lifted' }))
    book.join(member('next'))
    await eventually(() => expect(log.applied()).toContain('next open 3'))
    expect(log.applied()).not.toContain('late open 3')
  })

  test.each<{
    what: string
    before?: 'park'
    phase: 'park' | 'hold' | 'lifted'
    tenant?: string
    parkedBy?: string
    filter?: string
    released?: string
    waits: boolean
  }>([
    { what: 'one that matches is being handled', phase: 'park', waits: true },
    { what: 'one that matches is being handled', phase: 'hold', waits: true },
    { what: 'another one is being handled', phase: 'park', tenant: 'other', waits: false },
    { what: 'one that matches is being handled', phase: 'lifted', waits: false },
    { what: 'one is on its way to the parking queue of this rule', phase: 'lifted', parkedBy: 'r', waits: true },
    { what: 'one is on its way to the parking queue of this rule', phase: 'hold', parkedBy: 'r', waits: true },
    { what: 'one is on its way to the parking queue of another rule', phase: 'lifted', parkedBy: 'q', waits: false },
    { what: 'one is on its way to the parking queue of another rule', phase: 'park', parkedBy: 'q', waits: false },
    { what: 'one that was released by this use is being handled', phase: 'park', released: 'r#1', waits: false },
    { what: 'one may match by its headers', phase: 'park', filter: 'headers.x == "y"', waits: true },
    { what: 'one lacks what the filter looks at', phase: 'park', filter: 'event.absent == 1', waits: false },
  ])(
    'of $phase, while $what: waits $waits',
    async ({ phase, tenant = 'acme', parkedBy, released = '', waits, filter = 'tenant == "acme"' }) => {
      const { site, broker, bus, clock } = open()
      await using _ = site
      const log = await controlLog(broker)
      const book = bookOn(bus)
      await book.loaded()
      const consumer = member('c1')
      book.join(consumer)
      const end = consumer.begin(taskOf(1, { tenant, headers: { 'x-ebs-released': released } }).event, parkedBy)

      await say(broker, ruleOf({ revision: 5, episode: 1, phase, filter }))
      await clock.advance(0)

      expect(log.applied()).toEqual(waits ? [] : ['c1 r 5'])
      // What comes later was judged by the new rule.
      consumer.begin(taskOf(2, { tenant }).event, parkedBy)
      end()
      await clock.advance(0)
      expect(log.applied()).toEqual(['c1 r 5'])
    },
  )

  test('an older revision is not confirmed once there is a newer one', async () => {
    const { site, broker, bus, clock } = open()
    await using _ = site
    const log = await controlLog(broker)
    const book = bookOn(bus)
    await book.loaded()
    const consumer = member('c1')
    book.join(consumer)
    const end = consumer.begin(taskOf(1).event)
    await say(broker, ruleOf({ revision: 1 }))
    await clock.advance(0)

    await say(broker, ruleOf({ revision: 2, phase: 'lifted' }))
    await clock.advance(0)
    end()
    await clock.advance(0)

    expect(log.applied()).toEqual(['c1 r 2'])
  })

  test('are tried again while the broker refuses, and said once', async () => {
    const { site, broker, bus, clock } = open()
    await using _ = site
    const log = await controlLog(broker)
    let refusals = 2
    const publish: typeof broker.publish = async (message) => {
      if (refusals-- > 0) throw new ReturnedError('no stream')
      await broker.publish(message)
    }
    const book = bookOn(bus, { broker: { ...partsOf(broker), publish } })
    await book.loaded()
    book.join(member('c1'))

    await say(broker, ruleOf())
    await clock.advance(500)
    expect(log.applied()).toEqual([])
    await clock.advance(10_000)

    expect(log.applied()).toEqual(['c1 r 1'])
  })

  test('are not said again when the stream is read again', async () => {
    const { site, broker, bus, clock, memory } = open()
    await using _ = site
    await say(broker, ruleOf())
    const reader = site.connect('reader')
    const book = bookOn({ ...bus, broker: reader })
    await book.loaded()
    book.join(member('c1'))
    const log = await controlLog(broker)
    await eventually(() => expect(log.applied()).toEqual(['c1 r 1']))

    memory.stop()
    memory.start()
    await clock.advance(5_000)
    await say(broker, ruleOf({ id: 'next', revision: 2 }))
    await eventually(() => expect(log.applied()).toContain('c1 next 2'))

    expect(new Set(log.applied())).toEqual(new Set(['c1 r 1', 'c1 next 2']))
    const all = await controlLog(broker)
    expect(all.applied().toSorted()).toEqual(['c1 next 2', 'c1 r 1'])
  })
})

test('a parking queue that is gone is made again', async () => {
  const { site, broker, bus } = open()
  await using _ = site
  const book = bookOn(bus)

  await book.restore('r', 'work')

  expect(await broker.inspect(parkingQueueOf('r', 'work'))).toMatchObject({ messages: 0 })
})
