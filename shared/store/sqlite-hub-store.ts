import type { HeldReader } from './held-messages.ts'
import { heldTables } from './held-tables.ts'
import type { HubStore, HubTransaction } from './hub-store.ts'
import { SqliteConversationTransaction } from './sqlite-conversation-transaction.ts'
import { conversationMigrations, SqliteConversationStore } from './sqlite-conversations.ts'
import { SqliteHeldReader } from './sqlite-held-reader.ts'
import { SqliteHeldTransaction } from './sqlite-held-transaction.ts'
import { SqliteStore } from './sqlite-store.ts'
import type { SqliteTransaction } from './sqlite-transaction.ts'

/** Of `hub.db`, in order. */
export const hubMigrations = [...conversationMigrations, heldTables]

/** Conversations and the catalogue of held messages in one SQLite file. */
export class SqliteHubStore extends SqliteConversationStore implements HubStore {
  readonly held: HeldReader

  /** Opens the file, with its directory, and migrates it. Throws UnusableDatabaseError when it is not ours or too new. */
  static override async open({ path }: { readonly path: string }): Promise<SqliteHubStore> {
    return new SqliteHubStore(await SqliteStore.open({ path, migrations: hubMigrations }))
  }

  protected constructor(store: SqliteStore) {
    super(store)
    this.held = new SqliteHeldReader(store.read)
  }

  override write<T>(job: (tx: HubTransaction) => T | Promise<T>): Promise<T> {
    return this.store.write((tx) => job(new SqliteHubTransaction(tx)))
  }
}

class SqliteHubTransaction extends SqliteConversationTransaction implements HubTransaction {
  readonly held: SqliteHeldTransaction

  constructor(tx: SqliteTransaction) {
    super(tx)
    this.held = new SqliteHeldTransaction(tx)
  }
}
