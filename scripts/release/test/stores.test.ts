import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { readCopy } from '../../../shared/store/copies.ts'
import type { Migration } from '../../../shared/store/migrations.ts'
import { buildStore, schemaOf } from '../../../shared/store/sql-dump.ts'
import { SqliteStore } from '../../../shared/store/sqlite-store.ts'
import type { StoreFile } from '../../backup/manifest.ts'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { readRelease, releaseFolders } from '../recorded.ts'
import { digestsOf, stores } from '../stores.ts'

const root = join(import.meta.dirname, '..', '..', '..')
const releases = releaseFolders(join(root, 'test', 'releases')).map((folder) => readRelease(folder))
const isStore = (name: string): name is StoreFile => Object.hasOwn(stores, name)
const left = releases.flatMap(({ release, dumps }) =>
  Object.entries(dumps).flatMap(([file, dump]) =>
    isStore(file) ? [{ version: release.version, file, dump, known: release.migrations[file] ?? [] }] : [],
  ),
)

const tableRow = z.object({ name: z.string() })
const countRow = z.object({ n: z.int() })
const text = z.object({ text: z.string() })
const TABLES = `select name from sqlite_schema where type = 'table' and name not like 'sqlite_%' and name <> 'ebs_store'`

/** Tables with their numbers of rows, what a check of the whole file says, and how many migrations it counts. */
const factsOf = (path: string) =>
  readCopy(path, (read) => ({
    rows: Object.fromEntries(
      read
        .all(tableRow, TABLES)
        .map(({ name }) => [name, read.get(countRow, `select count(*) as n from "${name}"`)?.n]),
    ),
    integrity: read.all(text, 'select integrity_check as text from pragma_integrity_check'),
    migrations: read.get(countRow, 'select user_version as n from pragma_user_version')?.n,
  }))

const migrated = async (path: string, migrations: readonly Migration[]) =>
  (await SqliteStore.open({ path, migrations })).close()

test('every store that a release left is known, and there are releases', () => {
  expect(releases.map(({ release }) => release.version)).toContain('0.1.0')
  for (const { dumps } of releases) expect(Object.keys(dumps).filter((name) => !isStore(name))).toEqual([])
})

test.each(left)('$file of $version: what was released of its migrations is unaltered', ({ file, known }) => {
  const now = digestsOf(stores[file].migrations).slice(0, known.length)

  expect(now, 'A released migration never changes: undo that, and append a migration that does the rest.').toEqual(
    known,
  )
})

test.each(left)(
  '$file of $version is migrated to what a new one is, and loses no row',
  async ({ file, dump, known }) => {
    using folder = temporaryFolder()
    const [old, fresh] = [join(folder.path, file), join(folder.path, `fresh-${file}`)]
    const { migrations } = stores[file]
    buildStore(old, dump)
    const before = factsOf(old)

    await migrated(old, migrations)
    await migrated(fresh, migrations)

    const after = factsOf(old)
    expect(before).toMatchObject({ integrity: [{ text: 'ok' }], migrations: known.length })
    expect(after).toMatchObject({ integrity: [{ text: 'ok' }], migrations: migrations.length, rows: before.rows })
    expect(schemaOf(old)).toEqual(schemaOf(fresh))
  },
)

test.each(left)('$file of $version is as it was when a migration to come fails', async ({ file, dump }) => {
  using folder = temporaryFolder()
  const path = join(folder.path, file)
  const broken: Migration = { name: 'broken', sql: 'create table half(n integer); insert into nowhere values (1)' }
  buildStore(path, dump)
  const before = [schemaOf(path), factsOf(path)]

  await expect(migrated(path, [...stores[file].migrations, broken])).rejects.toThrow("Migration 'broken'")

  expect([schemaOf(path), factsOf(path)]).toEqual(before)
})
