import { z } from 'zod'
import type { Statements } from './statements.ts'

/** Changes when another connection has committed, and never with what this one does: 5 µs to ask. */
const DATA_VERSION = 'pragma data_version'
const version = z.object({ data_version: z.number() })

/** Tells of commits to the same file that this connection did not make. */
export class ForeignCommits {
  readonly #connection: Statements
  #seen: number | undefined

  constructor(connection: Statements) {
    this.#connection = connection
    this.haveHappened()
  }

  /** Whether there were some since it was asked last. Inside a transaction: since then up to its beginning. */
  haveHappened(): boolean {
    const now = this.#connection.get(version, DATA_VERSION)?.data_version
    const before = this.#seen
    this.#seen = now
    return now !== before
  }
}
