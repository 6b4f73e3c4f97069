import { expect, test } from 'vitest'
import { SqliteStore } from '../../../shared/store/sqlite-store.ts'
import { migrations } from '../schema.ts'
import { readStatistics } from '../store.ts'
import { completed, objectCreated, START_MS, told } from './history.ts'
import { count, open, rowsOf, scratchPath } from './scratch.ts'

const COUNTED_FROM_TASKS = `insert into object_rows(
    id, tenant, created_at, completed_at, failed_at, duration_ms, tasks, tasks_finished, tasks_failed, last_finish_at, changed_at
  ) values (?, 'acme', ?, ?, null, ?, 3, ?, 0, null, ?)`

test('a database in which objects were counted from their tasks keeps what it has and counts on', async () => {
  const path = scratchPath()
  const old = await SqliteStore.open({ path, migrations: migrations.slice(0, 2) })
  await old.write((tx) => {
    tx.run(COUNTED_FROM_TASKS, 'done', START_MS, START_MS + 30, 30, 3, START_MS)
    tx.run(COUNTED_FROM_TASKS, 'open', START_MS, null, null, 1, START_MS)
    tx.run("update counters set value = 2 where name = 'objects_created'")
    tx.run("update counters set value = 1 where name = 'objects_completed'")
  })
  const before = rowsOf(old, 'select * from objects')
  await old.close()

  const { store } = await open(path)
  expect(rowsOf(store, 'select * from objects')).toEqual(before)
  await count(store, [told(objectCreated('open')), told(completed('open')), told(completed('done'))])

  expect(readStatistics(store.read)).toMatchObject({ objects_created: 2, objects_completed: 2 })
})
