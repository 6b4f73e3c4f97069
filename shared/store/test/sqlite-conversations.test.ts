import { join } from 'node:path'
import Database from 'better-sqlite3'
import { describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { listStatement, listStatements } from '../sqlite-conversation-lists.ts'
import { readStatements } from '../sqlite-conversation-reader.ts'
import { statements } from '../sqlite-conversation-transaction.ts'
import { SqliteConversationStore } from '../sqlite-conversations.ts'
import { change, conversation, openSqlite, roomy, save } from './conversation-fixture.ts'
import { row } from './rows.ts'
import { scratch } from './scratch.ts'

const id = { kind: 'group', key: 'a' }

/** The file as a person with sqlite3 sees it. */
function look(path: string): Database.Database {
  const db = new Database(path, { readonly: true })
  onTestFinished(() => void db.close())
  return db
}

test('H7: keeps everything over a reopen, and gives no token again', async () => {
  const path = join(scratch(), 'hub.db')
  const before = await SqliteConversationStore.open({ path })
  await save(before, conversation('a'))
  await before.write(async (tx) => {
    await tx.armTimers([{ ...id, name: 'ttl', dueMs: 5 }])
    await tx.keepEarly([{ ...id, event: '12345', atMs: 1 }], roomy)
    await tx.addWakeups([10])
    await tx.enqueue([row('x')])
  })
  const taken = await before.write((tx) => tx.takeTimer({ ...id, name: 'ttl' }))
  await before.close()

  const store = await openSqlite(path)
  await store.write((tx) => tx.armTimers([{ ...id, name: 'ttl', dueMs: 5 }]))

  expect(store.reader.findConversation(id)).toEqual(conversation('a'))
  expect(store.reader.countOpen()).toEqual([{ kind: 'group', count: 1, oldestMs: 1_000 }])
  expect([store.reader.countTimers(), store.reader.countEarly(), store.countPending()]).toEqual([1, 1, 1])
  expect(await store.write((tx) => tx.addWakeups([10]))).toEqual([])
  const late = { ...id, event: '123456', atMs: 1 }
  expect(await store.write((tx) => tx.keepEarly([late], { ...roomy, bytesMax: 10 }))).toEqual([late])
  expect(await store.write((tx) => tx.keepEarly([late], { ...roomy, bytesMax: 11 }))).toEqual([])
  expect(await store.write((tx) => tx.takeTimer({ ...id, name: 'ttl' }, taken?.token))).toBeUndefined()
})

test('shows a person how everything stands, in views with times to read', async () => {
  const path = join(scratch(), 'hub.db')
  const store = await openSqlite(path)
  const atMs = Date.parse('2024-05-06T07:08:09.123Z')
  const ended = { version: 1, status: 'success', createdAtMs: atMs - 1, changedAtMs: atMs, endedAtMs: atMs }
  await store.write(async (tx) => {
    await tx.saveConversations([
      { ...change(conversation('a', ended)), history: [{ atMs, what: 'opened', detail: '3 members' }] },
      change(conversation('b', { tenant: null })),
    ])
    await tx.armTimers([{ ...id, name: 'ttl', dueMs: atMs + 1_000 }])
    await tx.countIgnored([{ kind: 'group', why: 'late', type: 'T', count: 2, lastKey: 'a', lastAtMs: atMs }])
  })
  const db = look(path)
  const all = (view: string) => db.prepare(`select * from ${view} order by key`).all()
  const at = '2024-05-06T07:08:09.123Z'

  expect(all('conversations')).toEqual([
    {
      ...{ kind: 'group', key: 'a', status: 'success', version: 1, tenant: 'acme' },
      ...{ created_at: '2024-05-06T07:08:09.122Z', changed_at: at, ended_at: at },
    },
    expect.objectContaining({ key: 'b', tenant: null, ended_at: null }),
  ])
  expect(all('history')).toEqual([{ kind: 'group', key: 'a', at, what: 'opened', detail: '3 members' }])
  expect(all('timers')).toEqual([{ kind: 'group', key: 'a', name: 'ttl', due_at: '2024-05-06T07:08:10.123Z' }])
  expect(db.prepare('select * from ignored').all()).toEqual([
    { kind: 'group', why: 'late', type: 'T', count: 2, last_key: 'a', last_at: at },
  ])
})

describe('no number of rows slows', () => {
  const plan = z.array(z.object({ detail: z.string() }))
  const views = Object.fromEntries(
    ['conversations', 'history', 'timers'].map((view) => [`view ${view}`, `select * from ${view} where key = ?`]),
  )
  const lists = {
    listStatus: listStatement('status'),
    listOpen: listStatement('open'),
    listOver: listStatement('over'),
    listLabel: listStatement('label', ['tenant = ?']),
    listAttention: listStatement('attention', ['label = ?', 'status = ?', 'ended_at is null', 'tenant = ?']),
  }

  // A scan of a json_each reads the values that were bound; an index read from its end is min(), or a list without an end.
  test.each(Object.entries({ ...statements, ...readStatements, ...listStatements, ...lists, ...views }))(
    '%s',
    async (_, sql) => {
      const path = join(scratch(), 'hub.db')
      await openSqlite(path)
      const db = look(path)
      const values = Array.from(sql.matchAll(/\?/g), () => null)

      const steps = plan.parse(db.prepare(`explain query plan ${sql}`).all(...values)).map(({ detail }) => detail)

      expect(steps.filter((step) => /SCAN(?! json_each)|TEMP B-TREE/.test(step))).toEqual([])
    },
  )
})
