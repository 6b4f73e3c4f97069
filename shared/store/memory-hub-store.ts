import type { ConversationReader } from './conversations.ts'
import type { DefinitionReader } from './definitions.ts'
import type { HeldReader } from './held-messages.ts'
import type { HubStore, HubTransaction } from './hub-store.ts'
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

  constructor() {
    const [tables, heldTables, definitions] = [new MemoryTables(), new MemoryHeldTables(), new MemoryDefinitions()]
    super((inboxAndOutbox) => {
      const tx = new MemoryHubTransaction(tables, {
        inboxAndOutbox,
        held: new MemoryHeldTransaction(heldTables),
        definitions: new MemoryDefinitionTransaction(definitions),
      })
      return { tx, apply: () => tx.apply() }
    })
    this.reader = new MemoryConversationReader(tables)
    this.held = new MemoryHeldReader(heldTables)
    this.definitions = new MemoryDefinitionReader(definitions)
  }
}

type Parts = {
  readonly inboxAndOutbox: Transaction
  readonly held: MemoryHeldTransaction
  readonly definitions: MemoryDefinitionTransaction
}

class MemoryHubTransaction extends MemoryConversationTransaction implements HubTransaction {
  readonly held: MemoryHeldTransaction
  readonly definitions: MemoryDefinitionTransaction

  constructor(tables: MemoryTables, { inboxAndOutbox, held, definitions }: Parts) {
    super(tables, inboxAndOutbox)
    this.held = held
    this.definitions = definitions
  }

  override apply(): void {
    super.apply()
    this.held.apply()
    this.definitions.apply()
  }
}
