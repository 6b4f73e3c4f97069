import { expect, test } from 'vitest'
import type { BrokerState } from '../../../../shared/bus/broker.ts'
import { controlStream } from '../../../../shared/topology.ts'
import { RETURN_MS, watchReturn } from '../returning.ts'
import { SETTLE_MS_MAX, settle } from '../settling.ts'
import { applied, controlSite, rule } from './control-fixture.ts'

type Site = Awaited<ReturnType<typeof controlSite>>
const QUEUE = 'process_consume'
const settling = ({ control, consumers, clock }: Site, queues = [QUEUE]) =>
  settle({ control, consumers, clock }, { id: 'r1', revision: 5, queues })
/** Lets time pass until it has answered. */
async function answered<T>({ clock }: Site, waiting: Promise<T>): Promise<T> {
  await clock.advance(SETTLE_MS_MAX + 100)
  return waiting
}

test('S2: settled as soon as every consumer that the broker lists applies the revision, or a newer one', async () => {
  await using site = await controlSite()
  site.consume(QUEUE, ['processor-1', 'processor-2', 'processor-1.replay'])
  await site.say(applied({ consumer: 'processor-1' }))
  await site.say(applied({ consumer: 'stranger', queue: 'distributor_consume' }))

  let isSettled = false
  const waiting = settling(site).finally(() => {
    isSettled = true
  })
  await site.clock.advance(500)
  expect(isSettled).toBe(false)
  await site.say(applied({ consumer: 'processor-2', revision: 5 }))
  await site.clock.advance(0)

  expect(isSettled).toBe(true)
  expect(await waiting).toEqual({ type: 'SIDELINE_SETTLED', id: 'r1', revision: 5, confirmed: 2, missing: [] })
})

test.each([
  { what: 'an older revision', said: [applied({ revision: 4 })], missing: ['processor-1'], confirmed: 0 },
  { what: 'another rule', said: [applied({ id: 'r2' })], missing: ['processor-1'], confirmed: 0 },
  { what: 'another queue', said: [applied({ queue: 'distributor_consume' })], missing: ['processor-1'], confirmed: 0 },
  { what: 'a newer revision', said: [applied({ revision: 6 })], missing: [], confirmed: 1 },
  {
    what: 'a revision that it cannot apply',
    said: [applied({ problem: 'matches: no such function' })],
    missing: ['processor-1: matches: no such function'],
    confirmed: 0,
  },
  {
    what: 'the revision, and then an older one',
    said: [applied(), applied({ revision: 3 })],
    missing: [],
    confirmed: 1,
  },
])('a consumer that has confirmed $what: $missing missing', async ({ said, missing, confirmed }) => {
  await using site = await controlSite()
  site.consume(QUEUE, ['processor-1'])
  for (const one of said) await site.say(one)

  expect(await answered(site, settling(site))).toMatchObject({ confirmed, missing })
})

test('who has not confirmed within a second is asked to do so once more', async () => {
  await using site = await controlSite()
  site.consume(QUEUE, ['processor-1'])
  await site.say({ type: 'SIDELINE_RULE', rule: rule({ revision: 5 }) })
  const asked: unknown[] = []
  await site.bus.broker.follow(controlStream, ({ body }) => void asked.push(JSON.parse(body.toString())))
  const waiting = settling(site)

  await site.clock.advance(900)
  expect(asked).toHaveLength(1)
  await site.clock.advance(200)
  expect(asked.slice(1)).toMatchObject([{ rule: { id: 'r1', revision: 5 }, confirm: true }])

  await site.say(applied())
  await site.clock.advance(0)
  expect(await waiting).toMatchObject({ confirmed: 1, missing: [] })
})

test('where the broker only counts, so many are missing', async () => {
  await using site = await controlSite()
  site.consume(QUEUE, 3)
  await site.say(applied({ consumer: 'a' }))
  await site.say(applied({ consumer: 'b' }))

  expect(await answered(site, settling(site))).toMatchObject({
    confirmed: 2,
    missing: ['1 of 3 consumers of process_consume'],
  })
})

test('one that has just started is counted, though the broker does not list it yet', async () => {
  await using site = await controlSite()
  site.there.set(QUEUE, { tags: ['processor-1'], count: 2 })
  await site.say(applied())

  expect(await answered(site, settling(site))).toMatchObject({
    confirmed: 1,
    missing: ['1 of 2 consumers of process_consume'],
  })
  await site.say(applied({ consumer: 'processor-2' }))
  expect(await answered(site, settling(site))).toMatchObject({ missing: [] })
})

test('a consumer that goes while it is waited for is missed no more, and nobody consumes a queue that has none', async () => {
  await using site = await controlSite()
  site.consume(QUEUE, ['processor-1', 'dying'])
  await site.say(applied())

  const waiting = settling(site, [QUEUE, 'distributor_consume'])
  await site.clock.advance(600)
  site.consume(QUEUE, ['processor-1'])
  await site.clock.advance(600)

  expect(await waiting).toMatchObject({ confirmed: 1, missing: [] })
})

test('what consumers said is known again after the connection was lost', async () => {
  await using site = await controlSite()
  site.consume(QUEUE, ['processor-1'])
  await site.say(applied())
  site.memory.restart()
  await site.clock.advance(1_000)

  expect(await answered(site, settling(site))).toMatchObject({ confirmed: 1, missing: [] })
})

test('S2: right after a lost connection nobody is taken for gone: who had begun before may not be back yet', async () => {
  await using site = await controlSite()
  let tell: (state: BrokerState) => void = () => undefined
  const isReturning = watchReturn(
    {
      onState: (listener) => {
        tell = listener
        return () => undefined
      },
    },
    site.clock,
  )
  const { control, consumers, clock } = site
  const settled = () =>
    answered(site, settle({ control, consumers, clock, isReturning }, { id: 'r1', revision: 5, queues: [QUEUE] }))
  tell('up')
  expect(await settled()).toMatchObject({ confirmed: 0, missing: [] })

  for (const state of ['connecting', 'up'] as const) tell(state)

  expect(await settled()).toMatchObject({ confirmed: 0, missing: [expect.stringContaining('lost a moment ago')] })
  await clock.advance(RETURN_MS)
  expect(await settled()).toMatchObject({ confirmed: 0, missing: [] })
})
