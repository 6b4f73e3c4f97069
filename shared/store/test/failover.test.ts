import { renameSync, rmSync } from 'node:fs'
import { expect, test } from 'vitest'
import { newId } from '../../bus/ids.ts'
import type { FailoverHubStore } from '../failover-hub-store.ts'
import { SqliteHubStore } from '../sqlite-hub-store.ts'
import { StoreUnavailableError } from '../store.ts'
import { conversation, save } from './conversation-fixture.ts'
import { pair } from './failover-fixture.ts'
import { decide, groupId as id, states } from './failover-run.ts'
import { dead } from './held-fixture.ts'

/** A clock that stands still. */
const NOW_MS = 1_700_000_000_000
const still = { now: () => NOW_MS, after: () => () => undefined }

const pending = async (store: FailoverHubStore) => (await store.readPending(0, 1_000)).map(({ body }) => body)
/** As a process of its own sees a file. */
async function alone<T>(path: string, look: (store: SqliteHubStore) => T | Promise<T>): Promise<T> {
  const store = await SqliteHubStore.open({ path })
  try {
    return await look(store)
  } finally {
    await store.close()
  }
}

test('J8: a primary whose disk is full is left, and what is touched moves with history, timers, inbox and outbox', async () => {
  const two = pair()
  const store = await two.open()
  await decide(store, 'a', 'first')
  await store.write(async (tx) => {
    await tx.armTimers([
      { ...id('a'), name: 'ttl', dueMs: 5_000 },
      { ...id('a'), name: 'still', dueMs: 9_000 },
    ])
    await tx.frozen.freeze([id('a')], 6_000)
    await tx.recordFirstSeen('q', ['seen'], 1)
  })
  two.primary.writes = false

  await decide(store, 'a', 'second')

  expect(await states(store, 'a')).toEqual(['second'])
  const lines = await store.reader.historyOf(id('a'), 9)
  expect(lines.map(({ what }) => what)).toEqual(['first', 'moved', 'second'])
  expect(await store.reader.timersOf(id('a'))).toMatchObject([{ name: 'ttl', dueMs: 5_000 }])
  expect(await store.reader.frozenTimersOf(id('a'))).toMatchObject([{ name: 'still', leftMs: 3_000, sinceMs: 6_000 }])
  expect(await store.write((tx) => tx.recordFirstSeen('q', ['seen', 'new'], 1))).toEqual(new Set(['new']))
  expect(await pending(store)).toEqual(['a first', 'a second'])
})

test('J8: what nobody touches moves by itself, and its timers fire', async () => {
  const two = pair()
  const store = await two.open()
  await decide(store, 'a', 'first')
  await store.write((tx) => tx.armTimers([{ ...id('a'), name: 'ttl', dueMs: 5_000 }]))
  two.primary.writes = false
  await decide(store, 'b', 'first')

  await store.tend()

  expect(await store.reader.countOpen()).toEqual([{ kind: 'group', count: 2, oldestMs: 1_000 }])
  expect(await store.reader.countTimers()).toBe(1)
  expect(await store.write((tx) => tx.takeDueTimers(5_000, 9))).toMatchObject([{ key: 'a', name: 'ttl' }])
  expect(await alone(two.paths.secondary, ({ reader }) => reader.findConversation(id('a')))).toMatchObject({
    state: 'first',
  })
})

test('J8: conversations of a primary that is gone are unavailable, new ones begin in the secondary', async () => {
  const two = pair()
  const store = await two.open({ clock: still })
  const old = newId(NOW_MS - 60_000)
  await decide(store, old, 'first')
  renameSync(two.paths.primary, `${two.paths.primary}.away`)

  const young = newId(NOW_MS + 5_000)
  await decide(store, young, 'new')

  expect(await states(store, young)).toEqual(['new'])
  for (const unknown of [old, 'name', newId(NOW_MS + 3_600_000), `${newId(NOW_MS - 60_000)}.main`]) {
    await expect(decide(store, unknown, 'second')).rejects.toThrow(StoreUnavailableError)
    await expect(states(store, unknown)).rejects.toThrow(StoreUnavailableError)
  }
})

test('J8: a saga of another site is asked of the other store, and is new when it was made after the primary was left', async () => {
  const two = pair()
  const store = await two.open({ clock: still })
  await decide(store, 'a', 'first')
  rmSync(two.paths.primary)

  await decide(store, `${newId(NOW_MS + 5_000)}.east`, 'new')

  expect(await store.reader.listConversations({ kind: 'group' }, { limit: 9 })).toMatchObject({
    items: [{ state: 'new' }],
  })
})

