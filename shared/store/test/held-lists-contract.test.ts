import { describe, expect, test } from 'vitest'
import { InvalidCursorError, type Page } from '../conversations.ts'
import type { Held, HeldFilter, HeldGroup, HeldGroupFilter } from '../held-messages.ts'
import type { HubStore } from '../hub-store.ts'
import { add, broughtTo, dead, hubStores, parked } from './held-fixture.ts'

/** Letters in the order in which they are listed: newest first, of those of one time the last one added. */
const rows: readonly Held[] = [
  dead('f', { heldAtMs: 1, fingerprint: 'other', tenant: 'globex' }),
  dead('e', { heldAtMs: 2, place: 'ebs.unrouted', queue: null, type: null, reason: 'unrouted', error: null }),
  parked('d', { heldAtMs: 3, tenant: 'globex' }),
  dead('c', { heldAtMs: 4, place: 'other.dead', queue: 'other' }),
  parked('b', { heldAtMs: 5, place: 'ebs.sideline.s.work', rule: 's#9' }),
  dead('a', { heldAtMs: 5, tenant: null, type: 'OBJECT_CREATED' }),
]

async function all<T>(list: (cursor: string | undefined) => Page<T> | Promise<Page<T>>): Promise<T[][]> {
  const pages = [await list(undefined)]
  for (let cursor = pages.at(-1)?.next; cursor; cursor = pages.at(-1)?.next) pages.push(await list(cursor))
  return pages.map(({ items }) => [...items])
}

