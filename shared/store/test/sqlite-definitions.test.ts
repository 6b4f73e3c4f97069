import { join } from 'node:path'
import Database from 'better-sqlite3'
import { describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { conversationTables, frozenTables } from '../conversation-tables.ts'
import { heldTables } from '../held-tables.ts'
import { messagingTables } from '../migrations.ts'
import { definitionStatements } from '../sqlite-definitions.ts'
import { movingStatements } from '../sqlite-moving.ts'
import { SqliteStore } from '../sqlite-store.ts'
import { conversation, save } from './conversation-fixture.ts'
import { openSqliteHub } from './held-fixture.ts'
import { scratch } from './scratch.ts'

const at = '2024-05-06T07:08:09.123Z'
const atMs = Date.parse(at)

function look(path: string): Database.Database {
  const db = new Database(path, { readonly: true })
  onTestFinished(() => void db.close())
  return db
}

test('shows a person which definitions there are, and how journeys stand', async () => {
  const path = join(scratch(), 'hub.db')
  const store = await openSqliteHub(path)
  const said = { actor: 'ann', reason: 'new', document: '{"type":"order"}' }
  await store.write((tx) => tx.definitions.insert({ type: 'order', version: 2, atMs, ...said }))
  const times = { createdAtMs: atMs, changedAtMs: atMs, endedAtMs: atMs }
  await save(
    store,
    conversation('s.main', { kind: 'journey', status: 'COMPLETED', label: 'order', ...times }),
    conversation('t.main', { kind: 'journey', status: 'RUNNING', label: 'order', attention: 'overdue', tenant: null }),
    conversation('g'),
  )

  expect(look(path).prepare('select * from definitions').all()).toEqual([{ type: 'order', version: 2, at, ...said }])
  expect(look(path).prepare('select * from journeys order by id').all()).toEqual([
    {
      ...{ id: 's.main', type: 'order', status: 'COMPLETED', attention: null, tenant: 'acme' },
      ...{ created_at: at, changed_at: at, ended_at: at },
    },
    expect.objectContaining({ id: 't.main', status: 'RUNNING', attention: 'overdue', tenant: null, ended_at: null }),
  ])
})

test.each(['definitions', 'journeys'])('the view %s is read-only', async (view) => {
  const path = join(scratch(), 'hub.db')
  await (await openSqliteHub(path)).close()
  const db = new Database(path)
  onTestFinished(() => void db.close())

  expect(() => db.exec(`delete from ${view}`)).toThrow('view')
})

test('a file of a version before labels keeps its conversations, their history and their place in lists', async () => {
  const path = join(scratch(), 'hub.db')
  const before = await SqliteStore.open({
    path,
    migrations: [messagingTables, conversationTables, frozenTables, heldTables],
  })
  await before.write((tx) => {
    for (const key of ['b', 'a']) {
      const { lastId } = tx.run(
        `insert into conversation_rows(key, kind, version, status, created_at, changed_at, lines, correlation_id, state)
          values (?, 'group', 3, 'open', 1000, 2000, 1, 'c', '{}')`,
        key,
      )
      tx.run(`insert into history_rows(conversation, n, at, what) values (?, 1, 1000, ?)`, lastId, `opened ${key}`)
    }
    tx.run(`insert into counts(what, kind, n) values ('open', 'group', 2)`)
  })
  await before.close()

  const store = await openSqliteHub(path)

  const kept = { version: 3, correlationId: 'c', tenant: null, state: '{}', changedAtMs: 2_000 }
  const { items } = await store.reader.listConversations({ kind: 'group', isOpen: true }, { limit: 9 })
  expect(items).toEqual([conversation('a', kept), conversation('b', kept)])
  await save(store, conversation('a', { ...kept, version: 4, label: 'x' }))
  const lines = await store.reader.historyOf({ kind: 'group', key: 'a' }, 9)
  expect(lines.map(({ what }) => what)).toEqual(['opened a', 'open 4'])
  expect(look(path).prepare(`select what from history where key = 'b'`).all()).toEqual([{ what: 'opened b' }])
})

describe('no number of rows slows', () => {
  const plan = z.array(z.object({ detail: z.string() }))
  const all = {
    ...definitionStatements,
    ...movingStatements,
    viewDefinitions: 'select * from definitions where type = ? and version = ?',
    viewJourneys: 'select * from journeys where id = ?',
  }

  test.each(Object.entries(all))('%s', async (_, sql) => {
    const path = join(scratch(), 'hub.db')
    await openSqliteHub(path)
    const values = Array.from(sql.matchAll(/\?/g), () => null)

    const steps = plan
      .parse(
        look(path)
          .prepare(`explain query plan ${sql}`)
          .all(...values),
      )
      .map(({ detail }) => detail)

    expect(steps.filter((step) => /SCAN(?! json_each)|TEMP B-TREE/.test(step))).toEqual([])
  })
})
