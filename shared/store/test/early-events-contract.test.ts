import { describe, expect, test } from 'vitest'
import type { ConversationStore, EarlyBounds } from '../conversations.ts'
import { EARLY_BYTES_OF_ONE_MAX } from '../early-room.ts'
import { conversationStores, roomy } from './conversation-fixture.ts'

describe.each(conversationStores)('what is kept besides conversations in %s', (_, open) => {
  const early = (event: string, atMs: number, key = 'a') => ({ kind: 'group', key, event, atMs })
  type Early = ReturnType<typeof early>
  const keep = (store: ConversationStore, bounds: Partial<EarlyBounds>, ...events: Early[]) =>
    store.write((tx) => tx.keepEarly(events, { ...roomy, ...bounds }))
  const events = (kept: readonly { readonly event: string }[]) => kept.map(({ event }) => event).join('')

  test('G5: early events wait for their conversation, in the order they came, and are given out once', async () => {
    const store = await open()
    await keep(store, {}, early('1', 50), early('2', 40), early('x', 50, 'b'))
    await keep(store, {}, early('3', 45))
    const take = (sinceMs: number, kind = 'group') => store.write((tx) => tx.takeEarly({ kind, key: 'a' }, sinceMs))

    expect(await take(0, 'flow')).toEqual([])
    expect(events(await take(45))).toBe('13')
    expect(await take(45)).toEqual([])
    expect(await take(0)).toEqual([early('2', 40)])
    expect(await store.reader.countEarly()).toBe(1)
  })

  test('tells how many wait for a conversation, and since when', async () => {
    const store = await open()
    await keep(store, {}, early('1', 50), early('2', 40), early('x', 10, 'b'))

    expect(await store.reader.earlyOf({ kind: 'group', key: 'a' })).toEqual({ count: 2, sinceMs: 40 })
    expect(await store.reader.earlyOf({ kind: 'flow', key: 'a' })).toBeUndefined()
  })

  test('G5: tells whose the early events are that waited too long, oldest first, as many as asked for', async () => {
    const store = await open()
    const at = (atMs: number, key: string) => early('', atMs, key)
    await keep(store, {}, at(30, 'a'), at(10, 'a'), at(20, 'b'), at(40, 'd'))
    const expire = (limit: number) => store.write((tx) => tx.expireEarly(40, limit))
    const of = (key: string) => ({ kind: 'group', key })

    expect(await expire(2)).toEqual([of('a'), of('b')])
    expect(await expire(2)).toEqual([of('a')])
    expect(await expire(2)).toEqual([])
    expect(await store.reader.countEarly()).toBe(1)
  })

  const [a1, a2, a3] = [early('1', 1), early('22', 2), early('\u{20AC}', 3)]
  const [b1, flow] = [early('1', 4, 'b'), { ...early('1', 5), kind: 'flow' }]

  test.each<{ bound: Partial<EarlyBounds>; refused: Early[] }>([
    { bound: {}, refused: [] },
    { bound: { countMax: 0 }, refused: [a1, a2, b1, a3, flow] },
    { bound: { countMax: 3 }, refused: [a3, flow] },
    { bound: { countMax: 5 }, refused: [] },
    { bound: { bytesMax: 0 }, refused: [a1, a2, b1, a3, flow] },
    { bound: { bytesMax: 6 }, refused: [a3] },
    { bound: { bytesMax: 7 }, refused: [flow] },
    { bound: { bytesMax: 8 }, refused: [] },
    { bound: { perConversationMax: 0 }, refused: [a1, a2, b1, a3, flow] },
    { bound: { perConversationMax: 1 }, refused: [a2, a3] },
    { bound: { perConversationMax: 2 }, refused: [a3] },
    { bound: { perConversationMax: 3 }, refused: [] },
  ])('keeps the early events that there is room for and gives back the others: $bound', async ({ bound, refused }) => {
    const together = [a1, a2, b1, a3, flow]
    const [atOnce, oneByOne] = [await open(), await open()]

    expect(await keep(atOnce, bound, ...together)).toEqual(refused)
    const alone = []
    for (const one of together) alone.push(...(await keep(oneByOne, bound, one)))
    expect(alone).toEqual(refused)

    const kept = together.filter((one) => !refused.includes(one))
    for (const store of [atOnce, oneByOne]) {
      expect(await store.reader.countEarly()).toBe(kept.length)
      const taken = await store.write((tx) => tx.takeEarly(a1, 0))
      expect(taken).toEqual(kept.filter(({ kind, key }) => kind === 'group' && key === 'a'))
    }
  })

  test.each<[string, (store: ConversationStore) => Promise<unknown>]>([
    ['taken', (store) => store.write((tx) => tx.takeEarly(a1, 0))],
    ['forgotten', (store) => store.write((tx) => tx.expireEarly(4, 10))],
  ])('has room again for early events when others were %s', async (_, leave) => {
    const store = await open()
    const bounds = { countMax: 3, bytesMax: 6, perConversationMax: 3 }
    await keep(store, bounds, a1, a2, a3)
    expect(await keep(store, bounds, b1, a1)).toEqual([b1, a1])

    await leave(store)

    expect(await keep(store, bounds, a1, a2, a3)).toEqual([])
    expect(await keep(store, bounds, b1, a1)).toEqual([b1, a1])
  })

  test('keeps 16 MiB of early events for one conversation, which takes them at once, and goes on for others', async () => {
    const store = await open()
    const half = early('x'.repeat(EARLY_BYTES_OF_ONE_MAX / 2), 1)

    const refused = await keep(store, {}, half, half, a1, b1)

    expect(refused).toEqual([a1])
    expect(await keep(store, {}, a2, { ...half, key: 'b' })).toEqual([a2])
  })

  test('G5: forgets large early events some at a time', async () => {
    const store = await open()
    const large = (atMs: number, mib: number) => early('x'.repeat(mib * 1_048_576), atMs)
    await keep(store, {}, large(1, 2), large(2, 2), large(3, 2), large(4, 6), early('', 5))
    const expire = () => store.write((tx) => tx.expireEarly(9, 10))

    for (const count of [2, 1, 1, 1, 0]) expect(await expire()).toHaveLength(count)
  })

  test('adds up what was ignored, and names the newest', async () => {
    const store = await open()
    const ignored = (why: string, count: number, lastKey: string, lastAtMs: number) => ({
      ...{ kind: 'group', why, type: 'TASK_FINISHED' },
      ...{ count, lastKey, lastAtMs },
    })
    const count = (...counts: ReturnType<typeof ignored>[]) => store.write((tx) => tx.countIgnored(counts))

    await count(ignored('late', 2, 'b', 20), ignored('duplicate', 1, 'c', 5), ignored('late', 1, 'a', 10))
    await count(ignored('late', 3, 'd', 20))

    expect(await store.reader.listIgnored()).toEqual([ignored('duplicate', 1, 'c', 5), ignored('late', 6, 'd', 20)])
  })
})
