import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { SqliteStore } from '../../../shared/store/sqlite-store.ts'
import { recordEnds } from '../ends.ts'
import { insertObject, listObjects, migrations } from '../store.ts'
import { CREATED_AT, completed, eventOf, failed, NOW_MS } from './objects-api.ts'

const object = (id: string) => ({ id, tenant: 'acme', name: id, content: 'c', createdAt: CREATED_AT })
const INSERT_OLD = 'insert into object_rows(id, tenant, name, content, created_at) values (?, ?, ?, ?, ?)'

function scratchPath() {
  const folder = mkdtempSync(join(tmpdir(), 'ebs-datagen-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return join(folder, 'datagen.db')
}

test('the view `objects` shows how they ended, behind the columns that it always had', async () => {
  const store = await SqliteStore.open({ path: scratchPath(), migrations })
  onTestFinished(() => store.close())
  await store.write((tx) => {
    for (const id of ['a', 'b', 'c']) insertObject(tx, object(id))
    recordEnds(tx, [eventOf(completed('b'), 0), eventOf(failed('c'), 1)], NOW_MS)
  })

  const columns = ['id', 'tenant', 'name', 'content', 'created_at']
  const rows = store.read.all(z.record(z.string(), z.unknown()), 'select * from objects order by id')
  const ended = { state: 'accepted', ended_at: null, duration_ms: null, error: null, missing: null }
  const common = { tenant: 'acme', content: 'c', created_at: CREATED_AT }
  expect(rows).toEqual([
    { ...common, id: 'a', name: 'a', ...ended },
    {
      ...common,
      id: 'b',
      name: 'b',
      ...ended,
      state: 'completed',
      ended_at: '2023-11-14T22:13:20.100Z',
      duration_ms: 250,
    },
    {
      ...{ ...common, id: 'c', name: 'c', state: 'failed', ended_at: '2023-11-14T22:13:20.200Z', duration_ms: 350 },
      ...{ error: 'no', missing: '["c.2"]' },
    },
  ])
  expect(Object.keys(rows[0] ?? {})).toEqual([...columns, ...Object.keys(ended)])
})

test('objects from before ends were kept are accepted, and end like any other', async () => {
  const path = scratchPath()
  const old = await SqliteStore.open({ path, migrations: migrations.slice(0, 2) })
  await old.write((tx) => {
    for (const id of ['a', 'b']) tx.run(INSERT_OLD, id, 'acme', id, 'c', CREATED_AT)
  })
  await old.close()

  const store = await SqliteStore.open({ path, migrations })
  onTestFinished(() => store.close())
  const idsIn = (state: 'accepted' | 'completed') =>
    listObjects(store.read, { afterSeq: 0, state }, 10).map(({ id }) => id)
  expect(idsIn('accepted')).toEqual(['a', 'b'])
  await store.write((tx) => recordEnds(tx, [eventOf(completed('a'), 0)], NOW_MS))

  expect(idsIn('accepted')).toEqual(['b'])
  expect(idsIn('completed')).toEqual(['a'])
})
