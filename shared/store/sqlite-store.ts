import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { z } from 'zod'
import { makeFolder } from './folder.ts'
import { ForeignCommits } from './foreign-commits.ts'
import { GroupCommit, type Job } from './group-commit.ts'
import { INBOX_KEEP_MS, INBOX_SLICE_ROWS } from './inbox-retention.ts'
import { type Migration, migrate } from './migrations.ts'
import type { Outbox } from './outbox-relay.ts'
import { pendingSlice } from './slices.ts'
import { pendingRow, SqliteTransaction } from './sqlite-transaction.ts'
import { Statements } from './statements.ts'
import { type PendingRow, type Store, StoreBusyError, StoreUnavailableError, type Watched } from './store.ts'
import { unopened } from './unopened-store.ts'

/** How long a statement waits for another process's lock. It blocks the event loop, so it is short. */
const BUSY_MS_MAX = 100
/** How long a transaction waits for another process's lock, with other work in between. */
const LOCKED_MS_MAX = 5_000
const LOCKED_PAUSE_MS = 10
/** How long `open` tries again: switching a new file to WAL is refused at once, without a wait, while another does it. */
const OPEN_MS_MAX = 10_000
const OPEN_PAUSE_MS = 25
/**
 * Pages in the log before they are folded into the file: 32 MB instead of SQLite's 4 MB. At full load the default folds at every third
 * commit, each with two more fsyncs.
 */
const CHECKPOINT_PAGES = 8_000
/** A group of large jobs ends here, so that the event loop turns in between. */
const GROUP_MS_MAX = 50
/** A burst may grow the write-ahead log; it is cut back to this size afterwards. */
const WAL_BYTES_KEPT = 64 * 1024 * 1024

export type SqliteOptions = {
  readonly path: string
  /** `messagingTables` and what the service adds. */
  readonly migrations: readonly Migration[]
  /** For the lock of another process, which migrates it, say. Missing: 10 s. */
  readonly waitMs?: number
}

/** The read-only side: sees what is committed, never an open transaction, and never waits for one. */
export type SqliteReader = Pick<Statements, 'get' | 'all' | 'each'>

/** A store in one SQLite file. A commit is on the disk (fsync) before its callers hear of it. */
export class SqliteStore implements Store<SqliteTransaction>, Outbox, Watched {
  readonly read: SqliteReader
  readonly #connections: Connections
  readonly #writer: Statements
  readonly #groups = new GroupCommit<SqliteTransaction>((jobs) => this.#commit(jobs))
  readonly #listeners = new Set<() => void>()
  /** Commits of other processes that the listeners were not told of, and that are not in `#pending`. */
  readonly #untold: ForeignCommits
  readonly #uncounted: ForeignCommits
  /** Jobs that only remove what was published. */
  readonly #removals = new WeakSet<SqliteTransaction>()
  #pending: number | undefined
  #writeFailure: StoreUnavailableError | undefined

  /**
   * Opens the file, with its directory, and migrates it. Throws UnusableDatabaseError when it is not ours or too new, UnopenedStoreError
   * when the file or its disk is out of order, and LockedStoreError when another process holds its lock for longer than `waitMs`.
   */
  static async open({ path, migrations, waitMs = OPEN_MS_MAX }: SqliteOptions): Promise<SqliteStore> {
    const startMs = performance.now()
    for (;;) {
      try {
        makeFolder(dirname(path))
        return new SqliteStore(connect(path, migrations))
      } catch (error) {
        const waitedMs = performance.now() - startMs
        if (!isBusy(error) || waitedMs > waitMs) throw unopened(path, error, waitedMs)
        await sleep(OPEN_PAUSE_MS)
      }
    }
  }

  private constructor(connections: Connections) {
    this.#connections = connections
    this.#writer = new Statements(connections.writer)
    this.read = new Statements(connections.reader)
    this.#untold = new ForeignCommits(this.#writer)
    this.#uncounted = new ForeignCommits(this.#writer)
  }

  write<T>(job: (tx: SqliteTransaction) => T | Promise<T>): Promise<T> {
    return this.#groups.write(job)
  }

