import type { AuditReader } from './audit.ts'
import type { ConversationReader } from './conversations.ts'
import type { DefinitionReader } from './definitions.ts'
import type { HeldReader } from './held-messages.ts'
import type { HubStore, HubTransaction } from './hub-store.ts'
import { MemoryAudit, MemoryAuditReader, MemoryAuditTransaction } from './memory-audit.ts'
import { MemoryConversationTransaction, MemoryTables } from './memory-conversation-transaction.ts'
import { MemoryConversationReader } from './memory-conversations.ts'
import { MemoryDefinitionReader, MemoryDefinitions, MemoryDefinitionTransaction } from './memory-definitions.ts'
import { MemoryHeldReader } from './memory-held-reader.ts'
import { MemoryHeldTables, MemoryHeldTransaction } from './memory-held-transaction.ts'
import { MemoryStoreOf } from './memory-store.ts'
import type { Transaction } from './store.ts'

/** Conversations and the catalogue of held messages without a disk, for tests and local play. */
export class MemoryHubStore extends MemoryStoreOf<HubTransaction> implements HubStore {
  readonly reader: ConversationReader
  readonly held: HeldReader
  readonly definitions: DefinitionReader
  readonly audit: AuditReader

  constructor() {
    const [tables, heldTables, definitions] = [new MemoryTables(), new MemoryHeldTables(), new MemoryDefinitions()]
    const audit = new MemoryAudit()
    super((inboxAndOutbox) => {
      const tx = new MemoryHubTransaction(tables, {
        inboxAndOutbox,
        held: new MemoryHeldTransaction(heldTables),
        definitions: new MemoryDefinitionTransaction(definitions),
        audit: new MemoryAuditTransaction(audit),
      })
      return { tx, apply: () => tx.apply() }
    })
    this.reader = new MemoryConversationReader(tables)
    this.held = new MemoryHeldReader(heldTables)
    this.definitions = new MemoryDefinitionReader(definitions)
    this.audit = new MemoryAuditReader(audit)
  }
}

type Parts = {
  readonly inboxAndOutbox: Transaction
  readonly held: MemoryHeldTransaction
  readonly definitions: MemoryDefinitionTransaction
  readonly audit: MemoryAuditTransaction
}

class MemoryHubTransaction extends MemoryConversationTransaction implements HubTransaction {
  readonly held: MemoryHeldTransaction
  readonly definitions: MemoryDefinitionTransaction
  readonly audit: MemoryAuditTransaction

  constructor(tables: MemoryTables, { inboxAndOutbox, held, definitions, audit }: Parts) {
    super(tables, inboxAndOutbox)
    this.held = held
    this.definitions = definitions
    this.audit = audit
  }

  override apply(): void {
    super.apply()
    this.held.apply()
    this.definitions.apply()
    this.audit.apply()
  }
}
