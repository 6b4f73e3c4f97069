import { expect, test } from 'vitest'
import type { FailoverHubStore } from '../failover-hub-store.ts'
import { SqliteHubStore } from '../sqlite-hub-store.ts'
import { conversation, roomy, save } from './conversation-fixture.ts'
import { pair } from './failover-fixture.ts'
import { decide, groupId as id, states } from './failover-run.ts'

/** A look after the stores is always late enough to try again what failed. */
function lateClock() {
  let nowMs = 1_700_000_000_000
  return {
    now: () => {
      nowMs += 60_000
      return nowMs
    },
    after: () => () => undefined,
  }
}

async function alone<T>(path: string, look: (store: SqliteHubStore) => T | Promise<T>): Promise<T> {
  const store = await SqliteHubStore.open({ path })
  try {
    return await look(store)
  } finally {
    await store.close()
  }
}

const forget = (store: FailoverHubStore) =>
  store.write((tx) => tx.removeEnded({ endedAtMs: 9_000, statuses: ['success'] }, 10))

test('J8: what ended in the secondary is forgotten when no older copy of it is left that would go on', async () => {
  const two = pair()
  const store = await two.open({ clock: lateClock() })
  await decide(store, 'a', 'first')
  two.primary.writes = false
  await decide(store, 'a', 'second')
  const [a] = await store.write((tx) => tx.findConversations([id('a')]))
  const version = a?.version ?? 0
  const ended = { status: 'success', endedAtMs: 5_000 }
  const to = conversation('a', { version: version + 1, state: 'ended', ...ended })
  await store.write((tx) => tx.saveConversations([{ to, readVersion: version, history: [] }]))
  await save(store, conversation('b', ended))

  expect(await forget(store)).toBe(1)
  two.primary.reads = false
  expect(await forget(store)).toBe(0)
  Object.assign(two.primary, { reads: true, writes: true })
  await store.tend()

  expect([store.leader, ...(await states(store, 'a', 'b'))]).toEqual(['primary', 'ended', undefined])
  expect(await forget(store)).toBe(1)
  expect(await states(store, 'a')).toEqual([undefined])
})

test('J8: timers of a copy that was left behind wait for the other store, and hold up no others', async () => {
  const two = pair()
  const store = await two.open()
  two.primary.writes = false
  for (const [n, key] of ['a', 'b', 'c'].entries()) {
    await decide(store, key, 'first')
    await store.write((tx) => tx.armTimers([{ ...id(key), name: 'ttl', dueMs: 1_000 + n }]))
  }
  await alone(two.paths.secondary, (secondary) => secondary.write(({ moving }) => moving.leaveBehind([id('a')])))
  two.primary.reads = false
  await store.tend()

  expect(await store.write((tx) => tx.nextTimerDue())).toBe(1_001)
  expect((await store.write((tx) => tx.takeDueTimers(1_001, 9))).map(({ key }) => key)).toEqual(['b'])
  expect(await store.write((tx) => tx.takeDueTimers(9_000, 9))).toMatchObject([{ key: 'c' }])
  expect(await store.write((tx) => tx.nextTimerDue())).toBeUndefined()
  two.primary.reads = true
  await store.tend()
  expect(await store.write((tx) => tx.takeDueTimers(9_000, 9))).toMatchObject([{ key: 'a' }])
})

test('J8: a process that missed that the primary leads again takes nothing away from it', async () => {
  const two = pair()
  const clock = lateClock()
  const [quick, slow] = [await two.open({ clock }), await two.open({ clock })]
  two.primary.writes = false
  for (const store of [quick, slow]) await decide(store, 'a', 'first')
  two.primary.writes = true
  await quick.tend()
  await decide(quick, 'a', 'second')
  const lead = () => alone(two.paths.primary, ({ moving }) => moving.lead())
  const before = await lead()

  await slow.tend()

  expect(await lead()).toEqual(before)
  expect(before).toMatchObject({ epoch: 3, leads: true })
  expect([slow.leader, ...(await states(slow, 'a'))]).toEqual(['primary', 'second'])
})

const fails = (['primary', 'secondary'] as const).flatMap((site) =>
  [0, 4, 9, 16, 25].map((failIn) => ({ site, failIn })),
)

test.each(fails)(
  'J8: what came too early moves, and is there once, though operation $failIn of the $site fails',
  async ({ site, failIn }) => {
    const two = pair()
    const store = await two.open({ clock: lateClock() })
    const early = (key: string, event: string) => ({ ...id(key), event, atMs: 5 })
    await store.write((tx) => tx.keepEarly([early('a', 'in the primary')], roomy))
    two.primary.writes = false
    await store.write((tx) => tx.keepEarly([early('a', '1'), early('a', '2'), early('b', '3')], roomy))
    await store.tend()
    two.primary.writes = true
    two[site].failIn = failIn
    for (let looks = 0; looks < 3; looks++) await store.tend().catch(() => undefined)
    two[site].failIn = 0
    for (let looks = 0; looks < 2; looks++) await store.tend()

    const taken = await store.write((tx) => tx.takeEarly(id('a'), 0))

    expect(store.leader).toBe('primary')
    expect(taken.map(({ event }) => event).toSorted()).toEqual(['1', '2', 'in the primary'])
    expect(await store.reader.countEarly()).toBe(1)
    expect(await alone(two.paths.secondary, ({ reader }) => reader.countEarly())).toBe(0)
  },
)
