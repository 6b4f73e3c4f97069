import { GroupCommit, type Job } from './group-commit.ts'
import { INBOX_KEEP_MS } from './inbox-retention.ts'
import type { Outbox } from './outbox-relay.ts'
import { pendingSlice } from './slices.ts'
import type { OutboxRow, PendingRow, Store, Transaction } from './store.ts'

/** What a job works on: `apply` is called when it has succeeded, and makes its changes durable in one go. */
export type Draft<Tx> = { readonly tx: Tx; apply(): void }

/** A store without a disk, for tests and for a first look: the same promises, except that it forgets when it ends. */
export class MemoryStoreOf<Tx extends Transaction> implements Store<Tx>, Outbox {
  readonly #begin: (inboxAndOutbox: Transaction) => Draft<Tx>
  readonly #groups = new GroupCommit<Tx>(async (jobs) => {
    await this.#commit(jobs)
    return jobs.length
  })
  readonly #listeners = new Set<() => void>()
  /** Inbox: when each `queue` and `id` was first seen, oldest first. */
  readonly #seen = new Map<string, number>()
  readonly #outbox = new Map<number, OutboxRow>()
  #lastSeq = 0

  /** `begin` adds to a job's inbox and outbox what else it works on. */
  constructor(begin: (inboxAndOutbox: Transaction) => Draft<Tx>) {
    this.#begin = begin
  }

  write<T>(job: (tx: Tx) => T | Promise<T>): Promise<T> {
    return this.#groups.write(job)
  }

  close(): Promise<void> {
    return this.#groups.close()
  }

  get lastSeq(): number {
    return this.#lastSeq
  }

  onEnqueued(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  readPending(afterSeq: number, limit: number): readonly PendingRow[] {
    return pendingSlice(this.#pendingAfter(afterSeq), limit)
  }

  removePublished(seqs: readonly number[]): Promise<void> {
    return this.write(() => {
      for (const seq of seqs) this.#outbox.delete(seq)
    })
  }

  countPending(): number {
    return this.#outbox.size
  }

  /** Forgets inbox ids older than 30 days; gives back how many. */
  async prune(nowMs: number): Promise<number> {
    const old = [...this.#seen].filter(([, atMs]) => atMs < nowMs - INBOX_KEEP_MS)
    for (const [key] of old) this.#seen.delete(key)
    return old.length
  }

  *#pendingAfter(afterSeq: number): Generator<PendingRow> {
    for (const [seq, row] of this.#outbox) if (seq > afterSeq) yield { seq, ...row }
  }

  async #commit(jobs: readonly Job<Tx>[]): Promise<void> {
    const before = this.#lastSeq
    const done: Job<Tx>[] = []
    for (const job of jobs) {
      const inboxAndOutbox = new MemoryTransaction(this.#seen)
      const draft = this.#begin(inboxAndOutbox)
      try {
        await job.run(draft.tx)
        this.#apply(inboxAndOutbox)
        draft.apply()
        done.push(job)
      } catch (error) {
        job.reject(error)
      }
    }
    if (this.#lastSeq > before) for (const listener of this.#listeners) listener()
    for (const job of done) job.resolve()
  }

  #apply({ seen, forgotten, rows }: MemoryTransaction): void {
    for (const key of forgotten) this.#seen.delete(key)
    for (const [key, atMs] of seen) this.#seen.set(key, atMs)
    for (const row of rows) this.#outbox.set(++this.#lastSeq, row)
  }
}

/** A store of inbox and outbox only. */
export class MemoryStore extends MemoryStoreOf<Transaction> {
  constructor() {
    super((tx) => ({ tx, apply: () => undefined }))
  }
}

/** Collects what a job does; the store applies it when the job has succeeded. */
class MemoryTransaction implements Transaction {
  readonly seen = new Map<string, number>()
  readonly forgotten = new Set<string>()
  readonly rows: OutboxRow[] = []
  readonly #before: ReadonlyMap<string, number>

  constructor(before: ReadonlyMap<string, number>) {
    this.#before = before
  }

  recordFirstSeen(queue: string, ids: readonly string[], atMs: number): ReadonlySet<string> {
    return new Set(
      ids.filter((id) => {
        const key = keyOf(queue, id)
        if ((this.#before.has(key) && !this.forgotten.has(key)) || this.seen.has(key)) return false
        this.seen.set(key, atMs)
        return true
      }),
    )
  }

  forget(queue: string, ids: readonly string[]): void {
    for (const id of ids) {
      this.seen.delete(keyOf(queue, id))
      this.forgotten.add(keyOf(queue, id))
    }
  }

  enqueue(rows: readonly OutboxRow[]): void {
    this.rows.push(...rows)
  }
}

const keyOf = (queue: string, id: string) => JSON.stringify([queue, id])
