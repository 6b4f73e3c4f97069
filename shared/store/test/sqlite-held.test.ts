import { join } from 'node:path'
import Database from 'better-sqlite3'
import { describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { conversationTables } from '../conversation-tables.ts'
import { messagingTables } from '../migrations.ts'
import { frozenStatements } from '../sqlite-frozen-timers.ts'
import { groupStatements } from '../sqlite-held-groups.ts'
import { heldReadStatements } from '../sqlite-held-reader.ts'
import { heldStatements } from '../sqlite-held-transaction.ts'
import { SqliteHubStore } from '../sqlite-hub-store.ts'
import { SqliteStore } from '../sqlite-store.ts'
import { add, broughtTo, content, dead, openSqliteHub, parked } from './held-fixture.ts'
import { scratch } from './scratch.ts'

/** The file as a person with sqlite3 sees it. */
function look(path: string): Database.Database {
  const db = new Database(path, { readonly: true })
  onTestFinished(() => void db.close())
  return db
}

test('S6: keeps everything over a reopen', async () => {
  const path = join(scratch(), 'hub.db')
  const before = await SqliteHubStore.open({ path })
  await add(before, dead('a'), parked('b'))
  await before.write((tx) => tx.held.keepContents([content('a', 'mine', 'ann: typo')]))
  await broughtTo.released(before, 'b')
  await before.close()

  const store = await openSqliteHub(path)

  expect((await store.held.listHeld({}, { limit: 10 })).items.map(({ id, state }) => id + state)).toEqual([
    ...['breleased', 'aheld'],
  ])
  expect(await store.held.findContent('a')).toEqual(content('a', 'mine', 'ann: typo'))
  expect(await store.held.countByPlace()).toEqual([{ place: 'work.dead', count: 1 }])
  expect(await store.held.countOfJob('j')).toEqual([{ state: 'released', count: 1 }])
})

test('takes over a file from before there was a catalogue, with all that is in it', async () => {
  const path = join(scratch(), 'hub.db')
  const old = await SqliteStore.open({ path, migrations: [messagingTables, conversationTables] })
  await old.write((tx) => {
    tx.run(`insert into conversation_rows(key, kind, version, status, created_at, changed_at, lines, correlation_id, state)
      values ('a', 'group', 1, 'open', 1, 1, 0, 'thread', '{}')`)
    tx.run(`insert into timer_rows(key, kind, name, token, due) values ('a', 'group', 'ttl', 1, 100)`)
    tx.run(`insert into counts(what, kind, n) values ('timers', '', 1)`)
  })
  await old.close()

  const store = await openSqliteHub(path)
  await add(store, dead('x'))
  const found = await store.write((tx) => tx.frozen.findOpenOf('thread'))
  await store.write((tx) => tx.frozen.freeze(found, 40))

  expect(found).toEqual([{ kind: 'group', key: 'a' }])
  expect(await store.reader.frozenTimersOf({ kind: 'group', key: 'a' })).toMatchObject([{ leftMs: 60 }])
  expect([await store.reader.countTimers(), await store.reader.countFrozenTimers()]).toEqual([0, 1])
})

test('shows a person what is held and what was archived, in views with times to read', async () => {
  const path = join(scratch(), 'hub.db')
  const store = await openSqliteHub(path)
  const atMs = Date.parse('2024-05-06T07:08:09.123Z')
  const at = '2024-05-06T07:08:09.123Z'
  const times = { heldAtMs: atMs, changedAtMs: atMs }
  await add(store, dead('a', { ...times, firstFailedAtMs: atMs - 1_000 }), parked('b', times))
  await add(store, dead('c', { ...times, place: 'ebs.unrouted', queue: null, firstFailedAtMs: null }))
  await store.write(async (tx) => {
    const { id, place, queue, key } = dead('a')
    const message = { id, place, queue, key: key ?? '', body: 'e30=', properties: '{}' }
    await tx.held.archive([{ ...message, atMs, actor: 'ann', reason: 'old' }])
    await tx.held.archive([{ ...message, atMs: 0, actor: 'bob', reason: 'again' }])
    await tx.held.choose('j', ['b'], atMs)
  })
  const db = look(path)
  const all = (view: string) => db.prepare(`select * from ${view} order by 1`).all()

  expect(all('dead')).toEqual([
    {
      ...{ id: 'a', place: 'work.dead', queue: 'work', type: 'TASK_CREATED', key: 'task-requests', tenant: 'acme' },
      ...{ message_id: 'message of a', correlation_id: 'thread', reason: 'exhausted', error: 'Error: no', attempts: 3 },
      ...{ fingerprint: 'bug', first_failed_at: '2024-05-06T07:08:08.123Z', dead_at: at },
      ...{ state: 'held', replay: null, changed_at: at },
    },
    expect.objectContaining({ id: 'c', place: 'ebs.unrouted', queue: null, first_failed_at: null }),
  ])
  expect(all('sidelined')).toEqual([
    {
      ...{ id: 'b', rule: 'r#1', place: 'ebs.sideline.r.work', queue: 'work', type: 'TASK_CREATED', tenant: 'acme' },
      ...{
        key: 'task-requests',
        message_id: 'message of b',
        correlation_id: 'thread',
        reason: 'sideline',
        error: null,
      },
      ...{ parked_at: at, state: 'chosen', replay: 'j', changed_at: at },
    },
  ])
  expect(all('held_by_place')).toEqual([
    { place: 'ebs.sideline.r.work', rule: 'r#1', state: 'chosen', count: 1 },
    { place: 'ebs.unrouted', rule: null, state: 'held', count: 1 },
    { place: 'work.dead', rule: null, state: 'held', count: 1 },
  ])
  expect(all('archive')).toEqual([
    {
      ...{ id: 'a', place: 'work.dead', queue: 'work', key: 'task-requests', archived_at: at, actor: 'ann' },
      ...{ reason: 'old', properties: '{}', body: 'e30=' },
    },
  ])
})

test('shows a person which timers stand still', async () => {
  const path = join(scratch(), 'hub.db')
  const store = await openSqliteHub(path)
  const id = { kind: 'group', key: 'a' }
  await store.write(async (tx) => {
    await tx.armTimers([{ ...id, name: 'ttl', dueMs: 1_500 }])
    await tx.frozen.freeze([id], 1_000)
  })

  expect(look(path).prepare('select * from frozen_timers').all()).toEqual([
    { ...id, name: 'ttl', left_ms: 500, since: '1970-01-01T00:00:01.000Z' },
  ])
})

test.each(['dead', 'sidelined', 'archive', 'held_by_place', 'frozen_timers'])(
  'the view %s is read-only',
  async (view) => {
    const path = join(scratch(), 'hub.db')
    const store = await openSqliteHub(path)
    await store.close()
    const db = new Database(path)
    onTestFinished(() => void db.close())

    expect(() => db.exec(`delete from ${view}`)).toThrow('view')
  },
)

describe('no number of messages slows', () => {
  const plan = z.array(z.object({ detail: z.string() }))
  const all = { ...heldStatements, ...heldReadStatements, ...groupStatements, ...frozenStatements }

  // A scan of a json_each reads the values that were bound; sources and sums by job are few.
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
