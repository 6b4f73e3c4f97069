import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { release } from '../../release.ts'
import { type Migration, messagingTables, migrate, UnusableDatabaseError } from '../migrations.ts'
import { buildStore, dumpStore, schemaOf } from '../sql-dump.ts'
import { SqliteStore } from '../sqlite-store.ts'
import { scratch } from './scratch.ts'

const notes: Migration = { name: 'notes', sql: 'create table notes(n integer)' }
const more: Migration = { name: 'more', sql: 'alter table notes add column text text' }
const others: Migration = { name: 'others', sql: 'create table others(n integer)' }
const rows = z.looseObject({})

/** Opens and closes a file, as this version of ebs with these migrations. */
function openAs(path: string, ebs: string, migrations: readonly Migration[]) {
  const db = new Database(path)
  try {
    migrate(db, path, migrations, ebs)
  } finally {
    db.close()
  }
}

function stampsIn(path: string) {
  const db = new Database(path, { readonly: true })
  try {
    return z.array(rows).parse(db.prepare('select ebs, migrations, newest, migrated_from from ebs_store').all())
  } finally {
    db.close()
  }
}

const fileName = () => join(scratch(), 'store.db')

test('the version is that of the package', () => {
  const text = readFileSync(join(import.meta.dirname, '..', '..', '..', 'package.json'), 'utf8')
  expect(z.looseObject({ version: z.string() }).parse(JSON.parse(text)).version).toBe(release)
})

test('a store says which version of ebs made it, which ones wrote to it, and what they migrated it from', () => {
  const path = fileName()
  openAs(path, '0.2.0', [notes])
  openAs(path, '0.2.0', [notes])
  openAs(path, '0.2.1', [notes])
  openAs(path, '0.3.0', [notes, more])

  expect(stampsIn(path)).toEqual([
    { ebs: '0.2.0', migrations: 1, newest: 'notes', migrated_from: null },
    { ebs: '0.2.1', migrations: 1, newest: 'notes', migrated_from: null },
    { ebs: '0.3.0', migrations: 2, newest: 'more', migrated_from: 1 },
  ])
})

test('what was made before stores had stamps is migrated, and says from where', async () => {
  const path = fileName()
  const db = new Database(path)
  db.exec(`${notes.sql}; pragma user_version = 1; pragma application_id = ${0x65627331}`)
  db.close()

  openAs(path, '0.2.0', [notes, more])

  expect(stampsIn(path)).toEqual([{ ebs: '0.2.0', migrations: 2, newest: 'more', migrated_from: 1 }])
})

test('an older version refuses a store that was migrated, names the first that can read it, and leaves it alone', () => {
  const path = fileName()
  openAs(path, '0.2.0', [notes])
  openAs(path, '0.3.0', [notes, more])
  openAs(path, '0.4.0', [notes, more])
  const before = readFileSync(path)

  expect(() => openAs(path, '0.2.0', [notes])).toThrow(
    `${path} has 2 migrations, ebs 0.2.0 knows 1: it was written by ebs 0.3.0. Start that one or a newer one`,
  )
  expect(readFileSync(path)).toEqual(before)
})

test('a file that was put under the name of another store is refused, and both are named', () => {
  const path = fileName()
  openAs(path, '0.2.0', [others])

  for (const migrations of [[notes], [notes, more]])
    expect(() => openAs(path, '0.2.0', migrations)).toThrow(
      new UnusableDatabaseError(
        `${path} is another store of ebs: its newest migration is 'others', here that is 'notes'. ` +
          'Put the files back under their own names (docs/upgrading.md).',
      ),
    )
})

test('a migration that fails in the middle leaves the file as it was, to the byte', () => {
  const path = fileName()
  openAs(path, '0.2.0', [notes])
  const before = readFileSync(path)
  const broken: Migration = { name: 'broken', sql: 'create table half(n integer); insert into nowhere values (1)' }

  expect(() => openAs(path, '0.3.0', [notes, more, broken])).toThrow("Migration 'broken'")
  expect(readFileSync(path)).toEqual(before)
})

test('a dump makes the same store: rows, sequences, indexes, triggers and views; triggers count nothing twice', async () => {
  const [path, copy] = [fileName(), fileName()]
  const counted: Migration = {
    name: 'counted',
    sql: `create table things(n integer primary key, "odd ""name""" text, b blob);
      create table count(n integer); insert into count values (0);
      create trigger added after insert on things begin update count set n = n + 1; end;
      create index things_by_text on things("odd ""name""");
      create view many as select n from things;
      insert into things values (7, 'it''s; two
lines', x'00ff'), (8, null, null);`,
  }
  const store = await SqliteStore.open({ path, migrations: [messagingTables, counted] })
  await store.write((tx) => tx.enqueue([{ exchange: 'ebs', key: 'a', body: '{}', properties: '{}' }]))
  await store.removePublished([1])
  await store.close()

  buildStore(copy, dumpStore(path))

  expect(schemaOf(copy)).toEqual(schemaOf(path))
  expect(dumpStore(copy)).toBe(dumpStore(path))
  const db = new Database(copy, { readonly: true })
  expect(db.prepare('select n from count').all()).toEqual([{ n: 2 }])
  expect(db.prepare('select seq from sqlite_sequence').all()).toEqual([{ seq: 1 }])
  db.close()
})
