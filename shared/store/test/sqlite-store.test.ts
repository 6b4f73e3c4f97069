import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import Database from 'better-sqlite3'
import { describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { type Migration, messagingTables } from '../migrations.ts'
import { startRelay } from '../outbox-relay.ts'
import { SqliteStore } from '../sqlite-store.ts'
import { StoreUnavailableError } from '../store.ts'
import { row } from './rows.ts'
import { scratch } from './scratch.ts'

const notes: Migration = { name: 'notes', sql: 'create table notes(id integer primary key, text text not null unique)' }
const migrations = [messagingTables, notes]
const note = z.object({ id: z.number(), text: z.string() })
const NOTES = 'select id, text from notes order by id'
const NOTE = 'insert into notes(text) values (?)'
const log = { info: () => undefined, warn: () => undefined, error: () => undefined }

async function open(path = join(scratch(), 'store.db'), list: readonly Migration[] = migrations) {
  const store = await SqliteStore.open({ path, migrations: list })
  onTestFinished(() => store.close())
  return store
}

/** Runs a compiled program of this folder; tests of processes need a build. */
function run(program: string, ...args: string[]): ChildProcess {
  const file = fileURLToPath(new URL(`../../../dist/shared/store/test/${program}.js`, import.meta.url))
  if (!existsSync(file)) throw new Error(`${file} is not there: run \`npm run build\` first.`)
  const child = spawn(process.execPath, [file, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

describe('SQL of a service', () => {
  test('reads its own writes inside the job; readers outside see them after the commit only', async () => {
    const store = await open()
    let insideJob: unknown[] = []
    let outside: unknown[] = []

    await store.write((tx) => {
      expect(tx.run(NOTE, 'one')).toEqual({ changes: 1, lastId: 1 })
      insideJob = tx.all(note, NOTES)
      outside = store.read.all(note, NOTES)
    })

    expect(insideJob).toEqual([{ id: 1, text: 'one' }])
    expect(outside).toEqual([])
    expect(store.read.get(note, NOTES)).toEqual({ id: 1, text: 'one' })
    expect(store.read.get(note, 'select id, text from notes where id = ?', 2)).toBeUndefined()
  })

  test('undoes a job whose statement fails alone', async () => {
    const store = await open()
    const write = (...texts: string[]) => store.write((tx) => texts.forEach((text) => void tx.run(NOTE, text)))

    const settled = await Promise.allSettled([write('a'), write('b', 'a'), write('c')])

    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(store.read.all(note, NOTES).map(({ text }) => text)).toEqual(['a', 'c'])
  })

  test('refuses a statement after the end of its job', async () => {
    const store = await open()
    const late = await store.write((tx) => () => tx.run(NOTE, 'late'))

    expect(late).toThrow('has ended')
    await store.write((tx) => tx.run(NOTE, 'next'))
    expect(late).toThrow('has ended')
  })
})

describe('the disk', () => {
  test.each([1, 3])('when it is full, rejects the jobs of a group of %i and goes on when there is room', async (n) => {
    const store = await open()
    const limit = (pages: number) => store.write((tx) => void tx.get(z.unknown(), `pragma max_page_count = ${pages}`))
    const fill = (text: string) => store.write((tx) => tx.run(NOTE, text))
    await limit(20)

    const full = await Promise.allSettled(Array.from({ length: n }, (_, i) => fill(`${i}`.repeat(200_000))))
    await limit(10_000)

    for (const one of full) expect(one).toMatchObject({ status: 'rejected', reason: expect.any(StoreUnavailableError) })
    await fill('room')
    expect(store.read.all(note, NOTES).map(({ text }) => text)).toEqual(['room'])
  })

  test('is synced at every commit, and read while it is written', async () => {
    const store = await open()
    const pragma = (name: string) => store.write((tx) => tx.get(z.unknown(), `pragma ${name}`))

    expect(await pragma('journal_mode')).toEqual({ journal_mode: 'wal' })
    expect(await pragma('synchronous')).toEqual({ synchronous: 2 })
    expect(await pragma('foreign_keys')).toEqual({ foreign_keys: 1 })
  })

  test('keeps everything over a reopen', async () => {
    const path = join(scratch(), 'deep', 'er', 'store.db')
    const first = await SqliteStore.open({ path, migrations })
    await first.write((tx) => {
      tx.recordFirstSeen('q', ['a'], 1)
      tx.enqueue([row('x')])
    })
    const { lastSeq } = first
    await first.close()

    const store = await open(path)

    expect(store.lastSeq).toBe(lastSeq)
    expect(store.countPending()).toBe(1)
    expect(await store.write((tx) => tx.recordFirstSeen('q', ['a', 'b'], 2))).toEqual(new Set(['b']))
  })

  test('D6: has everything a killed process had said was durable, and the relay publishes it', async () => {
    const path = join(scratch(), 'store.db')
    const writer = run('child-writer', path)
    const said: string[] = []
    for await (const line of createInterface({ input: writer.stdout ?? process.stdin }))
      if (said.push(line) === 200) writer.kill('SIGKILL')

    const store = await open(path)
    const published: string[] = []
    const publish = async ({ body }: { body: string }) => void published.push(body)
    const relay = startRelay({ outbox: store, publish, log })
    await relay.flushed()
    await relay.stop()

    expect(published.slice(0, said.length)).toEqual(said)
    expect(published.length - said.length).toBeLessThanOrEqual(1)
    const fresh = await store.write((tx) => tx.recordFirstSeen('q', published, 2))
    expect(fresh.size).toBe(0)
  })

  test('D1: a store that stood by sends what another has left in the outbox, before it says that all is flushed', async () => {
    const path = join(scratch(), 'store.db')
    const [working, standby] = [await open(path), await open(path)]
    const published: string[] = []
    const relay = startRelay({
      outbox: standby,
      publish: async ({ body }) => void published.push(body),
      log,
    })
    onTestFinished(() => relay.stop())
    expect(standby.countPending()).toBe(0)
    await working.write((tx) => tx.enqueue([row('a'), row('b')]))

    // The same message again, which the other had handled: nothing is written.
    await standby.write(() => undefined)
    await relay.flushed()

    expect(published).toEqual(['a', 'b'])
    await expect.poll(() => standby.countPending()).toBe(0)
  })

  test('D1: what a killed process has left is sent by the one that stood by, before it says that all is flushed', async () => {
    const path = join(scratch(), 'store.db')
    const standby = await open(path, [messagingTables])
    const published: string[] = []
    const publish = async ({ body }: { body: string }) => void published.push(body)
    const relay = startRelay({ outbox: standby, publish, log })
    onTestFinished(() => relay.stop())
    const writer = run('child-writer', path)
    const said: string[] = []
    for await (const line of createInterface({ input: writer.stdout ?? process.stdin }))
      if (said.push(line) === 50) writer.kill('SIGKILL')

    const fresh = await standby.write((tx) => tx.recordFirstSeen('q', said, 2))
    await relay.flushed()

    expect(fresh.size).toBe(0)
    expect(published.slice(0, said.length)).toEqual(said)
    await expect.poll(() => standby.countPending()).toBe(0)
  })

  test('knows what another process puts into the outbox and takes out, without a write of its own', async () => {
    const path = join(scratch(), 'store.db')
    const [one, other] = [await open(path), await open(path)]
    const known = () => [one, other].map((store) => [store.lastSeq, store.countPending()])
    expect(known().flat()).toEqual([0, 0, 0, 0])

    await one.write((tx) => tx.enqueue([row('a'), row('b')]))
    expect(known().flat()).toEqual([2, 2, 2, 2])
    await other.write((tx) => tx.enqueue([row('c')]))
    expect(known().flat()).toEqual([3, 3, 3, 3])
    await one.removePublished([1, 3])
    expect(known().flat()).toEqual([3, 1, 3, 1])
    await Promise.all([
      one.removePublished([1, 2]),
      other.removePublished([2]),
      one.write((tx) => tx.enqueue([row('d')])),
    ])
    expect(known().flat()).toEqual([4, 1, 4, 1])
  })

  test('counts what is pending inside a job without what is not committed', async () => {
    const path = join(scratch(), 'store.db')
    const [one, other] = [await open(path), await open(path)]
    expect(one.countPending()).toBe(0)
    await other.write((tx) => tx.enqueue([row('a')]))

    const inside = await one.write((tx) => {
      tx.enqueue([row('b')])
      return [one.countPending(), one.lastSeq]
    })

    expect(inside).toEqual([1, 1])
    expect([one.countPending(), one.lastSeq]).toEqual([2, 2])
  })

  test('hears of what another process put in with its next job, but not when it only removes what it has sent', async () => {
    const path = join(scratch(), 'store.db')
    const [busy, standby] = [await open(path), await open(path)]
    let told = 0
    standby.onEnqueued(() => told++)
    await busy.write((tx) => tx.enqueue([row('a'), row('b')]))

    await standby.removePublished([1])
    expect(told).toBe(0)
    await standby.write(() => undefined)
    expect(told).toBe(1)
    await standby.write(() => undefined)
    expect(told).toBe(1)
  })

  test('is opened by several processes at the same moment', async () => {
    const path = join(scratch(), 'store.db')
    const atMs = Date.now() + 1_000

    const openers = Array.from({ length: 4 }, () => run('child-opener', path, String(atMs)))
    const ends = await Promise.all(openers.map((opener) => once(opener, 'exit')))

    expect(ends.map(([code]) => code)).toEqual([0, 0, 0, 0])
    const store = await open(path, [messagingTables])
    expect(store.read.get(z.object({ n: z.number() }), 'select count(*) as n from inbox')?.n).toBe(4)
  })
})

describe('migrations', () => {
  test('are applied from where the database stands', async () => {
    const path = join(scratch(), 'store.db')
    await (await SqliteStore.open({ path, migrations: [messagingTables] })).close()

    const store = await open(path)

    await store.write((tx) => tx.run(NOTE, 'one'))
  })

  test('leave the database as it was when one fails', async () => {
    const path = join(scratch(), 'store.db')
    await (await SqliteStore.open({ path, migrations: [messagingTables] })).close()

    const opening = SqliteStore.open({ path, migrations: [...migrations, { name: 'broken', sql: 'create tabel x' }] })

    await expect(opening).rejects.toThrow("Migration 'broken'")
    const store = await open(path, [messagingTables])
    expect(
      store.read.get(z.object({ n: z.number() }), `select count(*) as n from sqlite_schema where name = 'notes'`)?.n,
    ).toBe(0)
  })

  test('refuse a database of a newer program', async () => {
    const path = join(scratch(), 'store.db')
    await (await SqliteStore.open({ path, migrations })).close()

    await expect(SqliteStore.open({ path, migrations: [messagingTables] })).rejects.toThrow('has 2 migrations')
  })

  test('leave a database of another program untouched', async () => {
    const path = join(scratch(), 'other.db')
    const other = new Database(path)
    onTestFinished(() => void other.close())
    other.exec('create table mine(x)')

    await expect(SqliteStore.open({ path, migrations })).rejects.toThrow('another program')

    expect(other.pragma('journal_mode', { simple: true })).toBe('delete')
    expect(other.prepare('select name from sqlite_schema').all()).toEqual([{ name: 'mine' }])
  })
})
