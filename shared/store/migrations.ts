import type { Database } from 'better-sqlite3'
import { z } from 'zod'
import { release } from '../release.ts'
import { damagedStore, HopelessStoreError, isOfFile } from './unopened-store.ts'

/** A step of a database's history. Numbered by its place in the list: append, never change one that was released. */
export type Migration = {
  readonly name: string
  readonly sql: string
}

/** The tables of `Transaction`: what was handled already, and what is to be published. Put it into a service's migrations. */
export const messagingTables: Migration = {
  name: 'inbox and outbox',
  sql: `
    create table inbox(
      seq integer primary key,
      queue text not null,
      id text not null,
      at integer not null,
      unique(queue, id)
    );
    -- A seq is never given twice, also when the table was empty in between: the relay reads behind the last one it saw.
    create table outbox(
      seq integer primary key autoincrement,
      exchange text not null,
      key text not null,
      body text not null,
      properties text not null
    );`,
}

/** `ebs1`, so that the file is known as ours and a stranger's is never changed. */
const APPLICATION_ID = 0x65627331

/**
 * Who wrote to the file, for people and for `migrate`: a row each time that another version of ebs opened it. No migration, because every
 * store has it and each counts its own; what 0.1.0 wrote has none.
 */
const STAMPS = `
  create table if not exists ebs_store(
    seq integer primary key, at text not null, ebs text not null, migrations integer not null, newest text not null,
    -- How many it had before, when this version migrated it; null when it did not, or made it.
    migrated_from integer
  )`
const STAMP = `
  insert into ebs_store(at, ebs, migrations, newest, migrated_from)
  values (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), ?, ?, ?, ?)`
const LAST_STAMP = 'select ebs, migrations, newest from ebs_store order by seq desc limit 1'
/** The first that had as many: it is old enough to be the least that is needed. */
const NEEDED = 'select ebs from ebs_store where migrations >= ? order by seq limit 1'
const stampRow = z.object({ ebs: z.string(), migrations: z.int(), newest: z.string() })
const neededRow = z.object({ ebs: z.string() })

/** The file cannot be used by this program; the message says why and what to do. It was not changed. */
export class UnusableDatabaseError extends Error {
  override readonly name = 'UnusableDatabaseError'
}

/**
 * Brings the database to the newest migration in one transaction, and stamps it with the version of ebs; `user_version` counts those
 * applied. Of several processes that start together one migrates, the others wait for its lock and find the work done. Throws
 * UnusableDatabaseError, HopelessStoreError when the file is damaged or a migration fails, and SQLite's errors about the disk and locks.
 */
export function migrate(db: Database, path: string, migrations: readonly Migration[], ebs = release): void {
  // In a transaction, so that all that is read is of one moment: another process may be migrating.
  if (db.transaction(() => isCurrent(db, path, { migrations, ebs })).deferred()) return
  db.transaction(() => {
    // Asked again under the lock: another process may have migrated meanwhile.
    if (isCurrent(db, path, { migrations, ebs })) return
    const before = versionOf(db)
    for (const { name, sql } of migrations.slice(before)) applyMigration(db, path, { name, sql })
    db.pragma(`user_version = ${migrations.length}`)
    db.pragma(`application_id = ${APPLICATION_ID}`)
    const isMigrated = before > 0 && before < migrations.length
    inStamps(path, () => {
      db.exec(STAMPS)
      db.prepare(STAMP).run(ebs, migrations.length, migrations.at(-1)?.name ?? '', isMigrated ? before : null)
    })
  }).immediate()
}

function applyMigration(db: Database, path: string, { name, sql }: Migration): void {
  try {
    db.exec(sql)
  } catch (cause) {
    if (isOfFile(cause)) throw cause
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new HopelessStoreError(
      `Migration '${name}' of ${path} failed (${why}); the database is as it was before. ` +
        'Start the version of ebs that was used last, and tell us (docs/upgrading.md).',
      { cause },
    )
  }
}

type Program = { readonly migrations: readonly Migration[]; readonly ebs: string }

function isCurrent(db: Database, path: string, { migrations, ebs }: Program): boolean {
  const version = versionOf(db)
  const isEmpty = db.prepare('select 1 from sqlite_schema limit 1').get() === undefined
  if (!isEmpty && db.pragma('application_id', { simple: true }) !== APPLICATION_ID)
    throw new UnusableDatabaseError(`${path} is a database of another program. Name another data directory.`)
  if (version > migrations.length) throw tooNew(db, path, { version, known: migrations.length, ebs })
  const stamp = stampOf(db, path)
  // Both are written in one transaction.
  if (version < 0 || (stamp && stamp.migrations !== version))
    throw damagedStore(
      path,
      `its user_version is ${version}, its table ebs_store says ${stamp?.migrations ?? 'nothing'}`,
    )
  const ours = stamp && migrations[stamp.migrations - 1]?.name
  if (stamp && ours !== stamp.newest)
    throw new UnusableDatabaseError(
      `${path} is another store of ebs: its newest migration is '${stamp.newest}', here that is '${ours}'. ` +
        'Put the files back under their own names (docs/upgrading.md).',
    )
  return version === migrations.length && stamp?.ebs === ebs
}

function tooNew(db: Database, path: string, { version, known, ebs }: { version: number; known: number; ebs: string }) {
  const row = inStamps(path, () => neededRow.optional().parse(findStamp(db, NEEDED, version)))
  const needed = row === undefined ? 'a newer one' : `ebs ${row.ebs}`
  return new UnusableDatabaseError(
    `${path} has ${version} migrations, ebs ${ebs} knows ${known}: it was written by ${needed}. ` +
      'Start that one or a newer one, restore a backup that was made before it (docs/upgrading.md), or name another data directory.',
  )
}

/** Who wrote to it last; undefined for a new file, and for one that only ebs 0.1.0 has written to. */
const stampOf = (db: Database, path: string): z.infer<typeof stampRow> | undefined =>
  inStamps(path, () => stampRow.optional().parse(findStamp(db, LAST_STAMP)))

function findStamp(db: Database, sql: string, ...params: number[]): unknown {
  const isThere = db.prepare(`select 1 from sqlite_schema where name = 'ebs_store'`).get() !== undefined
  return isThere ? db.prepare(sql).get(...params) : undefined
}

/** What a job finds wrong with the table of stamps, its columns and values, is said of the file. */
function inStamps<T>(path: string, job: () => T): T {
  try {
    return job()
  } catch (cause) {
    if (isOfFile(cause)) throw cause
    const why = cause instanceof z.ZodError ? z.prettifyError(cause).replaceAll(/\s+/g, ' ') : String(cause)
    throw damagedStore(path, `its table ebs_store is not as ebs writes it (${why})`, cause)
  }
}

const versionOf = (db: Database): number => Number(db.pragma('user_version', { simple: true }))
