import { renameSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { newId } from '../../bus/ids.ts'
import { MOVED_STEP } from '../failover-moves.ts'
import { PartlyUnavailableError, StoreUnavailableError } from '../store.ts'
import { change, conversation, conversationStores, save } from './conversation-fixture.ts'
import { pair } from './failover-fixture.ts'
import { decide } from './failover-run.ts'

const STRANGE = `'";--\n\t\0 %_\u{1F600}`
const over = { status: 'success', endedAtMs: 2_000, changedAtMs: 2_000 }

describe.each(conversationStores)('how conversations stand, in %s', (_, open) => {
  test('gives each that is there once, going on or over, with its version', async () => {
    const store = await open()
    await save(
      store,
      conversation('a'),
      conversation('b', over),
      conversation(STRANGE),
      conversation('flow', { kind: 'flow' }),
    )
    await store.write((tx) => tx.saveConversations([change(conversation('a', { version: 2 }))]))

    const standings = await store.reader.standingOf('group', ['b', 'nobody', 'a', STRANGE, 'flow', 'a', '\ud800'])

    expect(standings.toSorted((x, y) => (x.key < y.key ? -1 : 1))).toEqual([
      { key: STRANGE, version: 1, isOpen: true },
      { key: 'a', version: 2, isOpen: true },
      { key: 'b', version: 1, isOpen: false },
    ])
  })

  test('gives nothing for no keys, and a thousand for a thousand', async () => {
    const store = await open()
    const keys = Array.from({ length: 1_000 }, (_, i) => `k${i}`)
    await save(store, ...keys.map((key) => conversation(key)))

    expect(await store.reader.standingOf('group', [])).toEqual([])
    expect(await store.reader.standingOf('group', keys)).toHaveLength(1_000)
  })
})

test('J8: of a conversation that is in both stores the higher version counts', async () => {
  const two = pair()
  const store = await two.open()
  await save(store, conversation('moved'), conversation('left'))
  two.primary.writes = false

  await save(store, conversation('moved', { ...over, version: 2 })).catch(() => undefined)
  const [moved] = await store.write((tx) => tx.findConversations([{ kind: 'group', key: 'moved' }]))
  const ended = conversation('moved', { ...over, version: (moved?.version ?? 0) + 1 })
  await store.write((tx) => tx.saveConversations([change(ended)]))

  expect(moved?.version).toBeGreaterThan(MOVED_STEP)
  expect(await store.reader.standingOf('group', ['moved', 'left'])).toEqual([
    { key: 'moved', version: ended.version, isOpen: false },
    { key: 'left', version: 1, isOpen: true },
  ])
})

test('J8: nothing is said to be unknown that may lie in a store which is out of reach; what was made since is certain', async () => {
  const NOW_MS = 1_700_000_000_000
  const two = pair()
  const store = await two.open({ clock: { now: () => NOW_MS, after: () => () => undefined } })
  const [old, young] = [newId(NOW_MS - 60_000), newId(NOW_MS + 5_000)]
  await decide(store, old, 'first')
  renameSync(two.paths.primary, `${two.paths.primary}.away`)
  await decide(store, young, 'new')

  await expect(store.reader.standingOf('group', [young, old])).rejects.toThrow(PartlyUnavailableError)
  await expect(store.reader.standingOf('group', ['name'])).rejects.toThrow(PartlyUnavailableError)
  expect(await store.reader.standingOf('group', [young, newId(NOW_MS + 5_000)])).toEqual([
    { key: young, version: 1, isOpen: true },
  ])
})

test('J8: a store that can no longer be read in the middle of it says nothing', async () => {
  const two = pair()
  const store = await two.open()
  await decide(store, 'a', 'first')
  two.primary.writes = false
  await decide(store, 'b', 'first')
  two.primary.reads = false

  await expect(store.reader.standingOf('group', ['a'])).rejects.toThrow(StoreUnavailableError)
})
