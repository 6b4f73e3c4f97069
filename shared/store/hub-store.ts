import type { AuditReader, AuditTransaction } from './audit.ts'
import type { ConversationStore, ConversationTransaction } from './conversations.ts'
import type { DefinitionReader, DefinitionTransaction } from './definitions.ts'
import type { HeldReader, HeldTransaction } from './held-messages.ts'

/** Conversations, the catalogue of held messages, definitions and the audit: what one message changes in them becomes durable together. */
export type HubTransaction = ConversationTransaction & {
  readonly held: HeldTransaction
  readonly definitions: DefinitionTransaction
  readonly audit: AuditTransaction
}

/** Where the hub keeps everything. */
export interface HubStore extends ConversationStore {
  /** Sees what is committed. */
  readonly held: HeldReader
  readonly definitions: DefinitionReader
  readonly audit: AuditReader
  write<T>(job: (tx: HubTransaction) => T | Promise<T>): Promise<T>
}
