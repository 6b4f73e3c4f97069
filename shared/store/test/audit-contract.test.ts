import { describe, expect, test } from 'vitest'
import type { AuditEntry } from '../audit.ts'
import { InvalidCursorError, type PageRequest } from '../conversations.ts'
import type { HubStore } from '../hub-store.ts'
import { hubStores } from './held-fixture.ts'

/** An act that ended well, by its id; `atMs` is its number. */
const entry = (atMs: number, more: Partial<AuditEntry> = {}): AuditEntry => ({
  ...{
    id: `e${atMs}`,
    atMs,
    actor: 'ann',
    isProven: true,
    isStranger: false,
    address: '::1',
    act: 'POST /x',
    target: 'x',
    reason: 'test',
  },
  ...{ status: 200, correlationId: 'c' },
  ...more,
})
const append = (store: HubStore, ...entries: readonly AuditEntry[]) =>
  store.write(async (tx) => {
    for (const one of entries) await tx.audit.append(one)
  })
const ids = async (store: HubStore, filter = {}, page: Partial<PageRequest> = {}) =>
  (await store.audit.list(filter, { limit: 100, ...page })).items.map(({ id }) => id)
const everything = { beforeMs: 0, acts: 1_000, strangers: 1_000 }

describe.each(hubStores)('the audit in %s', (_, open) => {
  test('is kept as it was written', async () => {
    const store = await open()
    const nobody = entry(2, { actor: null, isProven: false, isStranger: true, target: null, reason: null, status: 401 })

    await append(store, entry(1), nobody)

    expect((await store.audit.list({}, { limit: 9 })).items).toEqual([nobody, entry(1)])
  })

  test('is gone with a transaction that fails', async () => {
    const store = await open()
    const failed = store.write(async (tx) => {
      await tx.audit.append(entry(1))
      throw new Error('no')
    })

    await expect(failed).rejects.toThrow('no')
    expect(await ids(store)).toEqual([])
  })

  test('is listed newest first, those of one millisecond too, page by page, and nothing new shifts a page', async () => {
    const store = await open()
    await append(store, entry(1), entry(3), entry(2), entry(3, { id: 'e3b' }))

    const first = await store.audit.list({}, { limit: 2 })
    await append(store, entry(9))
    const second = await store.audit.list({}, { limit: 2, cursor: first.next })

    expect(first.items.map(({ id }) => id)).toEqual(['e3b', 'e3'])
    expect([second.items.map(({ id }) => id), second.next]).toEqual([['e2', 'e1'], undefined])
    await expect(async () => store.audit.list({}, { limit: 2, cursor: 'x' })).rejects.toThrow(InvalidCursorError)
  })

  test.each([
    [{ actor: 'ben' }, ['e4', 'e2']],
    [{ act: 'POST /y' }, ['e4', 'e3']],
    [{ actor: 'ben', act: 'POST /y' }, ['e4']],
    [{ sinceMs: 3 }, ['e4', 'e3']],
    [{ actor: 'ann', sinceMs: 2 }, ['e3']],
    [{ actor: 'nobody' }, []],
  ])('is found by who, what and since when: %j', async (filter, wanted) => {
    const store = await open()
    await append(store, entry(1), entry(2, { actor: 'ben' }), entry(3, { act: 'POST /y' }))
    await append(store, entry(4, { actor: 'ben', act: 'POST /y' }))

    expect(await ids(store, filter)).toEqual(wanted)
  })

  test('forgets what is too old, a slice at a time, the oldest first', async () => {
    const store = await open()
    await append(store, entry(1), entry(2), entry(3), entry(4, { isStranger: true }))
    const remove = () => store.write((tx) => tx.audit.removeBeyond({ ...everything, beforeMs: 4 }, 2))

    expect(await remove()).toBe(2)
    expect(await ids(store)).toEqual(['e4', 'e3'])
    expect([await remove(), await remove(), await ids(store)]).toEqual([1, 0, ['e4']])
  })

  test('forgets the oldest of too many; strangers push out strangers only, whatever they were answered', async () => {
    const store = await open()
    const stranger = { isStranger: true, isProven: false, actor: null }
    await append(store, entry(1), entry(2, { status: 401 }), entry(3, { isProven: false, actor: null }))
    await append(store, ...[400, 500, 503, 401].map((status, i) => entry(4 + i, { ...stranger, status })))

    const removed = await store.write((tx) => tx.audit.removeBeyond({ beforeMs: 0, acts: 2, strangers: 1 }, 100))

    expect([removed, await ids(store)]).toEqual([4, ['e7', 'e3', 'e2']])
  })
})
