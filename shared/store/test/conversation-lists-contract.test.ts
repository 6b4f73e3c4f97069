import { describe, expect, test } from 'vitest'
import { type ConversationStore, InvalidCursorError } from '../conversations.ts'
import { change, conversation, conversationStores, save } from './conversation-fixture.ts'

describe.each(conversationStores)('lists of conversations in %s', (_, open) => {
  const all = [
    conversation('1', { createdAtMs: 10 }),
    conversation('2', { createdAtMs: 30, status: 'success', endedAtMs: 50 }),
    conversation('3', { createdAtMs: 20, tenant: 'other' }),
    conversation('4', { createdAtMs: 30, tenant: null }),
    conversation('5', { createdAtMs: 40, status: 'failure', endedAtMs: 50 }),
    conversation('6', { createdAtMs: 25, status: 'undoing' }),
    conversation('7', { kind: 'flow' }),
  ]
  test.each([
    [{}, '542631'],
    [{ isOpen: true }, '4631'],
    [{ isOpen: false }, '52'],
    [{ status: 'open' }, '431'],
    [{ status: 'success' }, '2'],
    [{ status: 'success', isOpen: false }, '2'],
    [{ status: 'success', isOpen: true }, ''],
    [{ tenant: 'acme' }, '5261'],
    [{ tenant: 'acme', isOpen: true }, '61'],
    [{ tenant: 'other', status: 'open', isOpen: true, createdBeforeMs: 21 }, '3'],
    [{ createdBeforeMs: 30 }, '631'],
    [{ createdBeforeMs: 31 }, '42631'],
    [{ isOpen: true, createdBeforeMs: 10 }, ''],
    [{ status: 'nonsense' }, ''],
    [{ kind: 'flow' }, '7'],
    [{ kind: 'none' }, ''],
  ])('lists %o newest first, in pages of any size', async (filter, keys) => {
    const store = await open()
    await save(store, ...all)

    for (const limit of [1, 2, keys.length || 1, 100]) {
      const pages = [await store.reader.listConversations({ kind: 'group', ...filter }, { limit })]
      for (let cursor = pages.at(-1)?.next; cursor; cursor = pages.at(-1)?.next)
        pages.push(await store.reader.listConversations({ kind: 'group', ...filter }, { limit, cursor }))

      expect(pages.flatMap(({ items }) => items.map(({ key }) => key)).join('')).toBe(keys)
      expect(pages).toHaveLength(Math.max(1, Math.ceil(keys.length / limit)))
    }
  })

  test('goes on behind the last one of a page, whatever came and went meanwhile', async () => {
    const store = await open()
    const at = (createdAtMs: number, said = {}) => conversation(String(createdAtMs), { createdAtMs, ...said })
    await save(store, at(1), at(2), at(3), at(4), at(5))
    const first = await store.reader.listConversations({ kind: 'group' }, { limit: 2 })

    await save(store, at(6), at(4, { version: 2, status: 'success', endedAtMs: 1 }))
    await store.write((tx) => tx.removeEnded({ endedAtMs: 2, statuses: ['success'] }, 10))
    const rest = await store.reader.listConversations({ kind: 'group' }, { limit: 10, cursor: first.next })

    expect(first.items.map(({ key }) => key)).toEqual(['5', '4'])
    expect(rest.items.map(({ key }) => key)).toEqual(['3', '2', '1'])
    expect(first.items[0]).toEqual(at(5))
  })

  test('gives nothing that the filter leaves out, though the cursor came from another one', async () => {
    const store = await open()
    await save(store, ...['1', '2', '3', '4'].map((key) => conversation(key, { createdAtMs: Number(key) })))
    const { next: cursor } = await store.reader.listConversations({ kind: 'group' }, { limit: 1 })

    const page = await store.reader.listConversations({ kind: 'group', createdBeforeMs: 2 }, { limit: 10, cursor })

    expect(page.items.map(({ key }) => key)).toEqual(['1'])
  })

  test.each(['', 'nonsense', 'W10', 'WzEsIjIiXQ', '%', '\u{1F600}'])('refuses the cursor %j', async (cursor) => {
    const { reader } = await open()

    const conversations = async () => reader.listConversations({ kind: 'group' }, { limit: 1, cursor })
    const timers = async () => reader.listTimers({}, { limit: 1, cursor })

    await expect(conversations()).rejects.toThrow(InvalidCursorError)
    await expect(timers()).rejects.toThrow(InvalidCursorError)
  })

  const ends = [
    conversation('1', { status: 'success', endedAtMs: 10 }),
    conversation('2', { status: 'failure', endedAtMs: 11 }),
    conversation('3', { status: 'success', endedAtMs: 12 }),
    conversation('4'),
  ]
  const keysOf = async (store: ConversationStore) =>
    (await store.reader.listConversations({ kind: 'group' }, { limit: 10 })).items.map(({ key }) => key)

  test.each([
    { before: 10, statuses: ['success'], left: '1234' },
    { before: 11, statuses: ['success'], left: '234' },
    { before: 99, statuses: ['success'], left: '24' },
    { before: 99, statuses: ['failure', 'success', 'success'], left: '4' },
    { before: 99, statuses: ['open'], left: '1234' },
    { before: 99, statuses: [], left: '1234' },
  ])('forgets those that ended before $before in $statuses', async ({ before, statuses, left }) => {
    const store = await open()
    await save(store, ...ends)

    const count = await store.write((tx) => tx.removeEnded({ endedAtMs: before, statuses }, 10))

    expect((await keysOf(store)).sort().join('')).toBe(left)
    expect(count).toBe(4 - left.length)
  })

  test.each([0, 1, 2, 3, 4])('forgets %i of them at most, and tells how many', async (limit) => {
    const store = await open()
    await save(store, ...ends)
    const statuses = ['failure', 'success']

    const count = await store.write((tx) => tx.removeEnded({ endedAtMs: 99, statuses }, limit))

    expect(count).toBe(Math.min(limit, 3))
    expect(await keysOf(store)).toHaveLength(4 - count)
  })

  // 1 KiB of state counts like a line of history.
  test.each([
    {
      what: 'as many lines of history as are soon gone',
      sizes: [{ lines: 3_000 }, { lines: 2_000 }, { lines: 1 }],
      removed: [2, 1],
    },
    { what: 'one whose history is longer, alone', sizes: [{ lines: 5_001 }, { lines: 0 }], removed: [1, 1] },
    { what: 'those before one whose history is longer', sizes: [{ lines: 1 }, { lines: 5_001 }], removed: [1, 1] },
    {
      what: 'as many large states as are soon gone',
      sizes: [{ kib: 2_500 }, { kib: 2_500 }, { kib: 2_500 }],
      removed: [2, 1],
    },
    { what: 'lines and states together', sizes: [{ lines: 2_501 }, { kib: 2_500 }, { kib: 1 }], removed: [1, 2] },
  ])('forgets at once $what', async ({ sizes, removed }) => {
    const store = await open()
    for (const [i, { lines = 0, kib = 0 }] of sizes.entries()) {
      const one = conversation(`${i}`, { status: 'success', endedAtMs: i, state: 'x'.repeat(kib * 1_024) })
      await store.write((tx) => tx.saveConversations([change(one, ...Array.from({ length: lines }, () => 'done'))]))
    }
    const remove = () => store.write((tx) => tx.removeEnded({ endedAtMs: 99, statuses: ['success'] }, 10))

    for (const count of [...removed, 0]) expect(await remove()).toBe(count)
    expect(await store.reader.historyOf({ kind: 'group', key: '0' }, 10)).toEqual([])
  })
})
