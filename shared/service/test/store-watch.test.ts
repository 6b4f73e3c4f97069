import { expect, test } from 'vitest'
import { VirtualClock } from '../../clock.ts'
import { createHealth } from '../health.ts'
import { createMetrics } from '../metrics.ts'
import { watchStore } from '../store-watch.ts'

/** A store that fails as long as it is told to, its watch, and what is seen of it. */
function watched(failsAtFirst: boolean) {
  const clock = new VirtualClock(0)
  const health = createHealth()
  const metrics = createMetrics()
  const stop = new AbortController()
  const said: string[] = []
  const disk: { fails: boolean; tries: number; failure?: Error | undefined } = { fails: failsAtFirst, tries: 0 }
  const write = async () => {
    disk.failure = disk.fails ? new Error('The database takes no writes (SQLITE_FULL).') : undefined
    if (disk.failure) throw disk.failure
  }
  const tryWrite = () => {
    disk.tries++
    return write()
  }
  const log = {
    info: (text: unknown) => void said.push(String(text)),
    error: (_: unknown, text = '') => void said.push(String(text)),
  }
  watchStore({ findFailure: () => disk.failure, tryWrite }, { health, metrics, clock, log, stopping: stop.signal })
  const shown = async () => ({
    check: health.report().checks.store,
    gauge: /^ebs_store_writable (\d)$/m.exec(await metrics.text())?.[1],
  })
  return { clock, disk, write, said, shown, stop }
}

const WELL = { check: 'ok', gauge: '1' }
const BAD = { check: 'The database takes no writes (SQLITE_FULL).', gauge: '0' }

test('a store that takes no write at the start is not ready, until a try works', async () => {
  const { clock, disk, said, shown } = watched(true)
  await clock.advance(10_000)
  expect(await shown()).toEqual(BAD)

  disk.fails = false
  await clock.advance(10_000)

  expect(await shown()).toEqual(WELL)
  expect(said).toEqual(['the store takes no writes; trying again until it does', 'the store takes writes again'])
})

test('one that works is tried once; when a write of the service fails, again until it works, though nobody else writes', async () => {
  const { clock, disk, write, shown } = watched(false)
  await clock.advance(60_000)
  expect([await shown(), disk.tries]).toEqual([WELL, 1])

  disk.fails = true
  await expect(write()).rejects.toThrow()
  expect(await shown()).toEqual(BAD)
  await clock.advance(60_000)
  expect([await shown(), disk.tries > 10]).toEqual([BAD, true])

  disk.fails = false
  await clock.advance(5_000)
  expect(await shown()).toEqual(WELL)
})

test('nothing is tried once the service stops', async () => {
  const { clock, disk, stop } = watched(true)
  await clock.advance(10_000)
  stop.abort()
  const { tries } = disk
  await clock.advance(60_000)

  expect(disk.tries).toBe(tries)
})
