import { rmSync } from 'node:fs'
import { expect, test } from 'vitest'
import { conversation, save } from './conversation-fixture.ts'
import { pair } from './failover-fixture.ts'
import { decide } from './failover-run.ts'

test('J8: definitions are in both stores, and are told again under higher numbers when the lead changes', async () => {
  const two = pair()
  const store = await two.open()
  const register = (type: string) =>
    store.write((tx) => tx.definitions.insert({ type, version: 1, document: '{}', actor: 'a', reason: 'r', atMs: 1 }))
  await register('a')
  const known = await store.write((tx) => tx.definitions.last())
  rmSync(two.paths.primary)

  await register('b')

  const behind = await store.write((tx) => tx.definitions.since(known, 9))
  expect(behind.map(({ type }) => type)).toEqual(['a', 'b'])
  expect(await store.definitions.find('a')).toMatchObject({ version: 1 })
})

test('J8: what the relay knows of rows holds over a change of the lead', async () => {
  const two = pair()
  const store = await two.open()
  for (const key of ['a', 'b', 'c']) await decide(store, key, 'first')
  const [first, ...rest] = await store.readPending(0, 9)
  await store.removePublished([first?.seq ?? 0])
  two.primary.writes = false

  await decide(store, 'd', 'first')

  const read = await store.readPending(rest.at(-1)?.seq ?? 0, 9)
  expect(read.map(({ body }) => body)).toEqual(['b first', 'c first', 'd first'])
  expect(store.lastSeq).toBe(read.at(-1)?.seq)
  await store.removePublished([...rest, ...read].map(({ seq }) => seq))
  expect(await store.readPending(0, 9)).toEqual([])
  expect(await store.countPending()).toBe(0)
})

test('J8: a list over both shows each conversation once, in pages of any size, while they move', async () => {
  const two = pair()
  const store = await two.open()
  const keys = ['1', '2', '3', '4', '5', '6']
  await save(store, ...keys.map((key) => conversation(key, { createdAtMs: Number(key) })))
  two.primary.writes = false
  for (const key of ['2', '5']) await decide(store, key, 'second')
  await save(store, conversation('7', { createdAtMs: 7 }))

  for (const limit of [1, 2, 3, 100]) {
    const seen: string[] = []
    let cursor: string | undefined
    do {
      const page = await store.reader.listConversations({ kind: 'group' }, { limit, cursor })
      seen.push(...page.items.map(({ key }) => key))
      cursor = page.next
    } while (cursor !== undefined)
    expect(seen.toSorted()).toEqual([...keys, '7'])
  }
})

test('J8: what was handled in the primary is not handled again in the secondary, nor the other way round (D3)', async () => {
  const two = pair()
  const store = await two.open()
  const handled = (id: string) => store.write(async (tx) => (await tx.recordFirstSeen('q', [id], 1)).size === 1)
  expect(await handled('1')).toBe(true)
  two.primary.writes = false
  expect([await handled('1'), await handled('2')]).toEqual([false, true])
  await store.tend()
  two.primary.reads = false
  await store.tend()
  expect(await handled('1')).toBe(false)
  Object.assign(two.primary, { reads: true, writes: true })

  await store.tend()

  expect([await handled('1'), await handled('2'), await handled('3')]).toEqual([false, false, true])
})