test('J8: a primary that comes back is brought up to date before it leads, and nothing old in it is ever seen', async () => {
  const two = pair()
  const store = await two.open()
  await decide(store, 'a', 'first')
  await decide(store, 'b', 'first')
  two.primary.writes = false
  await decide(store, 'a', 'second')
  await decide(store, 'c', 'first')
  await decide(store, 'c', 'second')
  two.primary.writes = true

  await store.tend()

  expect(await states(store, 'a', 'b', 'c')).toEqual(['second', 'first', 'second'])
  await decide(store, 'a', 'third')
  await store.close()
  const inPrimary = (key: string) => alone(two.paths.primary, ({ reader }) => reader.findConversation(id(key)))
  expect([await inPrimary('a'), await inPrimary('c')]).toMatchObject([{ state: 'third' }, { state: 'second' }])
  expect(await alone(two.paths.secondary, ({ reader }) => reader.countOpen())).toEqual([])
  const again = await two.open()
  expect(await states(again, 'a', 'b', 'c')).toEqual(['third', 'first', 'second'])
})

test('J8: a primary that was left behind is not used while the secondary cannot be read', async () => {
  const two = pair()
  const store = await two.open()
  await decide(store, 'a', 'first')
  two.primary.writes = false
  await decide(store, 'a', 'second')
  two.primary.writes = true
  two.secondary.reads = false

  await store.tend().catch(() => undefined)

  await expect(decide(store, 'a', 'third')).rejects.toThrow(StoreUnavailableError)
  await expect(states(store, 'a')).rejects.toThrow(StoreUnavailableError)
  await store.close()
  const again = await two.open()
  await expect(states(again, 'a')).rejects.toThrow('EBS_HUB_STORE_OUT=secondary')
  two.secondary.reads = true
  await again.tend()
  expect(await states(again, 'a')).toEqual(['second'])
})

test('J8: both down is unavailable, and whichever was in use goes on when it is back', async () => {
  const two = pair()
  const store = await two.open()
  await decide(store, 'a', 'first')
  await store.tend()
  two.primary.writes = false
  two.secondary.writes = false
  await expect(decide(store, 'a', 'second')).rejects.toThrow(StoreUnavailableError)
  expect(await states(store, 'a')).toEqual(['first'])

  two.primary.writes = true

  await decide(store, 'a', 'second')
  expect(await states(store, 'a')).toEqual(['second'])
})

test('J8: a planned outage empties the primary, which can then be taken away, and brought back', async () => {
  const two = pair()
  const before = await two.open()
  await decide(before, 'a', 'first')
  await before.write((tx) => tx.held.addHeld([dead('d')]))
  await before.close()

  const during = await two.open({ out: 'primary' })
  await during.tend()
  renameSync(two.paths.primary, `${two.paths.primary}.away`)
  await decide(during, 'a', 'second')
  expect(await during.held.findHeld('d')).toMatchObject({ state: 'held' })
  await during.close()
  renameSync(`${two.paths.primary}.away`, two.paths.primary)

  const after = await two.open()
  await after.tend()
  await decide(after, 'a', 'third')
  expect(await alone(two.paths.primary, ({ reader }) => reader.findConversation(id('a')))).toMatchObject({
    state: 'third',
  })
})

test('J8: of two processes, the one that was not there when the lead changed follows it', async () => {
  const two = pair()
  const [one, other] = [await two.open(), await two.open()]
  await decide(one, 'a', 'first')
  await one.tend()
  two.primary.writes = false
  await decide(one, 'a', 'second')
  two.primary.writes = true

  await decide(other, 'a', 'third')

  expect(await states(one, 'a')).toEqual(['third'])
  await one.tend()
  await decide(other, 'a', 'fourth')
  expect(await states(one, 'a')).toEqual(['fourth'])
})

test('J8: a commit that failed and turns out to be on the disk after all changes nothing', async () => {
  const two = pair()
  const store = await two.open()
  await decide(store, 'a', 'first')
  two.primary.writes = false
  await decide(store, 'a', 'second')
  await alone(two.paths.primary, (primary) =>
    save(primary, ...[2, 3, 4].map((version) => conversation('a', { version, state: 'ghost' }))),
  )
  two.primary.writes = true

  await store.tend()

  expect(await states(store, 'a')).toEqual(['second'])
})
