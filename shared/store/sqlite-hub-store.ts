import type { AuditReader } from './audit.ts'
import { auditTables } from './audit-tables.ts'
import { conversationTables, frozenTables } from './conversation-tables.ts'
import { definitionTables } from './definition-tables.ts'
import type { DefinitionReader } from './definitions.ts'
import { failoverTables } from './failover-tables.ts'
import type { HeldReader } from './held-messages.ts'
import { heldSubjects, heldTables } from './held-tables.ts'
import { labelTables } from './label-tables.ts'
import { type Migration, messagingTables } from './migrations.ts'
import type { MovableHubStore, MovableTransaction, MovingReader } from './movable-store.ts'
import { SqliteAuditReader, SqliteAuditTransaction } from './sqlite-audit.ts'
import { SqliteConversationTransaction } from './sqlite-conversation-transaction.ts'
import { SqliteConversationStore } from './sqlite-conversations.ts'
import { SqliteDefinitionReader, SqliteDefinitionTransaction } from './sqlite-definitions.ts'
import { SqliteHeldReader } from './sqlite-held-reader.ts'
import { SqliteHeldTransaction } from './sqlite-held-transaction.ts'
import { SqliteMoving, SqliteMovingReader } from './sqlite-moving.ts'
import { SqliteStore } from './sqlite-store.ts'
import type { SqliteTransaction } from './sqlite-transaction.ts'

/** Of `hub.db`, in the order in which they were released. */
export const hubMigrations: readonly Migration[] = [
  messagingTables,
  conversationTables,
  frozenTables,
  heldTables,
  labelTables,
  definitionTables,
  failoverTables,
  heldSubjects,
  auditTables,
]

/** Conversations and the catalogue of held messages in one SQLite file. */
export class SqliteHubStore extends SqliteConversationStore implements MovableHubStore {
  readonly held: HeldReader
  readonly definitions: DefinitionReader
  readonly audit: AuditReader
  readonly moving: MovingReader

  /** Opens the file, with its directory, and migrates it. Throws UnusableDatabaseError when it is not ours or too new. */
  static override async open({ path }: { readonly path: string }): Promise<SqliteHubStore> {
    return new SqliteHubStore(await SqliteStore.open({ path, migrations: hubMigrations }))
  }

  protected constructor(store: SqliteStore) {
    super(store)
    this.held = new SqliteHeldReader(store.read)
    this.definitions = new SqliteDefinitionReader(store.read)
    this.audit = new SqliteAuditReader(store.read)
    this.moving = new SqliteMovingReader(store.read)
  }

  override write<T>(job: (tx: MovableTransaction) => T | Promise<T>): Promise<T> {
    return this.store.write((tx) => job(new SqliteHubTransaction(tx)))
  }
}

class SqliteHubTransaction extends SqliteConversationTransaction implements MovableTransaction {
  readonly held: SqliteHeldTransaction
  readonly definitions: SqliteDefinitionTransaction
  readonly audit: SqliteAuditTransaction
  readonly moving: SqliteMoving

  constructor(tx: SqliteTransaction) {
    super(tx)
    this.held = new SqliteHeldTransaction(tx)
    this.definitions = new SqliteDefinitionTransaction(tx)
    this.audit = new SqliteAuditTransaction(tx)
    this.moving = new SqliteMoving(tx, this)
  }
}
