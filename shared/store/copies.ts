import { mkdirSync, renameSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import Database from 'better-sqlite3'
import { z } from 'zod'
import type { SqliteReader } from './sqlite-store.ts'
import { Statements } from './statements.ts'
import { unopened } from './unopened-store.ts'

/** All that is left: a copy in steps begins again whenever another process commits in between, and would never end under load. */
const ALL_PAGES = 0x7fff_ffff
/** How long a writer's lock is waited for. */
const BUSY_MS_MAX = 5_000

/** What a copy holds. */
export type CopyFacts = {
  /** Migrations that were applied to it. */
  readonly version: number
  /** By table. */
  readonly rows: Readonly<Record<string, number>>
}

/** A copy is not sound: the store itself may be damaged. */
export class DamagedCopyError extends Error {
  override readonly name = 'DamagedCopyError'
}

/**
 * Copies a store as it stands at one moment, while others write to it, and none of them waits. The copy is one file without a log, checked
 * through and through. Throws DamagedCopyError, or UnopenedStoreError when it cannot be read at all; blocks this process while it copies, so it is for tools.
 */
export async function copyStore(from: string, to: string): Promise<CopyFacts> {
  try {
    const source = new Database(from, { readonly: true, fileMustExist: true, timeout: BUSY_MS_MAX })
    try {
      await source.backup(to, { progress: () => ALL_PAGES })
    } finally {
      source.close()
    }
  } catch (error) {
    throw unopened(from, error, BUSY_MS_MAX)
  }
  const copy = new Database(to, { timeout: BUSY_MS_MAX })
  try {
    // In its header it has a log, like the store it was made of: as a copy it is to be one file.
    copy.pragma('journal_mode = delete')
    const said = copy.pragma('integrity_check', { simple: true })
    if (said !== 'ok')
      throw new DamagedCopyError(`${from} is damaged, or its copy ${to}: ${String(said)}. Keep older backups.`)
    return { version: Number(copy.pragma('user_version', { simple: true })), rows: countRows(new Statements(copy)) }
  } finally {
    copy.close()
  }
}

/** Reads a copy, or a store that nobody uses. */
export function readCopy<T>(path: string, job: (read: SqliteReader) => T): T {
  const db = new Database(path, { readonly: true, fileMustExist: true })
  try {
    return job(new Statements(db))
  } finally {
    db.close()
  }
}

/**
 * Whether another process has the store open. A process with an open log holds a lock on the file all the time, so it cannot be switched to
 * be without one; a store that nobody has open is switched, and back when it is opened. A file that is no database is in nobody's use.
 */
export function isStoreInUse(path: string): boolean {
  let db: Database.Database | undefined
  try {
    db = new Database(path, { fileMustExist: true, timeout: 0 })
    return db.pragma('journal_mode = delete', { simple: true }) !== 'delete'
  } catch (error) {
    const code = error instanceof Database.SqliteError ? error.code : ''
    if (/^SQLITE_(?:NOTADB|CORRUPT|IOERR)/.test(code)) return false
    if (/^SQLITE_(?:BUSY|LOCKED)/.test(code)) return true
    throw unopened(path, error, 0)
  } finally {
    db?.close()
  }
}

/** What belongs to a store, as files: itself, its log and the log's index. */
const parts = ['', '-wal', '-shm', '-journal']

/** Moves a store with its log into another folder, which is made. */
export function moveStore(path: string, folder: string): void {
  mkdirSync(folder, { recursive: true })
  for (const part of parts) {
    try {
      renameSync(`${path}${part}`, join(folder, `${basename(path)}${part}`))
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    }
  }
}

/** Where a file is written before it gets its name: on the same disk. */
export const besideOf = (path: string) => join(dirname(path), `.${basename(path)}.new`)

const named = z.object({ name: z.string() })
const counted = z.object({ n: z.number() })

/** Without the table that says who wrote to the store: that is no content. */
function countRows(read: Statements): Record<string, number> {
  const tables = read.all(
    named,
    `select name from sqlite_schema where type = 'table' and name not like 'sqlite_%' and name <> 'ebs_store' order by name`,
  )
  return Object.fromEntries(
    tables.map(({ name }) => [
      name,
      read.get(counted, `select count(*) as n from "${name.replaceAll('"', '""')}"`)?.n ?? 0,
    ]),
  )
}