describe.each(hubStores)('lists of held messages in %s', (_, open) => {
  test.each<[HeldFilter, string]>([
    [{}, 'abcdef'],
    [{ isParked: false }, 'acef'],
    [{ isParked: true }, 'bd'],
    [{ place: 'work.dead' }, 'af'],
    [{ place: 'work' }, ''],
    [{ placePrefix: 'ebs.sideline.' }, 'bd'],
    [{ placePrefix: 'ebs.sideline.s.' }, 'b'],
    [{ placePrefix: '' }, 'abcdef'],
    [{ queue: 'work' }, 'abdf'],
    [{ queue: 'work', isParked: false }, 'af'],
    [{ rule: 'r#1' }, 'd'],
    [{ rule: 'r' }, ''],
    [{ fingerprint: 'bug' }, 'ace'],
    [{ fingerprint: 'bug', queue: 'work' }, 'a'],
    [{ type: 'TASK_CREATED' }, 'bcdf'],
    [{ tenant: 'globex' }, 'df'],
    [{ tenant: 'globex', isParked: false, type: 'TASK_CREATED' }, 'f'],
    [{ ids: ['f', 'none', 'b', 'f'] }, 'bf'],
    [{ ids: ['f', 'b'], tenant: 'globex' }, 'f'],
    [{ ids: [] }, ''],
    [{ states: ['held'] }, 'abcdef'],
    [{ states: ['chosen', 'gone'] }, ''],
    [{ states: [] }, ''],
    [{ job: 'j' }, ''],
  ])('%o gives those, in pages of any size', async (filter, listed) => {
    const store = await open()
    await add(store, ...rows.slice(0, 3))
    await add(store, ...rows.slice(3))

    for (const limit of [1, 2, listed.length || 1, 100]) {
      const pages = await all((cursor) => store.held.listHeld(filter, { limit, cursor }))

      expect(pages.map((items) => items.map(({ id }) => id).join('')).join('')).toBe(listed)
      expect(pages).toHaveLength(Math.max(1, Math.ceil(listed.length / limit)))
    }
    const [items = []] = await all((cursor) => store.held.listHeld(filter, { limit: 100, cursor }))
    for (const item of items) expect(item).toEqual(rows.find(({ id }) => id === item.id))
  })

  test('choose by state and by job', async () => {
    const store = await open()
    await add(store, ...rows)
    for (const [id, state] of Object.entries({ a: 'released', b: 'chosen', c: 'handled', d: 'gone' } as const))
      await broughtTo[state](store, id)
    const listed = async (filter: HeldFilter) =>
      (await store.held.listHeld(filter, { limit: 100 })).items.map(({ id }) => id).join('')

    expect(await listed({ job: 'j' })).toBe('abc')
    expect(await listed({ job: 'j', states: ['handled', 'released'] })).toBe('ac')
    expect(await listed({ job: 'j', tenant: 'acme', isParked: false })).toBe('c')
    expect(await listed({ job: 'k' })).toBe('')
    expect(await listed({ states: ['held', 'chosen'] })).toBe('bef')
    expect(await listed({ fingerprint: 'bug', states: ['handled', 'held'] })).toBe('ce')
    expect(await listed({ ids: ['a', 'b', 'e'], states: ['chosen', 'released'] })).toBe('ab')
    expect(await listed({ states: ['gone'] })).toBe('d')
  })

  test('go on behind the last one of a page, whatever came and went meanwhile', async () => {
    const store = await open()
    await add(store, ...rows)
    const first = await store.held.listHeld({}, { limit: 3 })
    await add(store, dead('new', { heldAtMs: 9 }))
    await broughtTo.discarded(store, 'e')

    const rest = await store.held.listHeld({ states: ['held'] }, { limit: 10, cursor: first.next })

    expect(rest.items.map(({ id }) => id)).toEqual(['d', 'f'])
  })

  test('group what lies in its place by fingerprint, the largest first', async () => {
    const store = await open()
    const bug = (id: string, heldAtMs: number, said: Partial<Held> = {}) => dead(id, { heldAtMs, ...said })
    await add(
      store,
      bug('old', 10, { error: 'no o1' }),
      bug('new', 30, { error: 'no o3' }),
      bug('middle', 20, { tenant: 'globex' }),
      bug('done', 40),
      bug('x', 5, { fingerprint: 'x' }),
      bug('y', 6, { fingerprint: 'y', error: null, reason: 'poison', type: null }),
      parked('aside'),
    )
    await broughtTo.handled(store, 'done')
    await broughtTo.chosen(store, 'new')

    const pages = await all((cursor) => store.held.listGroups({}, { limit: 2, cursor }))

    const common = { queue: 'work', type: 'TASK_CREATED', reason: 'exhausted', error: 'Error: no' }
    expect(pages).toEqual([
      [
        { ...common, fingerprint: 'bug', error: 'no #', count: 3, firstAtMs: 10, lastAtMs: 30, example: 'new' },
        { ...common, fingerprint: 'x', count: 1, firstAtMs: 5, lastAtMs: 5, example: 'x' },
      ],
      [
        {
          ...{ fingerprint: 'y', queue: 'work', type: null, reason: 'poison', error: 'poison', count: 1 },
          ...{ firstAtMs: 6, lastAtMs: 6, example: 'y' },
        },
      ],
    ])
  })

  test.each<[HeldGroupFilter, Partial<HeldGroup>[]]>([
    [{ tenant: 'globex' }, [{ fingerprint: 'other', count: 1, firstAtMs: 1, example: 'f' }]],
    [{ queue: 'other' }, [{ fingerprint: 'bug', count: 1, firstAtMs: 4, lastAtMs: 4, example: 'c' }]],
    [{ place: 'ebs.unrouted' }, [{ fingerprint: 'bug', count: 1, queue: null, error: 'unrouted' }]],
    [{ type: 'OBJECT_CREATED' }, [{ fingerprint: 'bug', count: 1, example: 'a' }]],
    [{ fingerprint: 'bug' }, [{ count: 3, firstAtMs: 2, lastAtMs: 5, example: 'a' }]],
    [{ fingerprint: 'none' }, []],
    [{ isParked: true }, []],
  ])('groups of %o', async (filter, groups) => {
    const store = await open()
    await add(store, ...rows)

    expect((await store.held.listGroups(filter, { limit: 10 })).items).toEqual(
      groups.map((group) => expect.objectContaining(group)),
    )
  })

  test('a group goes with its last message, and comes back with it', async () => {
    const store = await open()
    await add(store, dead('a'))
    const groups = async () => (await store.held.listGroups({}, { limit: 10 })).items.map(({ count }) => count)
    await broughtTo.gone(store, 'a')

    expect(await groups()).toEqual([])
    await store.write((tx) => tx.held.markSeen('work.dead', ['a'], 9_000))
    expect(await groups()).toEqual([1])
  })

  test('count what lies in each place', async () => {
    const store = await open()
    await add(store, ...rows)
    await broughtTo.chosen(store, 'a')
    await broughtTo.released(store, 'f')
    await broughtTo.discarded(store, 'c')

    expect(await store.held.countByPlace()).toEqual([
      { place: 'ebs.sideline.r.work', count: 1 },
      { place: 'ebs.sideline.s.work', count: 1 },
      { place: 'ebs.unrouted', count: 1 },
      { place: 'work.dead', count: 1 },
    ])
  })

  test('show what of a thread is held up, oldest first', async () => {
    const store = await open()
    await add(store, ...rows, dead('stranger', { correlationId: 'another' }), dead('nobody', { correlationId: null }))
    for (const [id, state] of Object.entries({ a: 'chosen', c: 'released', d: 'handled', e: 'gone' } as const))
      await broughtTo[state](store, id)
    const ids = async (limit: number) => (await store.held.heldOf('thread', limit)).map(({ id }) => id).join('')

    expect(await ids(100)).toBe('fcba')
    expect(await ids(2)).toBe('fc')
    expect(await store.held.heldOf('none', 10)).toEqual([])
  })

  test.each<[string, (store: HubStore, cursor: string) => unknown]>([
    ['messages', (store, cursor) => store.held.listHeld({}, { limit: 1, cursor })],
    ['groups', (store, cursor) => store.held.listGroups({}, { limit: 1, cursor })],
  ])('refuse a cursor that is none of a list of %s', async (_, list) => {
    const store = await open()
    for (const cursor of ['nonsense', Buffer.from('["a", 1]').toString('base64url')])
      await expect(async () => list(store, cursor)).rejects.toThrow(InvalidCursorError)
  })
})
