import type { ConversationId } from '../conversations.ts'
import type { FailoverHubStore } from '../failover-hub-store.ts'
import { change, conversation } from './conversation-fixture.ts'
import { row } from './rows.ts'

export const groupId = (key: string): ConversationId => ({ kind: 'group', key })
/** The states of these groups, undefined for one that there is not. */
export const states = async (store: FailoverHubStore, ...keys: readonly string[]) => {
  const all: (string | undefined)[] = []
  for (const key of keys) all.push((await store.reader.findConversation(groupId(key)))?.state)
  return all
}
/** Decides on what is there, as the kernel does: a state that says which change was the last. */
export const decide = (store: FailoverHubStore, key: string, state: string) =>
  store.write(async (tx) => {
    const [found] = await tx.findConversations([groupId(key)])
    const to = conversation(key, { version: (found?.version ?? 0) + 1, state })
    await tx.saveConversations([{ ...change(to, state), readVersion: found?.version ?? 0 }])
    await tx.enqueue([row(`${key} ${state}`)])
  })
