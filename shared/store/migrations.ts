import type { Database } from 'better-sqlite3'

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

/** The file cannot be used by this program; the message says why and what to do. It was not changed. */
export class UnusableDatabaseError extends Error {
  override readonly name = 'UnusableDatabaseError'
}

/**
 * Brings the database to the newest migration in one transaction; `user_version` counts those applied. Of several
 * processes that start together one migrates, the others wait for its lock and find the work done.
 */
export function migrate(db: Database, path: string, migrations: readonly Migration[]): void {
  if (isCurrent(db, path, migrations.length)) return
  db.transaction(() => {
    // Asked again under the lock: another process may have migrated meanwhile.
    if (isCurrent(db, path, migrations.length)) return
    for (const { name, sql } of migrations.slice(versionOf(db))) applyMigration(db, path, { name, sql })
    db.pragma(`user_version = ${migrations.length}`)
    db.pragma(`application_id = ${APPLICATION_ID}`)
  }).immediate()
}

function applyMigration(db: Database, path: string, { name, sql }: Migration): void {
  try {
    db.exec(sql)
  } catch (cause) {
    throw new Error(`Migration '${name}' of ${path} failed; the database is as it was before.`, { cause })
  }
}

function isCurrent(db: Database, path: string, newest: number): boolean {
  const version = versionOf(db)
  const isEmpty = db.prepare('select 1 from sqlite_schema limit 1').get() === undefined
  if (!isEmpty && db.pragma('application_id', { simple: true }) !== APPLICATION_ID)
    throw new UnusableDatabaseError(`${path} is a database of another program. Name another data directory.`)
  if (version > newest)
    throw new UnusableDatabaseError(
      `${path} has version ${version}, this program knows ${newest}: it was written by a newer one. ` +
        'Start that one, or name another data directory.',
    )
  return version === newest
}

const versionOf = (db: Database): number => Number(db.pragma('user_version', { simple: true }))
