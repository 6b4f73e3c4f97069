import { type SqliteOptions, SqliteStore } from './sqlite-store.ts'
import type { SqliteTransaction } from './sqlite-transaction.ts'

/**
 * A store that is opened when it is first used: a file that only some activities need is not made by processes that never do them. An
 * opening that failed is tried again by whoever comes next.
 */
export class OnDemandStore {
  readonly #options: SqliteOptions
  #opening: Promise<SqliteStore> | undefined

  constructor(options: SqliteOptions) {
    this.#options = options
  }

  /** As `SqliteStore.write`; throws what opening throws, too. */
  async write<T>(job: (tx: SqliteTransaction) => T | Promise<T>): Promise<T> {
    return (await this.#open()).write(job)
  }

  get isOpen(): boolean {
    return this.#opening !== undefined
  }

  /** Waits for the jobs already given. Nothing to do when it was never used. */
  async close(): Promise<void> {
    const opening = this.#opening
    this.#opening = undefined
    await (await opening)?.close()
  }

  #open(): Promise<SqliteStore> {
    if (this.#opening) return this.#opening
    const opening = SqliteStore.open(this.#options)
    this.#opening = opening
    opening.catch(() => {
      if (this.#opening === opening) this.#opening = undefined
    })
    return opening
  }
}
