import { conversationTables, frozenTables } from './conversation-tables.ts'
import type { ConversationReader, ConversationStore, ConversationTransaction } from './conversations.ts'
import { labelTables } from './label-tables.ts'
import { type Migration, messagingTables } from './migrations.ts'
import { SqliteConversationReader } from './sqlite-conversation-reader.ts'
import { SqliteConversationTransaction } from './sqlite-conversation-transaction.ts'
import { SqliteStore } from './sqlite-store.ts'
import type { PendingRow, StoreUnavailableError, Watched } from './store.ts'

/** Of a file that holds conversations and nothing else. */
export const conversationMigrations: readonly Migration[] = [
  messagingTables,
  conversationTables,
  frozenTables,
  labelTables,
]

/** Conversations in one SQLite file, with the inbox and the outbox of the service that keeps them. */
export class SqliteConversationStore implements ConversationStore, Watched {
  readonly reader: ConversationReader
  protected readonly store: SqliteStore

  /** Opens the file, with its directory, and migrates it. Throws UnusableDatabaseError when it is not ours or too new. */
  static async open({ path }: { readonly path: string }): Promise<SqliteConversationStore> {
    return new SqliteConversationStore(await SqliteStore.open({ path, migrations: conversationMigrations }))
  }

  protected constructor(store: SqliteStore) {
    this.store = store
    this.reader = new SqliteConversationReader(store.read)
  }

  write<T>(job: (tx: ConversationTransaction) => T | Promise<T>): Promise<T> {
    return this.store.write((tx) => job(new SqliteConversationTransaction(tx)))
  }

  close(): Promise<void> {
    return this.store.close()
  }

  get writeFailure(): StoreUnavailableError | undefined {
    return this.store.writeFailure
  }

  get lastSeq(): number {
    return this.store.lastSeq
  }

  onEnqueued(listener: () => void): () => void {
    return this.store.onEnqueued(listener)
  }

  readPending(afterSeq: number, limit: number): readonly PendingRow[] {
    return this.store.readPending(afterSeq, limit)
  }

  removePublished(seqs: readonly number[]): Promise<void> {
    return this.store.removePublished(seqs)
  }

  countPending(): number {
    return this.store.countPending()
  }

  prune(nowMs: number): Promise<number> {
    return this.store.prune(nowMs)
  }
}
