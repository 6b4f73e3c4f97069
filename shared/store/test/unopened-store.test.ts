import { mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { release } from '../../release.ts'
import { type Migration, messagingTables } from '../migrations.ts'
import { SqliteStore } from '../sqlite-store.ts'
import { StoreBusyError, StoreUnavailableError } from '../store.ts'
import { HopelessStoreError, LockedStoreError, unopened } from '../unopened-store.ts'
import { row } from './rows.ts'
import { scratch } from './scratch.ts'

const notes: Migration = { name: 'notes', sql: 'create table notes(n integer)' }
const migrations = [messagingTables]

/** A store with rows on some pages, closed. */
async function closedStore(): Promise<string> {
  const path = join(scratch(), 'store.db')
  const store = await SqliteStore.open({ path, migrations })
  await store.write((tx) => tx.enqueue(Array.from({ length: 500 }, (_, n) => row(`k${n}`))))
  await store.close()
  return path
}

async function writeOver(path: string, at: number, bytes: readonly number[]): Promise<void> {
  const file = await open(path, 'r+')
  await file.write(Buffer.from(bytes), 0, bytes.length, at)
  await file.close()
}

const byHand = (sql: string) => async (path: string) => {
  const db = new Database(path)
  db.exec(sql)
  db.close()
}

/** Why a store cannot be opened, as it is thrown. */
const refusal = (path: string, list = migrations): Promise<unknown> =>
  SqliteStore.open({ path, migrations: list, waitMs: 0 }).then(
    (store) => store.close().then(() => undefined),
    (error: unknown) => error,
  )

/** It names the file, and is for people: one line that ends with what to do. */
const isReadable = (error: unknown, path: string): boolean =>
  error instanceof Error && error.message.startsWith(path) && /^[^\n]+\.$/.test(error.message)

const RESTORE = 'restore a backup with `ebs restore <folder>`'
const DISK = 'mounted writable; the user of this process must be allowed to write'

const ruins: readonly { what: string; spoil: (path: string) => unknown; why: string; remedy: string }[] = [
  {
    what: 'is garbage',
    spoil: (path) => writeFileSync(path, 'this is no database, but it has many bytes'.repeat(500)),
    why: 'SQLITE_NOTADB: file is not a database',
    remedy: RESTORE,
  },
  { what: 'is a word', spoil: (path) => writeFileSync(path, 'lost'), why: 'SQLITE_NOTADB', remedy: RESTORE },
  { what: 'is cut in its header', spoil: (path) => truncateSync(path, 50), why: 'SQLITE_CORRUPT', remedy: RESTORE },
  {
    what: 'is cut in its first page',
    spoil: (path) => truncateSync(path, 2_000),
    why: 'SQLITE_CORRUPT',
    remedy: RESTORE,
  },
  {
    what: 'is cut behind some pages',
    spoil: (path) => truncateSync(path, 3 * 4_096),
    why: 'SQLITE_CORRUPT: database disk image is malformed',
    remedy: RESTORE,
  },
  {
    what: 'has a schema that was written over',
    spoil: (path) =>
      writeOver(
        path,
        100,
        Array.from({ length: 3_996 }, () => 0xff),
      ),
    why: 'SQLITE_CORRUPT',
    remedy: RESTORE,
  },
  {
    what: 'is a folder',
    spoil: (path) => {
      rmSync(path)
      mkdirSync(path)
    },
    why: 'SQLITE_CANTOPEN: unable to open database file',
    remedy: DISK,
  },
  {
    what: 'cannot have a log beside it',
    spoil: (path) => mkdirSync(`${path}-wal`),
    why: 'SQLITE_CANTOPEN',
    remedy: DISK,
  },
  {
    what: 'has a table of stamps with other columns',
    spoil: byHand('alter table ebs_store rename column ebs to program'),
    why: 'ebs_store is not as ebs writes it (SqliteError: no such column: ebs)',
    remedy: RESTORE,
  },
  {
    what: 'has a text in a stamp where a number belongs',
    spoil: byHand("update ebs_store set migrations = 'many'"),
    why: 'ebs_store is not as ebs writes it (✖ Invalid input: expected number, received string → at migrations)',
    remedy: RESTORE,
  },
  {
    what: 'has a stamp of bytes',
    spoil: byHand("update ebs_store set newest = x'00ff'"),
    why: 'received Buffer → at newest)',
    remedy: RESTORE,
  },
  {
    what: 'has a stamp of fewer migrations than it has',
    spoil: byHand('update ebs_store set migrations = 0'),
    why: 'user_version is 1, its table ebs_store says 0',
    remedy: RESTORE,
  },
  {
    what: 'has fewer migrations than its stamp says',
    spoil: byHand('pragma user_version = 0'),
    why: 'user_version is 0, its table ebs_store says 1',
    remedy: RESTORE,
  },
  {
    what: 'has a number of migrations below 0, and no stamp',
    spoil: byHand('delete from ebs_store; pragma user_version = -1'),
    why: 'user_version is -1, its table ebs_store says nothing',
    remedy: RESTORE,
  },
]

describe('a store that cannot be opened says which file, why, and what to do, when it', () => {
  test.each(ruins)('$what', async ({ spoil, why, remedy }) => {
    const path = await closedStore()
    await spoil(path)

    const error = await refusal(path)

    expect(error).toBeInstanceOf(HopelessStoreError)
    expect(isReadable(error, path), String(error)).toBe(true)
    expect(String(error)).toContain(why)
    expect(String(error)).toContain(remedy)
  })

  test.each([
    ['is to be migrated and cannot be written', [...migrations, notes]],
    ['is as it should be and cannot be written', migrations],
  ])('%s', async (_, wanted) => {
    const path = await closedStore()
    // A format that is newer for writers: SQLite then only reads it, for root too.
    await writeOver(path, 18, [3])

    const error = await refusal(path, wanted)

    expect(error).toBeInstanceOf(HopelessStoreError)
    expect(isReadable(error, path), String(error)).toBe(true)
    expect(String(error)).toMatch(/SQLITE_READONLY.*Mount its disk writable/)
  })

  test('is in a folder that cannot be made', async () => {
    const file = join(scratch(), 'file')
    writeFileSync(file, '')
    const path = join(file, 'store.db')

    const error = await refusal(path)

    expect(error).toBeInstanceOf(HopelessStoreError)
    expect(isReadable(error, path), String(error)).toBe(true)
    expect(String(error)).toMatch(/EEXIST.*name another data directory/)
  })

  test('has a migration that fails, and is then as it was before', async () => {
    const path = await closedStore()
    const before = readFileSync(path)

    const error = await refusal(path, [...migrations, { name: 'broken', sql: 'create tabel x' }])

    expect(error).toBeInstanceOf(HopelessStoreError)
    expect(String(error)).toContain(
      `Migration 'broken' of ${path} failed (near "tabel": syntax error); the database is as it was before. Start the version of ebs that was used last`,
    )
    expect(readFileSync(path)).toEqual(before)
  })
})

test.each([
  ['SQLITE_NOTADB', 'HopelessStoreError', RESTORE],
  ['SQLITE_CORRUPT_VTAB', 'HopelessStoreError', RESTORE],
  ['SQLITE_READONLY_DIRECTORY', 'HopelessStoreError', 'Mount its disk writable'],
  ['SQLITE_CANTOPEN_ISDIR', 'HopelessStoreError', DISK],
  ['SQLITE_FULL', 'UnopenedStoreError', 'Make room on its disk'],
  ['SQLITE_IOERR_WRITE', 'UnopenedStoreError', 'its disk does not do what it is asked for'],
  ['SQLITE_BUSY', 'LockedStoreError', 'Start this one again'],
])('%s is a %s and has its remedy', (code, name, remedy) => {
  const error = unopened('data/hub.db', new Database.SqliteError('no', code), 0)

  expect(error).toMatchObject({ name })
  expect(String(error)).toContain(`data/hub.db cannot be opened (${code}: no)`)
  expect(String(error)).toContain(remedy)
})

test.each([
  ['EROFS', 'HopelessStoreError'],
  ['EACCES', 'HopelessStoreError'],
  ['ENOSPC', 'UnopenedStoreError'],
  ['EMFILE', 'UnopenedStoreError'],
])('a folder that cannot be made because of %s is a %s', (code, name) => {
  const error = unopened('data/hub.db', Object.assign(new Error(`${code}: no`), { code }), 0)

  expect(error).toMatchObject({ name, message: expect.stringContaining('its folder cannot be made') })
})

test.each([new Database.SqliteError('no such table: x', 'SQLITE_ERROR'), new TypeError('x is not a function'), 'x'])(
  'what is a mistake of a program stays as it is: %s',
  (error) => {
    expect(unopened('data/hub.db', error, 0)).toBe(error)
  },
)

describe('while another process migrates', () => {
  test('one waits for it, and finds the work done', async () => {
    const path = await closedStore()
    const migrating = holdLock(path)
    const opening = SqliteStore.open({ path, migrations: [...migrations, notes] })
    const waited = await turnsOf(opening)
    migrating.exec(`${notes.sql}; pragma user_version = 2`)
    migrating.exec(
      `insert into ebs_store(at, ebs, migrations, newest) values ('now', '${release}', 2, 'notes'); commit`,
    )

    const store = await opening
    onTestFinished(() => store.close())

    expect(waited).toBe('waits')
    expect(store.read.get(z.object({ n: z.number() }), 'select count(*) as n from ebs_store')).toEqual({ n: 2 })
  })

  test('for too long, one says that and ends; later it can be opened', async () => {
    const path = await closedStore()
    const migrating = holdLock(path)
    const both = [...migrations, notes]

    const error = await refusal(path, both)

    expect(error).toBeInstanceOf(LockedStoreError)
    expect(isReadable(error, path), String(error)).toBe(true)
    expect(String(error)).toMatch(
      /SQLITE_BUSY: database is locked\): for \d+ s another process has held its lock.*migrates.*Start this one again/,
    )
    migrating.exec('rollback')
    expect(await refusal(path, both)).toBeUndefined()
  })

  test('a store that needs no migration is opened at once', async () => {
    const path = await closedStore()
    holdLock(path)

    expect(await refusal(path)).toBeUndefined()
  })
})

test('two stores go on with the one that is well, and a lock is no reason to leave the other', () => {
  const io = unopened('hub.db', new Database.SqliteError('no', 'SQLITE_CORRUPT'), 0)
  const locked = unopened('hub.db', new Database.SqliteError('no', 'SQLITE_BUSY'), 0)

  expect([io instanceof StoreUnavailableError, io instanceof StoreBusyError]).toEqual([true, false])
  expect(locked).toBeInstanceOf(StoreBusyError)
})

/** As somebody does who is in the middle of a migration. */
function holdLock(path: string) {
  const db = new Database(path)
  onTestFinished(() => void db.close())
  db.exec('begin immediate')
  return db
}

const turnsOf = (opening: Promise<unknown>) =>
  Promise.race([opening.then(() => 'has ended'), turn().then(() => 'waits')])
