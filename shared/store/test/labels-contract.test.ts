import { describe, expect, test } from 'vitest'
import type { Conversation, ConversationFilter, Page, PageRequest } from '../conversations.ts'
import { change, conversation, conversationStores, save } from './conversation-fixture.ts'

const journey = (key: string, said: Partial<Conversation> = {}): Conversation =>
  conversation(key, { kind: 'journey', label: 'order', createdAtMs: Number(key), ...said })
const keysOf = (items: readonly Conversation[]) => items.map(({ key }) => key).join('')

type Sync<T> = T | Promise<T>

/** All pages of a list, each of this size, one after another. */
async function pagesOf(list: (page: PageRequest) => Sync<Page<Conversation>>, limit: number) {
  const pages = [await list({ limit })]
  for (let cursor = pages.at(-1)?.next; cursor; cursor = pages.at(-1)?.next) pages.push(await list({ limit, cursor }))
  return pages
}

describe.each(conversationStores)('conversations with a label in %s', (_, open) => {
  const all = [
    journey('1'),
    journey('2', { status: 'DONE', endedAtMs: 9 }),
    journey('3', { label: 'refund', attention: 'overdue' }),
    journey('4', { attention: 'overdue', tenant: 'other' }),
    journey('5', { status: 'STUCK', attention: 'remediation' }),
    journey('6', { label: 'refund', status: 'DONE', endedAtMs: 7 }),
    journey('7', { label: 'refund', status: 'DONE', endedAtMs: 7, attention: 'remediation' }),
    journey('8', { label: null }),
    journey('9', { kind: 'flow', attention: 'overdue' }),
  ]
  test.each<[Omit<ConversationFilter, 'kind'> & { kind?: string }, string]>([
    [{ label: 'order' }, '5421'],
    [{ label: 'order', isOpen: true }, '541'],
    [{ label: 'refund', isOpen: false }, '76'],
    [{ label: 'order', status: 'open' }, '41'],
    [{ label: 'order', status: 'open', isOpen: false }, ''],
    [{ label: 'refund', status: 'DONE' }, '76'],
    [{ label: 'order', tenant: 'acme' }, '521'],
    [{ label: 'order', createdBeforeMs: 5 }, '421'],
    [{ label: 'none' }, ''],
    [{ attention: true }, '7543'],
    [{ attention: 'overdue' }, '43'],
    [{ attention: 'overdue', tenant: 'acme' }, '3'],
    [{ attention: 'remediation', label: 'order' }, '5'],
    [{ attention: true, isOpen: true, createdBeforeMs: 5 }, '43'],
    [{ attention: true, isOpen: false }, '7'],
    [{ attention: 'remediation', status: 'DONE' }, '7'],
    [{ attention: 'none' }, ''],
    [{ kind: 'flow', attention: true }, '9'],
    [{ kind: 'flow', label: 'order' }, '9'],
  ])('lists %o newest first, in pages of any size', async (filter, keys) => {
    const store = await open()
    await save(store, ...all)

    for (const limit of [1, 2, 100]) {
      const list = (page: PageRequest) => store.reader.listConversations({ kind: 'journey', ...filter }, page)
      const pages = await pagesOf(list, limit)

      expect(pages.map(({ items }) => keysOf(items)).join('')).toBe(keys)
      expect(pages).toHaveLength(Math.max(1, Math.ceil(keys.length / limit)))
    }
  })

  test('gives label and attention back, and lists by what they are now', async () => {
    const store = await open()
    await save(store, journey('1', { attention: 'overdue' }))

    await save(store, journey('1', { version: 2, attention: null }))

    const list = (filter: Omit<ConversationFilter, 'kind'>) =>
      store.reader.listConversations({ kind: 'journey', ...filter }, { limit: 9 })
    expect((await list({ attention: true })).items).toEqual([])
    expect((await list({ label: 'order' })).items).toEqual([journey('1', { version: 2 })])
  })

  test.each([
    { sinceMs: 0, keys: '7628' },
    { sinceMs: 7, keys: '7628' },
    { sinceMs: 8, keys: '28' },
    { sinceMs: 11, keys: '' },
  ])('lists those that ended at $sinceMs or after in the order of their ends', async ({ sinceMs, keys }) => {
    const store = await open()
    const over = (key: string, endedAtMs: number) => journey(key, { status: 'DONE', endedAtMs })
    await save(store, journey('1'), over('7', 7), over('2', 9), over('6', 7), over('8', 10))
    await save(store, conversation('3', { kind: 'journey', status: 'DONE', endedAtMs: 8 }), {
      ...over('4', 8),
      kind: 'flow',
    })

    for (const limit of [1, 3, 100]) {
      const pages = await pagesOf((page) => store.reader.listEnded({ kind: 'journey', sinceMs }, page), limit)
      expect(pages.map(({ items }) => keysOf(items)).join('')).toBe(keys)
    }
  })

  test('a list of ends goes on with what ended meanwhile', async () => {
    const store = await open()
    const over = (key: string, endedAtMs: number) => journey(key, { status: 'DONE', endedAtMs })
    await save(store, over('1', 5), over('2', 6))
    const { next: cursor } = await store.reader.listEnded({ kind: 'journey', sinceMs: 0 }, { limit: 1 })

    await save(store, over('3', 7))

    const rest = await store.reader.listEnded({ kind: 'journey', sinceMs: 0 }, { limit: 9, cursor })
    expect(keysOf(rest.items)).toBe('23')
  })

  test('tells how long the newest of a label and a status took', async () => {
    const store = await open()
    const took = (key: string, ms: number, said: Partial<Conversation> = {}) =>
      journey(key, { status: 'DONE', endedAtMs: Number(key) + ms, ...said })
    await save(store, took('1', 100), took('2', 200), took('3', 300), journey('4'))
    await save(
      store,
      took('5', 7, { label: 'refund' }),
      took('6', 8, { status: 'FAILED' }),
      took('7', 9, { kind: 'flow' }),
    )
    const durations = (limit: number, said = {}) =>
      store.reader.durationsOf({ kind: 'journey', label: 'order', status: 'DONE', limit, ...said })

    expect(await durations(2)).toEqual([300, 200])
    expect(await durations(9)).toEqual([300, 200, 100])
    expect(await durations(9, { label: 'none' })).toEqual([])
    expect(await durations(9, { status: 'open' })).toEqual([])
  })

  test.each([
    { limit: 1, count: 1 },
    { limit: 2, count: 2 },
    { limit: 9, count: 3 },
  ])('counts those that a person should look at for a reason, up to $limit', async ({ limit, count }) => {
    const store = await open()
    const late = (key: string, said: Partial<Conversation> = {}) => journey(key, { attention: 'overdue', ...said })
    await save(store, late('1'), late('2'), late('3', { label: 'refund' }), journey('4'))
    await save(store, late('5', { attention: 'remediation' }), late('6', { kind: 'flow' }))
    const counted = (attention: string) => store.reader.countAttention({ kind: 'journey', attention, limit })

    expect([await counted('overdue'), await counted('nothing')]).toEqual([count, 0])
  })

  test('names the labels of those that go on', async () => {
    const store = await open()
    expect(await store.reader.labelsOf('journey')).toEqual([])
    await save(store, ...all)

    expect(await store.reader.labelsOf('journey')).toEqual(['order', 'refund'])
    await save(store, journey('3', { label: 'refund', version: 2, status: 'DONE', endedAtMs: 10 }))
    expect(await store.reader.labelsOf('journey')).toEqual(['order'])
    expect(await store.reader.labelsOf('group')).toEqual([])
  })

  test('forgets those that ended, of a status that other kinds do not have', async () => {
    const store = await open()
    await save(
      store,
      journey('1', { status: 'COMPLETED', endedAtMs: 5 }),
      conversation('2', { status: 'completed', endedAtMs: 5 }),
    )

    const removed = await store.write((tx) => tx.removeEnded({ endedAtMs: 9, statuses: ['COMPLETED'] }, 10))

    expect(removed).toBe(1)
    expect(keysOf((await store.reader.listConversations({ kind: 'group' }, { limit: 9 })).items)).toBe('2')
    expect(
      keysOf((await store.reader.listConversations({ kind: 'journey', label: 'order' }, { limit: 9 })).items),
    ).toBe('')
  })

  test('takes a label and gives it up with any change', async () => {
    const store = await open()
    await save(store, journey('1', { label: null }))
    await store.write((tx) => tx.saveConversations([change(journey('1', { version: 2, label: 'late' }))]))

    const list = (label: string) => store.reader.listConversations({ kind: 'journey', label }, { limit: 9 })
    expect(keysOf((await list('late')).items)).toBe('1')
  })
})
