import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { Conversation, ConversationChange, ConversationStore, EarlyBounds } from '../conversations.ts'
import { MemoryConversationStore } from '../memory-conversations.ts'
import { SqliteConversationStore } from '../sqlite-conversations.ts'
import { failoverStores } from './failover-fixture.ts'
import { scratch } from './scratch.ts'

/** Each adapter, opened for the running test and closed when it ends. */
export const conversationStores: [string, () => Promise<ConversationStore>][] = [
  ['sqlite', () => openSqlite()],
  ['memory', async () => closedAtEnd(new MemoryConversationStore())],
  ...failoverStores,
]

export async function openSqlite(path = join(scratch(), 'hub.db')): Promise<SqliteConversationStore> {
  return closedAtEnd(await SqliteConversationStore.open({ path }))
}

function closedAtEnd<S extends ConversationStore>(store: S): S {
  onTestFinished(() => store.close())
  return store
}

/** Room for early events, as much as a test needs. */
export const roomy: EarlyBounds = { countMax: 1_000, bytesMax: 100_000_000, perConversationMax: 1_000 }

/** A conversation that goes on, with what is said about it. */
export const conversation = (key: string, said: Partial<Conversation> = {}): Conversation => ({
  kind: 'group',
  key,
  version: 1,
  status: 'open',
  label: null,
  attention: null,
  state: '{"members":["a","b"]}',
  correlationId: 'correlation',
  tenant: 'acme',
  traceparent: null,
  createdAtMs: 1_000,
  changedAtMs: 1_000,
  endedAtMs: null,
  ...said,
})

/** The change that brings a conversation from the version before it to what it is, with these words in its history. */
export const change = (to: Conversation, ...words: readonly string[]): ConversationChange => ({
  to,
  readVersion: to.version - 1,
  history: words.map((what) => ({ atMs: to.changedAtMs, what, detail: null })),
})

/** Saves conversations as they are, each with one version more than is stored. */
export const save = (store: ConversationStore, ...all: readonly Conversation[]): Promise<void> =>
  store.write((tx) => tx.saveConversations(all.map((one) => change(one, `${one.status} ${one.version}`))))
