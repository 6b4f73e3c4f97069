import { describe, expect, test } from 'vitest'
import { InvalidCursorError, type PageRequest } from '../conversations.ts'
import type { DefinitionRow } from '../definitions.ts'
import type { HubStore } from '../hub-store.ts'
import { hubStores } from './held-fixture.ts'

const definition = (type: string, version: number): Omit<DefinitionRow, 'seq'> => ({
  ...{ type, version, atMs: 1_000 + version, actor: 'ann', reason: 'new' },
  document: `{"type":"${type}","version":${version}}`,
})
const nameOf = ({ type, version }: Omit<DefinitionRow, 'seq'>) => `${type}${version}`

async function register(store: HubStore, ...names: readonly string[]): Promise<readonly boolean[]> {
  const added: boolean[] = []
  for (const name of names)
    added.push(await store.write((tx) => tx.definitions.insert(definition(name.slice(0, 1), Number(name.slice(1))))))
  return added
}

describe.each(hubStores)('definitions in %s', (_, open) => {
  test('are kept as they were registered, and never changed', async () => {
    const store = await open()
    expect(await register(store, 'a1')).toEqual([true])

    const again = await store.write((tx) => tx.definitions.insert({ ...definition('a', 1), document: '{}' }))

    expect(again).toBe(false)
    expect(await store.definitions.find('a', 1)).toMatchObject(definition('a', 1))
    expect(await store.write((tx) => tx.definitions.find('a', 1))).toMatchObject(definition('a', 1))
    expect(await store.write((tx) => tx.definitions.find('a', 2))).toBeUndefined()
  })

  test('are counted: who knows some finds those behind them, in order', async () => {
    const store = await open()
    expect(await store.write((tx) => tx.definitions.last())).toBe(0)
    await register(store, 'b1', 'a2', 'a1', 'a1')

    const since = (seq: number, limit = 10) => store.write((tx) => tx.definitions.since(seq, limit))
    const all = await since(0)
    expect(all.map(nameOf)).toEqual(['b1', 'a2', 'a1'])
    expect(await store.write((tx) => tx.definitions.last())).toBe(all[2]?.seq)
    expect((await since(all[0]?.seq ?? 0, 1)).map(nameOf)).toEqual(['a2'])
    expect(await since(all[2]?.seq ?? 0)).toEqual([])
  })

  test('are seen inside their transaction, and are gone with one that fails', async () => {
    const store = await open()
    const failed = store.write(async (tx) => {
      await tx.definitions.insert(definition('a', 1))
      const found = await tx.definitions.find('a', 1)
      expect(found).toMatchObject(definition('a', 1))
      expect(await tx.definitions.last()).toBe(found?.seq)
      throw new Error('no')
    })

    await expect(failed).rejects.toThrow('no')
    expect(await store.definitions.find('a')).toBeUndefined()
  })

  test.each([
    [{}, 'a3 a2 a1 b10 b9 c1'],
    [{ latest: true }, 'a3 b10 c1'],
    [{ type: 'b' }, 'b10 b9'],
    [{ type: 'b', latest: true }, 'b10'],
    [{ type: 'none' }, ''],
    [{ type: 'none', latest: true }, ''],
  ])('are listed by %o, the newest version of a type first, in pages of any size', async (filter, names) => {
    const store = await open()
    await register(store, 'b9', 'a1', 'c1', 'a2', 'b10', 'a3')

    for (const limit of [1, 2, 4, 100]) {
      const list = (page: PageRequest) => store.definitions.list(filter, page)
      const pages = [await list({ limit })]
      for (let cursor = pages.at(-1)?.next; cursor; cursor = pages.at(-1)?.next)
        pages.push(await list({ limit, cursor }))
      expect(pages.flatMap(({ items }) => items.map(nameOf)).join(' ')).toBe(names)
    }
  })

  test('are found by version, and without one the newest', async () => {
    const store = await open()
    await register(store, 'a2', 'a10', 'a9')

    expect(await store.definitions.find('a')).toMatchObject({ version: 10 })
    expect(await store.definitions.find('a', 9)).toMatchObject({ version: 9, atMs: 1_009 })
    expect(await store.definitions.find('a', 3)).toBeUndefined()
    expect(await store.definitions.find('b')).toBeUndefined()
  })

  test('refuse a cursor that is none', async () => {
    const store = await open()
    await expect(async () => store.definitions.list({}, { limit: 1, cursor: 'nonsense' })).rejects.toThrow(
      InvalidCursorError,
    )
  })
})
