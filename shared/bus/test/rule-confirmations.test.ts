import { describe, expect, test } from 'vitest'
import { parkingQueueOf } from '../../topology.ts'
import { ReturnedError } from '../broker.ts'
import { eventually } from './bus-fixture.ts'
import { bookOn, controlLog, member, openVirtual, partsOf, record, ruleOf, say, taskOf } from './rule-fixture.ts'

describe('confirmations', () => {
  test('come from each consumer of the queues of a rule, once its parking queue is there', async () => {
    const { site, broker, bus } = openVirtual()
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
    const { site, broker, bus } = openVirtual()
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
      const { site, broker, bus, clock } = openVirtual()
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

  test('are said again when the hub asks for those of the revision in force, and not just said', async () => {
    const { site, broker, bus, clock } = openVirtual()
    await using _ = site
    const log = await controlLog(broker)
    const book = bookOn(bus)
    await book.loaded()
    const ask = async (revision: number, confirm = true) => {
      const rule = ruleOf({ revision, episode: 1 })
      await record(broker, { type: 'SIDELINE_RULE', rule, again: true, confirm }, { type: 'SIDELINE_RULE' })
      await clock.advance(0)
    }
    for (const one of [member('c1'), member('c2'), member('c3', 'other')]) book.join(one)
    await say(broker, ruleOf({ revision: 2, episode: 1 }))
    await clock.advance(9_000)
    await ask(2)
    expect(log.applied()).toEqual(['c1 r 2', 'c2 r 2'])

    await clock.advance(2_000)
    await ask(1)
    await ask(2, false)
    expect(log.applied()).toHaveLength(2)
    await ask(2)
    await ask(2)
    expect(log.applied()).toEqual(['c1 r 2', 'c2 r 2', 'c1 r 2', 'c2 r 2'])
  })

  test('those that wait for what is under way are not said sooner because the hub asks', async () => {
    const { site, broker, bus, clock } = openVirtual()
    await using _ = site
    const log = await controlLog(broker)
    const book = bookOn(bus)
    await book.loaded()
    const consumer = member('c1')
    book.join(consumer)
    const end = consumer.begin(taskOf(1).event)
    await say(broker, ruleOf())
    await clock.advance(60_000)
    const question = { type: 'SIDELINE_RULE', rule: ruleOf(), again: true, confirm: true }
    await record(broker, question, { type: 'SIDELINE_RULE' })
    await clock.advance(0)
    expect(log.applied()).toEqual([])

    end()
    await clock.advance(0)
    expect(log.applied()).toEqual(['c1 r 1'])
  })

  test('an older revision is not confirmed once there is a newer one', async () => {
    const { site, broker, bus, clock } = openVirtual()
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
    const { site, broker, bus, clock } = openVirtual()
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

  test('come all the same when a parking queue was made by hand with other arguments', async () => {
    const { site, broker, bus } = openVirtual()
    await using _ = site
    const log = await controlLog(broker)
    await broker.declare({ name: parkingQueueOf('r', 'work'), arguments: { 'x-queue-type': 'classic' } })
    const book = bookOn(bus)
    await book.loaded()
    book.join(member('c1'))

    await say(broker, ruleOf())

    await eventually(() => expect(log.applied()).toEqual(['c1 r 1']))
    expect(log.problems()).toEqual([])
  })

  test('are not said again when the stream is read again', async () => {
    const { site, broker, bus, clock, memory } = openVirtual()
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
