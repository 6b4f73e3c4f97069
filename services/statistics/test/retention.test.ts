import { describe, expect, test } from 'vitest'
import { pruneRows, ROWS_KEEP_MS, UNFINISHED_KEEP_MS } from '../retention.ts'
import { readStatistics, readThroughput } from '../store.ts'
import { completed, flow, objectCreated, objectFailed, START_MS, started, taskCreated, told } from './history.ts'
import { count, open, rowsOf } from './scratch.ts'

describe('retention', () => {
  test('removes what finished after a week, the rest after a month, and leaves the totals', async () => {
    const { store } = await open()
    const open1 = [told(objectCreated('open')), told(taskCreated('open', 1, 1)), told(started('open-1'))]
    await count(store, [...Array.from({ length: 700 }, (_, i) => flow(`o${i}`, 2)).flat(), ...open1])
    await count(store, flow('new', 2), START_MS + ROWS_KEEP_MS)
    const before = readStatistics(store.read)
    const left = () =>
      rowsOf(store, 'select id from objects union all select id from tasks order by 1').map(({ id }) => id)

    expect(await pruneRows(store, START_MS + ROWS_KEEP_MS)).toBe(0)
    expect(await pruneRows(store, START_MS + ROWS_KEEP_MS + 1)).toBe(2_100)
    expect(left()).toEqual(['new', 'new-1', 'new-2', 'open', 'open-1'])
    expect(readStatistics(store.read)).toEqual(before)

    expect(await pruneRows(store, START_MS + UNFINISHED_KEEP_MS + 1)).toBe(5)
    expect(readStatistics(store.read)).toEqual({ ...before, tasks_in_progress: 0 })
    expect(readThroughput(store.read, 10)).toEqual([])
  })

  test('keeps objects that failed as long as another end may be told', async () => {
    const { store } = await open()
    const failed = [told(objectCreated('bad')), told(objectFailed('bad'))]
    await count(store, [...failed, ...flow('good', 1), told(completed('alone'))])

    expect(await pruneRows(store, START_MS + ROWS_KEEP_MS + 1)).toBe(3)
    expect(rowsOf(store, 'select id from objects')).toEqual([{ id: 'bad' }])
    await count(store, [told(completed('bad'))], START_MS + UNFINISHED_KEEP_MS)

    expect(readStatistics(store.read)).toMatchObject({ objects_created: 2, objects_completed: 3, objects_failed: 0 })
  })
})
