import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'better-sqlite3'
import { expect, test } from 'vitest'
import { newId } from '../../bus/ids.ts'
import { UnusableDatabaseError } from '../migrations.ts'
import { SqliteHubStore } from '../sqlite-hub-store.ts'
import { StoreUnavailableError } from '../store.ts'
import { type Pair, pair } from './failover-fixture.ts'
import { decide, states } from './failover-run.ts'

const NOW_MS = 1_700_000_000_000
/** A look after the stores is always late enough to try again what failed. */
function lateClock() {
  let nowMs = NOW_MS
  return {
    now: () => {
      nowMs += 60_000
      return nowMs
    },
    after: () => () => undefined,
  }
}

const NAMES = ['primary', 'secondary'] as const
type Name = (typeof NAMES)[number]
const away = (two: Pair, name: Name) => `${dirname(two.paths[name])}-away`
const takeAway = (two: Pair, name: Name) => renameSync(dirname(two.paths[name]), away(two, name))
function bringBack(two: Pair, name: Name): void {
  rmSync(dirname(two.paths[name]), { recursive: true, force: true })
  renameSync(away(two, name), dirname(two.paths[name]))
}

test('J8: a restart while the disk of the primary is away makes no empty one, and the work of the outage outlives it', async () => {
  const two = pair()
  const clock = lateClock()
  const before = await two.open({ clock })
  await decide(before, 'old', 'first')
  takeAway(two, 'primary')
  await before.write(() => undefined)
  const [during, after] = [newId(NOW_MS + 3_600_000), newId(NOW_MS + 7_200_000)]
  const late = { now: () => NOW_MS + 7_200_000, after: () => () => undefined }
  const outage = await two.open({ clock: late })
  await decide(outage, during, 'first')
  await before.close()
  await outage.close()

  const restarted = await two.open({ clock: late })
  await restarted.tend()
  await decide(restarted, after, 'first')
  await expect(states(restarted, 'old')).rejects.toThrow(StoreUnavailableError)
  expect(existsSync(two.paths.primary)).toBe(false)
  await restarted.close()

  bringBack(two, 'primary')
  const whole = await two.open({ clock })
  await whole.tend()
  expect([whole.leader, ...(await states(whole, 'old', during, after))]).toEqual(['primary', 'first', 'first', 'first'])
})

test.each(NAMES)('J8: a pair of which the %s is away at a restart does not begin anew', async (name) => {
  const two = pair()
  const before = await two.open()
  await decide(before, 'old', 'first')
  await before.tend()
  await before.close()
  takeAway(two, name)

  const store = await two.open()

  expect(existsSync(two.paths[name])).toBe(false)
  await expect(decide(store, 'old', 'second')).rejects.toThrow(StoreUnavailableError)
})

test.each(NAMES)('J8: an empty %s in the place of the one that is away is not used, but at a word', async (name) => {
  const two = pair()
  const clock = lateClock()
  const before = await two.open({ clock })
  await decide(before, 'old', 'first')
  await before.tend()
  // Everything is where it will be left.
  const emptied = await two.open({ clock, out: name })
  await emptied.tend()
  await before.close()
  await emptied.close()
  takeAway(two, name)
  mkdirSync(dirname(two.paths[name]))
  writeFileSync(two.paths[name], '')

  const refused = await two.open({ clock })
  await refused.tend().catch(() => undefined)
  const isLeaderLost = name === 'secondary'
  expect(refused.leader).toBe(isLeaderLost ? undefined : 'secondary')
  await refused.close()

  const taken = await two.open({ clock, out: name })
  await decide(taken, 'old', 'second')
  await taken.close()
  const after = await two.open({ clock })
  await after.tend()
  expect([after.leader, ...(await states(after, 'old'))]).toEqual(['primary', 'second'])
})

test('J8: a store that was of another pair is not used beside one that is in use', async () => {
  const [two, others] = [pair(), pair()]
  for (const one of [two, others]) {
    const store = await one.open()
    await decide(store, 'a', 'first')
    await store.tend()
    await store.close()
  }
  copyFileSync(others.paths.secondary, two.paths.secondary)
  for (const file of ['-wal', '-shm']) rmSync(two.paths.secondary + file, { force: true })
  const warned: unknown[] = []

  const store = await two.open({ log: { info: () => undefined, warn: (...said: unknown[]) => warned.push(said) } })

  expect(JSON.stringify(warned)).toContain('the secondary store cannot be used')
  await expect(decide(store, 'a', 'second')).rejects.toThrow(StoreUnavailableError)
})

test('J8: a new pair of which one cannot be written is none yet, and is one as soon as it can', async () => {
  const two = pair()
  two.primary.writes = false
  const store = await two.open()
  await expect(decide(store, 'a', 'first')).rejects.toThrow(StoreUnavailableError)

  two.primary.writes = true

  await decide(store, 'a', 'first')
  expect(store.leader).toBe('primary')
})

test.each([
  { what: 'of a newer program', said: 'user_version = 99' },
  { what: 'of another program', said: 'application_id = 7' },
])('J8: a primary $what is said at the start', async ({ said }) => {
  const two = pair()
  const before = await two.open()
  await before.close()
  const database = new Database(two.paths.primary)
  database.pragma(said)
  database.close()

  await expect(two.open()).rejects.toThrow(UnusableDatabaseError)

  const secondary = await SqliteHubStore.open({ path: two.paths.secondary })
  expect(secondary.moving.lead()).toMatchObject({ leads: false })
  await secondary.close()
})

test('J8: hub processes of which only one has been told of the planned outage agree about who leads', async () => {
  const two = pair()
  const clock = lateClock()
  const untold = await two.open({ clock })
  await decide(untold, 'a', 'first')
  const told = await two.open({ clock, out: 'primary' })

  for (let round = 0; round < 3; round++) {
    for (const store of [told, untold]) {
      await store.tend()
      await decide(store, 'a', `round ${round}`)
      expect(store.leader).toBe('secondary')
    }
  }
  await untold.close()
  const unset = await two.open({ clock })
  for (const store of [unset, told, unset, told]) await store.tend()

  await decide(told, 'a', 'last')
  expect([unset.leader, told.leader, ...(await states(unset, 'a'))]).toEqual(['primary', 'primary', 'last'])
  const seen = await SqliteHubStore.open({ path: two.paths.primary })
  expect(seen.moving.lead()).toMatchObject({ epoch: 3, leads: true, out: null })
  await seen.close()
})
