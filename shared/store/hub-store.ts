import type { ConversationStore, ConversationTransaction } from './conversations.ts'
import type { HeldReader, HeldTransaction } from './held-messages.ts'

/** Conversations, and the catalogue of held messages: what one message changes in both becomes durable together. */
export type HubTransaction = ConversationTransaction & { readonly held: HeldTransaction }

/** Where the hub keeps everything. */
export interface HubStore extends ConversationStore {
  /** Sees what is committed. */
  readonly held: HeldReader
  write<T>(job: (tx: HubTransaction) => T | Promise<T>): Promise<T>
}
