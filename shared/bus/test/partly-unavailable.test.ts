import { describe, expect, test } from 'vitest'
import { MemoryStore } from '../../store/memory-store.ts'
import { PartlyUnavailableError } from '../../store/store.ts'
import { metaOf } from '../envelope.ts'
import { verdictOn } from '../failure.ts'
import {
  eventually,
  listen,
  pasteInto,
  receivedOf,
  retryPolicy,
  sites,
  taskBody,
  testPlan,
  virtualSite,
} from './bus-fixture.ts'
import { replayed } from './sideline-fixture.ts'
import { numberOf, startService } from './stateful-fixture.ts'

const away = () => new PartlyUnavailableError('It lies elsewhere.')

test.each([
  { waits: 0, delayMs: 2_000 },
  { waits: 9, delayMs: 20_000 },
  { waits: 1_000_000, delayMs: 20_000 },
])('J8: what a store cannot reach just now is tried again after $waits waits, and never dead for it', (of) => {
  const { waits, delayMs } = of
  const meta = metaOf(receivedOf(taskBody(1), { headers: { 'x-ebs-waits': waits, 'x-ebs-attempt': 30 } }))
  for (const policy of [
    retryPolicy(),
    { ...retryPolicy(), policy: 'never' as const },
    { ...retryPolicy(), retries: 0 },
  ])
    expect(verdictOn(away(), meta, policy)).toEqual({ kind: 'later', delayMs, waits: waits + 1 })
})

describe.each(sites.slice(0, 1))('a message whose conversation is out of reach, $site', ({ open }) => {
  test('J8: keeps none of its batch waiting', async () => {
    await using site = await open(testPlan())
    const broker = site.connect()
    const heard = await listen(broker, 'watch')
    for (const n of [1, 2, 3]) await broker.publish(pasteInto('work', taskBody(n), { messageId: `m${n}` }))

    const service = await startService(site, new MemoryStore(), {
      check: (arrived) => {
        if (numberOf(arrived) === 2) throw away()
      },
    })

    await eventually(() => expect(heard).toHaveLength(2))
    expect(service.lines).not.toContainEqual(expect.stringContaining('dead'))
  })
})

const HOUR_MS = 3_600_000

test('J8: an hour of waiting for a store uses up no attempt: those of its policy come afterwards, and then it is dead', async () => {
  const { site: opened, clock } = virtualSite()
  await using site = opened
  const broker = site.connect()
  const dead = await listen(broker, 'work.dead')
  const isBackMs = clock.now() + HOUR_MS
  const tries: string[] = []
  await startService(site, new MemoryStore(), {
    retry: retryPolicy({ retries: 2 }),
    check: ({ meta: { attempt, waits } }) => {
      const isAway = clock.now() < isBackMs
      tries.push(`${attempt} ${isAway ? 'away' : `failed after ${waits}`}`)
      throw isAway ? away() : new Error('hiccup')
    },
  })
  await broker.publish(pasteInto('work', taskBody(1), { messageId: 'm1' }))

  await clock.advance(HOUR_MS + 60_000)

  const waits = tries.filter((one) => one === '1 away').length
  expect(waits).toBeGreaterThan(100)
  expect(tries.slice(waits)).toEqual([`1 failed after ${waits}`, '2 failed after 0', '3 failed after 0'])
  const [
    {
      properties: { headers = {} },
    } = { properties: {} },
  ] = dead
  expect(headers).toMatchObject({ 'x-ebs-reason': 'exhausted', 'x-ebs-attempts': 3 })
  expect(headers).not.toHaveProperty('x-ebs-waits')
})

test('what is said about a try that only waited has another id than what is said about the next', async () => {
  const { site: opened, clock } = virtualSite()
  await using site = opened
  const broker = site.connect()
  const heard = await listen(broker, 'watch')
  let tries = 0
  await startService(site, new MemoryStore(), {
    check: () => {
      if (++tries <= 2) throw away()
      if (tries === 3) throw new Error('hiccup')
    },
  })
  await broker.publish(replayed(1))

  await clock.advance(60_000)

  const told = heard.filter(({ properties: { type } }) => type === 'MESSAGE_FAILING')
  expect(told.map(({ body }) => JSON.parse(body.toString()).error)).toEqual([
    expect.stringContaining('elsewhere'),
    expect.stringContaining('elsewhere'),
    'hiccup',
  ])
  expect(new Set(told.map(({ properties: { messageId } }) => messageId)).size).toBe(3)
})