  /** Waits for the jobs already given, then closes the file. */
  async close(): Promise<void> {
    await this.#groups.close()
    closeAll(this.#connections)
  }

  /** Read from the file, 8 µs: rows count that another process has put in. Throws when the file cannot be read. */
  get lastSeq(): number {
    return this.read.get(count, NEWEST_SEQ)?.n ?? 0
  }

  get writeFailure(): StoreUnavailableError | undefined {
    return this.#writeFailure
  }

  onEnqueued(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  readPending(afterSeq: number, limit: number): readonly PendingRow[] {
    return pendingSlice(this.read.each(pendingRow, READ_PENDING, afterSeq, limit), limit)
  }

  removePublished(seqs: readonly number[]): Promise<void> {
    return this.write((tx) => {
      this.#removals.add(tx)
      tx.removePublished(seqs)
    })
  }

  countPending(): number {
    if (this.#uncounted.haveHappened()) this.#pending = undefined
    this.#pending ??= this.read.get(count, 'select count(*) as n from outbox')?.n ?? 0
    return this.#pending
  }

  /** Forgets inbox ids older than 30 days, a slice at a time with room for other jobs in between; gives back how many. */
  async prune(nowMs: number): Promise<number> {
    let pruned = 0
    for (;;) {
      const slice = await this.write((tx) => tx.pruneInbox(nowMs - INBOX_KEEP_MS, INBOX_SLICE_ROWS))
      pruned += slice
      if (slice < INBOX_SLICE_ROWS) return pruned
    }
  }

  async #commit(jobs: readonly Job<SqliteTransaction>[]): Promise<number> {
    const endAtMs = performance.now() + GROUP_MS_MAX
    let ran = 0
    const done: { job: Job<SqliteTransaction>; tx: SqliteTransaction }[] = []
    const failedBefore = this.#writeFailure
    const changesBefore = failedBefore ? this.#countChanges() : 0
    try {
      await this.#begin()
      for (const job of jobs) {
        const tx = new SqliteTransaction(this.#writer)
        if (await this.#runAlone(job, tx, jobs.length > 1)) done.push({ job, tx })
        ran++
        if (performance.now() > endAtMs) break
      }
      if (done.some(({ tx }) => !this.#removals.has(tx))) this.#heedOthers()
      this.#writer.run('commit')
    } catch (error) {
      if (this.#writer.inTransaction) this.#writer.run('rollback')
      throw this.#noted(explained(error))
    }
    // A commit of nothing is taken by a full disk, too.
    if (failedBefore && this.#writeFailure === failedBefore && this.#countChanges() > changesBefore)
      this.#writeFailure = undefined
    for (const { tx } of done) this.#count(tx)
    if (done.some(({ tx }) => tx.outbox.added > 0)) this.#tell()
    for (const { job } of done) job.resolve()
    return ran
  }

  async #begin(): Promise<void> {
    const giveUpAtMs = performance.now() + LOCKED_MS_MAX
    for (;;) {
      try {
        this.#writer.run('begin immediate')
        return
      } catch (error) {
        if (!isBusy(error) || performance.now() > giveUpAtMs) throw error
        await sleep(LOCKED_PAUSE_MS)
      }
    }
  }

  /** Runs one job; with others in its group, behind a savepoint, so that it can be undone alone. */
  async #runAlone(job: Job<SqliteTransaction>, tx: SqliteTransaction, isShared: boolean): Promise<boolean> {
    try {
      if (isShared) this.#writer.run('savepoint job')
      const running = job.run(tx)
      if (running) await running
      tx.end()
      if (isShared) this.#writer.run('release job')
      return true
    } catch (error) {
      tx.end()
      // The database has ended the transaction (a full or broken disk): nothing of the group is left.
      if (!isShared || !this.#writer.inTransaction) throw error
      this.#writer.run('rollback to job')
      this.#writer.run('release job')
      job.reject(this.#noted(explained(error)))
      return false
    }
  }

  #noted(error: unknown): unknown {
    if (error instanceof StoreUnavailableError) this.#writeFailure = error
    return error
  }

  /** Rows that this process has changed, also those of what was undone. */
  #countChanges(): number {
    return this.#writer.get(count, 'select total_changes() as n')?.n ?? 0
  }

  /**
   * Another process may have written, one that this one stands by for: what it leaves in the outbox when it dies is to be sent. Not told
   * of when rows are removed: while the other lives and is busy, sending one row of it would lead to the next one, without an end.
   */
  #heedOthers(): void {
    if (this.#untold.haveHappened()) this.#tell()
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }

  #count({ outbox }: SqliteTransaction): void {
    if (this.#pending !== undefined) this.#pending += outbox.added - outbox.removed
  }
}

const READ_PENDING = `select seq, exchange, key, body, properties from outbox where seq > ? order by seq limit ?`
const NEWEST_SEQ = `select coalesce(max(seq), 0) as n from sqlite_sequence where name = 'outbox'`
const count = z.object({ n: z.number() })

type Connections = { readonly writer: Database.Database; readonly reader: Database.Database }

function connect(path: string, migrations: readonly Migration[]): Connections {
  const writer = new Database(path, { timeout: BUSY_MS_MAX })
  try {
    // Only a file of ours is switched to WAL: `migrate` refuses others before anything was changed.
    migrate(writer, path, migrations)
    demandWritable(writer)
    writer.pragma('journal_mode = wal')
    // FULL: with NORMAL a power loss could undo a commit whose delivery was acked.
    writer.pragma('synchronous = full')
    writer.pragma('foreign_keys = on')
    writer.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`)
    writer.pragma(`journal_size_limit = ${WAL_BYTES_KEPT}`)
    return { writer, reader: new Database(path, { readonly: true, timeout: BUSY_MS_MAX }) }
  } catch (error) {
    writer.close()
    throw error
  }
}

/** SQLite opens a file that this process may only read, says so with the first write, and would go on saying so when it may write again. */
function demandWritable(writer: Database.Database): void {
  try {
    writer.exec('delete from ebs_store where false')
  } catch (error) {
    // Somebody else writes to it: so can we.
    if (!isBusy(error)) throw error
  }
}

// The reader first: the last connection to close folds the log into the file, and a read-only one cannot.
function closeAll({ writer, reader }: Connections): void {
  reader.close()
  writer.close()
}

/** Codes that speak of the disk or the file, not of what a job did. */
const UNAVAILABLE = /^SQLITE_(?:FULL|IOERR|READONLY|CANTOPEN|CORRUPT|NOTADB)/
/** Codes that speak of who else uses it, or of this process. */
const BUSY = /^SQLITE_(?:BUSY|LOCKED|PROTOCOL|NOMEM)/

/** The error of a database that is out of order as StoreUnavailableError, or StoreBusyError; any other as it is. */
export function explained(error: unknown): unknown {
  if (!(error instanceof Database.SqliteError)) return error
  const message = `The database takes no writes (${error.code}: ${error.message}).`
  if (BUSY.test(error.code)) return new StoreBusyError(message, { cause: error })
  return UNAVAILABLE.test(error.code) ? new StoreUnavailableError(message, { cause: error }) : error
}

const isBusy = (error: unknown): boolean =>
  error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY')
