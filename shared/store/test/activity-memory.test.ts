import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { ACTIVITY_KEEP_MS, SqliteActivityMemory } from '../activity-memory.ts'
import { OnDemandStore } from '../on-demand-store.ts'
import { scratch } from './scratch.ts'

const NOW_MS = Date.parse('2026-01-01T00:00:00.000Z')
const what = { activity: 'charge', key: 'k1' }

function opened(path = join(scratch(), 'data', 'processor.db')) {
  const memory = new SqliteActivityMemory(path)
  onTestFinished(() => memory.close())
  return { memory, path }
}

test('first, unknown since it began, done: each is told apart', async () => {
  const { memory } = opened()

  expect(await memory.begin(what, NOW_MS)).toEqual({ kind: 'first' })
  expect(await memory.begin(what, NOW_MS + 1)).toEqual({ kind: 'unknown', sinceMs: NOW_MS, toldAttempt: undefined })
  await memory.tellUnknown(what, 2)
  await memory.tellUnknown(what, 3)
  expect(await memory.begin(what, NOW_MS + 2)).toMatchObject({ toldAttempt: 2 })
  await memory.beginAgain(what, NOW_MS + 3)
  expect(await memory.begin(what, NOW_MS + 4)).toEqual({ kind: 'unknown', sinceMs: NOW_MS + 3, toldAttempt: undefined })
  await memory.finish(what, '{"ok":1}', NOW_MS + 5)
  expect(await memory.begin(what, NOW_MS + 6)).toEqual({ kind: 'done', output: '{"ok":1}' })
})

test('what was done and gave nothing that can be taken is told with its error, until it begins again', async () => {
  const { memory } = opened()
  await memory.begin(what, NOW_MS)

  await memory.fail(what, { error: 'n: not a number', attempt: 2 }, NOW_MS + 1)
  expect(await memory.begin(what, NOW_MS + 2)).toEqual({ kind: 'failed', error: 'n: not a number', toldAttempt: 2 })

  await memory.beginAgain(what, NOW_MS + 3)
  expect(await memory.begin(what, NOW_MS + 4)).toEqual({ kind: 'unknown', sinceMs: NOW_MS + 3, toldAttempt: undefined })
})

test('what is forgotten begins anew', async () => {
  const { memory } = opened()
  await memory.begin(what, NOW_MS)

  await memory.forget(what)

  expect(await memory.begin(what, NOW_MS)).toEqual({ kind: 'first' })
})

test('an outcome outlives its process, and one whose beginning is gone is kept all the same', async () => {
  const { memory, path } = opened()
  await memory.finish(what, '1', NOW_MS)
  await memory.close()

  expect(await opened(path).memory.begin(what, NOW_MS)).toEqual({ kind: 'done', output: '1' })
})

test.each([
  { ageMs: ACTIVITY_KEEP_MS, pruned: 0 },
  { ageMs: ACTIVITY_KEEP_MS + 1, pruned: 1 },
])('after $ageMs ms it is forgotten $pruned times: 30 days are kept', async ({ ageMs, pruned }) => {
  const { memory } = opened()
  await memory.begin(what, NOW_MS - ageMs)
  await memory.begin({ ...what, key: 'young' }, NOW_MS)

  expect(await memory.prune(NOW_MS)).toBe(pruned)

  expect(await memory.begin(what, NOW_MS)).toMatchObject({ kind: pruned === 1 ? 'first' : 'unknown' })
})

test('more than a slice is pruned at once', async () => {
  const { memory } = opened()
  await Promise.all(Array.from({ length: 4_001 }, (_, n) => memory.begin({ ...what, key: `k${n}` }, n)))

  expect(await memory.prune(NOW_MS)).toBe(4_001)
})

test('the file is made when it is first needed, not before', async () => {
  const { memory, path } = opened()

  expect(await memory.prune(NOW_MS)).toBe(0)
  expect(existsSync(path)).toBe(false)

  await memory.begin(what, NOW_MS)
  expect(existsSync(path)).toBe(true)
})

test('a file that could not be opened is tried again by whoever comes next', async () => {
  const path = join(scratch(), 'processor.db')
  mkdirSync(path)
  const store = new OnDemandStore({ path, migrations: [{ name: 'one', sql: 'create table one(n integer)' }] })
  onTestFinished(() => store.close())
  const count = (n: number) => store.write((tx) => tx.get(z.object({ n: z.number() }), 'select ? as n', n))
  await expect(count(1)).rejects.toThrow()

  rmSync(path, { recursive: true })

  expect(await count(2)).toEqual({ n: 2 })
})
