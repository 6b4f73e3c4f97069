/**
 * What a stateful service needs of its database, whatever database it is: asynchronous and batch-shaped, so that an
 * embedded file and a server look alike. The SQLite adapter is in `sqlite-store.ts`.
 */
export interface Store<Tx extends Transaction> {
  /**
   * Runs the job in a transaction and resolves with its result once that is durable. Jobs that wait at the same time share
   * one transaction (group commit) and run one after another; a job that throws is undone alone and rejects alone.
   */
  write<T>(job: (tx: Tx) => T | Promise<T>): Promise<T>
  close(): Promise<void>
}

/** Knows how its last write went. */
export interface Watched {
  /** Why the last write failed, when none has changed anything since; undefined while the store takes writes, as far as is known. */
  readonly writeFailure: StoreUnavailableError | undefined
}

export interface Transaction {
  /** Records ids as handled by this queue; gives back those that were not there before. `atMs` is now. */
  recordFirstSeen(
    queue: string,
    ids: readonly string[],
    atMs: number,
  ): ReadonlySet<string> | Promise<ReadonlySet<string>>
  /** Forgets that this queue handled these: what comes with one of them is new again. */
  forget(queue: string, ids: readonly string[]): void | Promise<void>
  /** Puts messages into the outbox, to be published in this order once the transaction is durable. */
  enqueue(rows: readonly OutboxRow[]): void | Promise<void>
}

/** A message at rest: JSON and names only, no types of any broker. `cause` groups the rows of one delivery. */
export type OutboxRow = {
  readonly exchange: string
  readonly key: string
  readonly body: string
  readonly properties: string
}

/** A row of the outbox with its place in the order. */
export type PendingRow = OutboxRow & { readonly seq: number }

/** The relay's side of the outbox. */
export interface OutboxReader {
  /**
   * The oldest rows behind `afterSeq`, in order: `limit` at most, and 16 MiB of them, at least one. Fewer than asked for may therefore
   * not be all; only when there are none is everything read.
   */
  readPending(afterSeq: number, limit: number): readonly PendingRow[] | Promise<readonly PendingRow[]>
  /** Forgets rows that the broker has confirmed. */
  removePublished(seqs: readonly number[]): Promise<void>
  countPending(): number | Promise<number>
}

/** The database cannot be written or read just now (disk full, locked, input/output error): what waits is tried again later. */
export class StoreUnavailableError extends Error {
  override readonly name: string = 'StoreUnavailableError'
}

/** Somebody alive holds its lock, or memory is short: the store itself is well, so nothing else may take its place. Nothing was done. */
export class StoreBusyError extends StoreUnavailableError {}

/**
 * The store works, but not all of what it was asked for can be reached: it lies in another one that is out of order. Only who asked for
 * this waits, for `retryAfterMs`.
 */
export class PartlyUnavailableError extends StoreUnavailableError {
  readonly retryAfterMs = 2_000
}
