import { expect, test } from 'vitest'
import type { Body } from '../../../../shared/events.ts'
import { controlStream } from '../../../../shared/topology.ts'
import { applied, controlSite, rule } from './control-fixture.ts'

const DAY_MS = 86_400_000

test('a stream that was deleted is read from nothing: rules that are not in it any more are not known of it', async () => {
  await using site = await controlSite()
  await site.say({ type: 'SIDELINE_RULE', rule: rule({ id: 'before' }) })
  await site.clock.advance(0)
  expect([...site.control.rules.keys()]).toEqual(['before'])

  site.memory.deleteQueue(controlStream)
  await site.clock.advance(1_000)
  await site.say({ type: 'SIDELINE_RULE', rule: rule({ id: 'after' }) })
  await site.clock.advance(0)

  expect([...site.control.rules.keys()]).toEqual(['after'])
})

test('S6: records of rules and confirmations with a revision more than a day ahead are skipped', async () => {
  await using site = await controlSite()
  const newest = site.clock.now() + DAY_MS
  for (const revision of [1, newest, newest + 1, Number.MAX_SAFE_INTEGER]) {
    await site.say({ type: 'SIDELINE_RULE', rule: rule({ revision }) })
    await site.say(applied({ revision }))
  }
  await site.clock.advance(0)

  expect(site.control.rules.get('r1')?.revision).toBe(newest)
  expect(site.control.confirmations.of('r1', 1, 'process_consume').map(({ revision }) => revision)).toEqual([newest])
})

test('2,000 rules are kept: those that were lifted first are forgotten, and the open ones not', async () => {
  await using site = await controlSite()
  const say = (fields: Parameters<typeof rule>[0]): Body => ({ type: 'SIDELINE_RULE', rule: rule(fields) })
  for (let n = 1; n <= 10; n++) await site.say(say({ id: `open${n}` }))
  for (let n = 1; n <= 2_000; n++) await site.say(say({ id: `lifted${n}`, phase: 'lifted' }))
  await site.clock.advance(0)

  const ids = [...site.control.rules.keys()]
  expect(ids).toHaveLength(2_000)
  expect(ids.slice(0, 11).toSorted()).toEqual(
    ['lifted11', ...Array.from({ length: 10 }, (_, i) => `open${i + 1}`)].toSorted(),
  )
})

test('all are asked to confirm the revision in the stream once more, once in a minute', async () => {
  await using site = await controlSite()
  const asked: Body[] = []
  await site.say({ type: 'SIDELINE_RULE', rule: rule({ revision: 5 }) })
  await site.bus.broker.follow(controlStream, ({ body }) => {
    const record: Body<'SIDELINE_RULE'> = JSON.parse(body.toString())
    if (record.confirm) asked.push(record)
  })
  const ask = async (revision: number) => {
    await site.control.askAgain({ id: 'r1', revision })
    await site.clock.advance(0)
  }

  await ask(4)
  expect(asked).toEqual([])
  await ask(5)
  await ask(5)
  expect(asked).toMatchObject([{ rule: { id: 'r1', revision: 5 }, again: true }])
  await site.clock.advance(60_000)
  await ask(5)
  expect(asked).toHaveLength(2)
})
