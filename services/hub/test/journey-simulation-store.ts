import { ClosedError } from '../../../shared/bus/broker.ts'
import type { ConversationChange } from '../../../shared/store/conversations.ts'
import type { DefinitionRow } from '../../../shared/store/definitions.ts'
import type { HubStore, HubTransaction } from '../../../shared/store/hub-store.ts'
import { type OutboxRow, StoreUnavailableError } from '../../../shared/store/store.ts'

/** What one transaction of a hub has made durable, in order. */
export type Commit = {
  readonly changes: readonly ConversationChange[]
  readonly rows: readonly OutboxRow[]
  /** Those that were not there before. */
  readonly registered: readonly Registered[]
}
type Registered = Pick<DefinitionRow, 'type' | 'version' | 'document' | 'atMs'>

export type StorePoint = 'before commit' | 'after commit' | 'after registration'

export type StoreMoments = {
  readonly isOut: () => boolean
  /** Called when something is about to be durable, and when it is: its process may be killed then. */
  readonly onMoment: (point: StorePoint) => void
  readonly onCommit: (commit: Commit) => void
}

/** The store as one process sees it: it takes nothing from the dead, and others' rows are noticed with the next commit of one's own. */
export class MortalStore implements HubStore {
  isAlive = true
  readonly #store: HubStore
  readonly #moments: StoreMoments
  readonly #listeners = new Set<() => void>()
  #lastSeq: number

  constructor(store: HubStore, moments: StoreMoments) {
    this.#store = store
    this.#moments = moments
    this.#lastSeq = store.lastSeq
  }

  get reader() {
    return this.#store.reader
  }

  get held() {
    return this.#store.held
  }

  get definitions() {
    return this.#store.definitions
  }

  get audit() {
    return this.#store.audit
  }

  get lastSeq() {
    return this.#lastSeq
  }

  onEnqueued(listener: () => void) {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  readPending(afterSeq: number, limit: number) {
    return this.#store.readPending(afterSeq, limit)
  }

  countPending() {
    return this.#store.countPending()
  }

  async write<T>(job: (tx: HubTransaction) => T | Promise<T>): Promise<T> {
    this.#assertUsable()
    const commit: Recorded = { changes: [], rows: [], registered: [] }
    const result = await this.#store.write(async (tx) => {
      record(tx, commit)
      const value = await job(tx)
      // The last moment at which the transaction can be undone.
      this.#assertUsable()
      if (isSomething(commit)) this.#moments.onMoment('before commit')
      this.#assertUsable()
      return value
    })
    this.#moments.onCommit(commit)
    if (isSomething(commit)) this.#moments.onMoment('after commit')
    if (commit.registered.length > 0) this.#moments.onMoment('after registration')
    this.#noticeRows()
    this.#assertAlive()
    return result
  }

  async removePublished(seqs: readonly number[]): Promise<void> {
    this.#assertUsable()
    await this.#store.removePublished(seqs)
    this.#noticeRows()
  }

  async prune(nowMs: number): Promise<number> {
    this.#assertUsable()
    return this.#store.prune(nowMs)
  }

  async close(): Promise<void> {}

  #noticeRows(): void {
    const { lastSeq } = this.#store
    if (!this.isAlive || lastSeq === this.#lastSeq) return
    this.#lastSeq = lastSeq
    for (const listener of this.#listeners) listener()
  }

  #assertUsable(): void {
    this.#assertAlive()
    if (this.#moments.isOut()) throw new StoreUnavailableError('The simulated store takes no writes.')
  }

  #assertAlive(): void {
    if (!this.isAlive) throw new ClosedError('This process of the hub was killed.')
  }
}

type Recorded = {
  readonly changes: ConversationChange[]
  readonly rows: OutboxRow[]
  readonly registered: Registered[]
}

const isSomething = ({ changes, rows, registered }: Commit) => changes.length + rows.length + registered.length > 0

function record(tx: HubTransaction, { changes, rows, registered }: Recorded): void {
  const { definitions } = tx
  const [enqueue, save] = [tx.enqueue.bind(tx), tx.saveConversations.bind(tx)]
  const insert = definitions.insert.bind(definitions)
  tx.enqueue = (more) => {
    rows.push(...more)
    return enqueue(more)
  }
  tx.saveConversations = (more) => {
    changes.push(...more)
    return save(more)
  }
  definitions.insert = async (row) => {
    const isNew = await insert(row)
    if (isNew) registered.push(row)
    return isNew
  }
}
