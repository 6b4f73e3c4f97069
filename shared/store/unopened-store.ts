import Database from 'better-sqlite3'
import { StoreBusyError, StoreUnavailableError } from './store.ts'

/** The file cannot be used as it is, or its disk cannot; the message says which file, why, and what to do. It was not changed. */
export class UnopenedStoreError extends StoreUnavailableError {
  override readonly name: string = 'UnopenedStoreError'
}

/** The same, when starting again cannot help: a person has to do something first. */
export class HopelessStoreError extends UnopenedStoreError {
  override readonly name = 'HopelessStoreError'
}

/** The same, because somebody alive holds its lock: the file is well. */
export class LockedStoreError extends StoreBusyError {
  override readonly name = 'LockedStoreError'
}

/** Puts all stores back, as they belong together, and keeps those that are there aside. */
const RESTORE = 'restore a backup with `ebs restore <folder>`, which keeps the file aside (docs/operating.md)'

type Kind = typeof UnopenedStoreError | typeof HopelessStoreError

/** What to do, by the beginning of SQLite's code, and whether trying again may help: a disk that is full has room again when a file is removed. */
const remedies: readonly (readonly [code: RegExp, kind: Kind, remedy: string])[] = [
  [
    /^SQLITE_NOTADB/,
    HopelessStoreError,
    `It is no database, or its beginning was written over: check the disk, then ${RESTORE}.`,
  ],
  [/^SQLITE_CORRUPT/, HopelessStoreError, `It is damaged: check the disk, then ${RESTORE}.`],
  [
    /^SQLITE_READONLY/,
    HopelessStoreError,
    'Mount its disk writable, and let the user of this process write to the file and its folder.',
  ],
  [
    /^SQLITE_CANTOPEN/,
    HopelessStoreError,
    'It must be a file, not a folder, on a disk that is there and mounted writable; the user of this process must be allowed to write to it and its folder.',
  ],
  [/^SQLITE_FULL/, UnopenedStoreError, 'Make room on its disk, and start again.'],
  [
    /^SQLITE_IOERR/,
    UnopenedStoreError,
    `It is a folder, or its disk does not do what it is asked for: check it, and start again. If the file is lost, ${RESTORE}.`,
  ],
]
/** A folder that cannot be made for these may be made a moment later. */
const PASSING = new Set(['ENOSPC', 'EDQUOT', 'EIO', 'EMFILE', 'ENFILE', 'ENOMEM'])
const LOCKED = /^SQLITE_(?:BUSY|LOCKED|PROTOCOL)/

/**
 * Why opening has failed, in words for the person who starts the process: UnopenedStoreError, HopelessStoreError or LockedStoreError. An
 * error that speaks neither of the file nor of its disk is given back as it is. `waitedMs`: how long the lock was waited for.
 */
export function unopened(path: string, error: unknown, waitedMs: number): unknown {
  if (error instanceof Database.SqliteError) return refusedBySqlite(path, error, waitedMs)
  if (!(error instanceof Error && 'code' in error && typeof error.code === 'string')) return error
  const Kind = PASSING.has(error.code) ? UnopenedStoreError : HopelessStoreError
  return new Kind(
    `${path} cannot be opened: its folder cannot be made (${error.message}). ` +
      'Mount its disk writable, let the user of this process write there, or name another data directory.',
    { cause: error },
  )
}

function refusedBySqlite(path: string, error: InstanceType<typeof Database.SqliteError>, waitedMs: number): unknown {
  const why = `${error.code}: ${error.message}`
  if (LOCKED.test(error.code))
    return new LockedStoreError(
      `${path} cannot be opened (${why}): for ${Math.round(waitedMs / 1000)} s another process has held its lock. ` +
        'It migrates the store to its version of ebs, or a tool like sqlite3 is in a transaction. Start this one again when that is done.',
      { cause: error },
    )
  const known = remedies.find(([code]) => code.test(error.code))
  if (!known) return error
  const [, Kind, remedy] = known
  return new Kind(`${path} cannot be opened (${why}). ${remedy}`, { cause: error })
}

/** Whether the code of an error speaks of the disk, the file or its lock, not of what SQL said. */
export const isOfFile = (error: unknown): boolean =>
  error instanceof Database.SqliteError && (LOCKED.test(error.code) || remedies.some(([code]) => code.test(error.code)))

/** For a store that SQLite reads, and whose rows no ebs has written. `what` is not as it should be. */
export const damagedStore = (path: string, what: string, cause?: unknown): HopelessStoreError =>
  new HopelessStoreError(`${path} is damaged: ${what}. Check the disk, then ${RESTORE}.`, { cause })
