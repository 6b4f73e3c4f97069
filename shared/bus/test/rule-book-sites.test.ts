import { describe, expect, test } from 'vitest'
import { parkingQueueOf } from '../../topology.ts'
import { eventually, sites, testPlan } from './bus-fixture.ts'
import { bookOn, controlLog, member, record, ruleOf, say, taskOf } from './rule-fixture.ts'

describe.each(sites)('sideline rules, $site', ({ open }) => {
  test('are loaded, followed and confirmed, and dry runs are answered', async () => {
    await using site = await open(testPlan(false))
    const hub = site.connect('hub')
    await hub.ready()
    await say(hub, ruleOf({ id: 'old', revision: 1, filter: 'tenant == "old"' }))
    const book = bookOn(site.bus(site.connect('service')))
    const log = await controlLog(hub)
    const idOf = (tenant: string) => {
      const { event, message } = taskOf(1, { tenant })
      const verdict = book.judge('work', event, message)
      return verdict.kind === 'pass' ? undefined : verdict.rule.id
    }

    await book.loaded()
    book.join(member('c1'))
    expect(idOf('old')).toBe('old')

    await say(hub, ruleOf({ id: 'new', revision: 2 }))
    await eventually(() => expect(log.applied().toSorted()).toEqual(['c1 new 2', 'c1 old 1']))
    expect(idOf('acme')).toBe('new')
    expect(await hub.inspect(parkingQueueOf('new', 'work'))).toMatchObject({ messages: 0 })

    const trial = { type: 'SIDELINE_TRIAL', trial: 't', filter: 'tenant == "old"', queues: ['work'], sample: 10 }
    await record(hub, trial, { type: 'SIDELINE_TRIAL', headers: { 'x-ebs-at': Date.now() } })
    await eventually(() => expect(log.tried()).toMatchObject([{ consumer: 'c1', sampled: 2, matched: 1 }]))
    await site.bus(hub).broker.removeEmpty(parkingQueueOf('new', 'work'))
    await book.restore('new', 'work')
    expect(await hub.inspect(parkingQueueOf('new', 'work'))).toMatchObject({ messages: 0 })
  })

  test('a book that is loaded late meets nothing but what counts', async () => {
    await using site = await open(testPlan(false))
    const hub = site.connect('hub')
    await hub.ready()
    for (let n = 1; n <= 300; n++)
      void say(hub, ruleOf({ id: `r${n % 3}`, revision: n, phase: n % 2 ? 'park' : 'lifted' }))
    await say(hub, ruleOf({ id: 'last', revision: 301 }))
    const book = bookOn(site.bus(site.connect('service')))

    await book.loaded()

    // The last of each: 298 (lifted), 299 (park), 300 (lifted).
    expect(
      book
        .inForce()
        .map(({ id, revision }) => `${id}@${revision}`)
        .toSorted(),
    ).toEqual(['last@301', 'r2@299'])
  })
})
