import { describe, expect, test } from 'vitest'
import type { ConversationStore } from '../conversations.ts'
import { conversation, conversationStores, save } from './conversation-fixture.ts'

const ended = { status: 'closed', endedAtMs: 2_000, changedAtMs: 2_000 }

describe.each(conversationStores)('a conversation that ended and is opened again, in %s', (_, open) => {
  const keysOf = async (store: ConversationStore, isOpen: boolean) =>
    (await store.reader.listConversations({ kind: 'group', isOpen }, { limit: 10 })).items.map(({ key }) => key)
  const reopened = conversation('a', { version: 3, status: 'open', createdAtMs: 3_000, changedAtMs: 3_000 })

  async function storeWith() {
    const store = await open()
    await save(store, conversation('a'), conversation('b', { createdAtMs: 1_500 }))
    await save(store, conversation('a', { version: 2, ...ended }))
    return store
  }

  test('counts as open, as old as its second opening', async () => {
    const store = await storeWith()
    expect(await store.reader.countOpen()).toEqual([{ kind: 'group', count: 1, oldestMs: 1_500 }])

    await save(store, reopened)

    expect(await store.reader.countOpen()).toEqual([{ kind: 'group', count: 2, oldestMs: 1_500 }])
    await save(store, conversation('a', { ...reopened, version: 4, ...ended }))
    await save(store, conversation('a', { ...reopened, version: 5, ...ended }))
    expect(await store.reader.countOpen()).toEqual([{ kind: 'group', count: 1, oldestMs: 1_500 }])
  })

  test('is listed among the open ones, the newest first, and no longer among those that are over', async () => {
    const store = await storeWith()
    expect([await keysOf(store, true), await keysOf(store, false)]).toEqual([['b'], ['a']])

    await save(store, reopened)

    expect([await keysOf(store, true), await keysOf(store, false)]).toEqual([['a', 'b'], []])
    expect(await store.reader.findConversation(reopened)).toEqual(reopened)
  })

  test('is not forgotten with those that are over, and is once it has ended again', async () => {
    const store = await storeWith()
    await save(store, reopened)
    const forget = () => store.write((tx) => tx.removeEnded({ endedAtMs: 9_000, statuses: ['closed', 'open'] }, 10))

    expect(await forget()).toBe(0)
    await save(store, conversation('a', { ...reopened, version: 4, ...ended }))

    expect(await forget()).toBe(1)
  })

  test('goes on with its version and its history', async () => {
    const store = await storeWith()
    await save(store, reopened)

    const history = await store.reader.historyOf(reopened, 10)
    expect(history.map(({ what }) => what)).toEqual(['open 1', 'closed 2', 'open 3'])
  })

  test('is the same when it ends and opens within one transaction', async () => {
    const store = await open()
    await save(store, conversation('a'))

    // What one turn makes of it: a change from open to open.
    await save(store, conversation('a', { version: 2, createdAtMs: 3_000 }))

    expect(await store.reader.countOpen()).toEqual([{ kind: 'group', count: 1, oldestMs: 3_000 }])
  })
})
