import { describe, expect, test } from 'vitest'
import { type ConversationStore, VersionConflictError } from '../conversations.ts'
import { change, conversation, conversationStores, roomy, save } from './conversation-fixture.ts'
import { row } from './rows.ts'

describe.each(conversationStores)('conversations in %s', (_, open) => {
  const find = (store: ConversationStore, key: string, kind = 'group') => store.reader.findConversation({ kind, key })
  const wordsOf = async (store: ConversationStore, key: string, limit = 100) =>
    (await store.reader.historyOf({ kind: 'group', key }, limit)).map(({ what }) => what)

  test.each([
    ['one that goes on', conversation('a')],
    ['one that is over', conversation('a', { status: 'success', endedAtMs: 2_000, changedAtMs: 2_000 })],
    ['one with everything', conversation('a', { traceparent: '00-1-2-01', version: 1, state: '"\u{1F600}"' })],
    ['one with as little as can be', conversation('', { state: '', correlationId: '', tenant: null, status: '' })],
    ['a key of strange characters', conversation(`'";--\n\t\0 %_\u{1F600}`)],
    ['a large state', conversation('a', { state: 'x'.repeat(1_000_000) })],
  ])('gives back %s as it was saved', async (_, one) => {
    const store = await open()

    await store.write((tx) => tx.saveConversations([{ to: one, readVersion: 0, history: [] }]))

    expect(await find(store, one.key)).toEqual(one)
    expect(await store.write((tx) => tx.findConversations([one]))).toEqual([one])
  })

  test('finds those that are there, by kind and key', async () => {
    const store = await open()
    const [group, flow, other] = [conversation('a'), conversation('a', { kind: 'flow' }), conversation('b')]
    await save(store, group, flow, other)

    const asked = [flow, { kind: 'flow', key: 'b' }, other]
    const found = await store.write((tx) => tx.findConversations(asked))

    expect(found).toHaveLength(2)
    expect(found).toEqual(expect.arrayContaining([flow, other]))
    expect(await find(store, 'b', 'flow')).toBeUndefined()
    expect(await store.write((tx) => tx.findConversations([]))).toEqual([])
  })

  test('writes every field of a changed document', async () => {
    const store = await open()
    await save(store, conversation('a'))
    const changed = conversation('a', {
      version: 2,
      status: 'failure',
      state: '{}',
      correlationId: 'other',
      tenant: null,
      traceparent: '00-3-4-01',
      createdAtMs: 5,
      changedAtMs: 6,
      endedAtMs: 7,
    })

    await save(store, changed)

    expect(await find(store, 'a')).toEqual(changed)
  })

  test.each([
    { stored: 0, read: 0, isSaved: true },
    { stored: 0, read: 1, isSaved: false },
    { stored: 1, read: 0, isSaved: false },
    { stored: 1, read: 1, isSaved: true },
    { stored: 2, read: 1, isSaved: false },
    { stored: 2, read: 2, isSaved: true },
    { stored: 2, read: 3, isSaved: false },
  ])('compares before it sets: $stored stored, $read read', async ({ stored, read, isSaved }) => {
    const store = await open()
    for (let version = 1; version <= stored; version++) await save(store, conversation('a', { version }))
    const to = conversation('a', { version: read + 1, state: '"new"' })

    const saving = store.write((tx) => tx.saveConversations([{ to, readVersion: read, history: [] }]))

    if (isSaved) await saving
    else await expect(saving).rejects.toThrow(VersionConflictError)
    expect((await find(store, 'a'))?.state === '"new"').toBe(isSaved)
  })

  test('lets one of two win that were decided on the same version, and undoes all that the other did', async () => {
    const store = await open()
    await save(store, conversation('a'))
    const decide = (name: string) =>
      store.write(async (tx) => {
        await tx.enqueue([row(name)])
        await tx.saveConversations([change(conversation(name)), change(conversation('a', { version: 2 }), name)])
      })

    const [first, second] = await Promise.allSettled([decide('first'), decide('second')])

    expect(first?.status).toBe('fulfilled')
    expect(second).toMatchObject({ status: 'rejected', reason: expect.any(VersionConflictError) })
    expect(await wordsOf(store, 'a')).toEqual(['open 1', 'first'])
    expect(await find(store, 'second')).toBeUndefined()
    expect((await store.readPending(0, 10)).map(({ body }) => body)).toEqual(['first'])
  })

  test('shows a transaction what it wrote, and the reader only what is committed', async () => {
    const store = await open()

    await store.write(async (tx) => {
      await tx.saveConversations([change(conversation('a'), 'opened')])
      await tx.armTimers([{ kind: 'group', key: 'a', name: 'ttl', dueMs: 5 }])
      await tx.keepEarly([{ kind: 'group', key: 'b', event: '{}', atMs: 1 }], roomy)
      expect(await tx.findConversations([{ kind: 'group', key: 'a' }])).toHaveLength(1)
      expect(await tx.nextTimerDue()).toBe(5)
      expect([await tx.countOpen('group'), await tx.countOpen('flow')]).toEqual([1, 0])
      await tx.saveConversations([change(conversation('over', { endedAtMs: 1 }))])
      expect(await tx.countOpen('group')).toBe(1)
      expect(await find(store, 'a')).toBeUndefined()
      expect(await wordsOf(store, 'a')).toEqual([])
      expect(await store.reader.countOpen()).toEqual([])
      expect([await store.reader.countTimers(), await store.reader.countEarly()]).toEqual([0, 0])
    })

    expect(await wordsOf(store, 'a')).toEqual(['opened'])
    expect([await store.reader.countTimers(), await store.reader.countEarly()]).toEqual([1, 1])
  })

  test('undoes everything of a job that fails, and of it alone', async () => {
    const store = await open()
    const id = { kind: 'group', key: 'a' }
    const timer = { ...id, name: 'ttl' }
    const why = { kind: 'group', why: 'late', type: 'T', count: 1, lastKey: 'a', lastAtMs: 1 }
    const early = { ...id, event: '{}', atMs: 1 }
    await store.write(async (tx) => {
      await tx.saveConversations([change(conversation('a'), 'opened'), change(conversation('old', { endedAtMs: 1 }))])
      await tx.armTimers([{ ...timer, dueMs: 5 }])
      await tx.addWakeups([10])
      await tx.keepEarly([early], roomy)
      await tx.countIgnored([why])
    })

    const failing = store.write(async (tx) => {
      await tx.saveConversations([change(conversation('a', { version: 2, endedAtMs: 3 }), 'ended')])
      await tx.armTimers([{ ...timer, name: 'other', dueMs: 1 }])
      await tx.takeDueTimers(100, 100)
      await tx.removeWakeups(10)
      await tx.addWakeups([20])
      await tx.takeEarly(id, 0)
      await tx.keepEarly([{ ...early, key: 'other' }], roomy)
      await tx.removeWakeup(20)
      await tx.countIgnored([why])
      await tx.removeEnded({ endedAtMs: 100, statuses: ['open'] }, 10)
      throw new Error('no')
    })
    const [failed] = await Promise.allSettled([failing, save(store, conversation('b'))])

    expect(failed.status).toBe('rejected')
    expect(await wordsOf(store, 'a')).toEqual(['opened'])
    expect(await find(store, 'a')).toEqual(conversation('a'))
    expect(await find(store, 'old')).toBeDefined()
    expect(await store.reader.countOpen()).toEqual([{ kind: 'group', count: 2, oldestMs: 1_000 }])
    expect((await store.reader.timersOf(id)).map(({ name, dueMs }) => [name, dueMs])).toEqual([['ttl', 5]])
    expect([await store.reader.countTimers(), await store.reader.countEarly()]).toEqual([1, 1])
    expect(await store.reader.listIgnored()).toEqual([why])
    expect(await store.write((tx) => tx.addWakeups([10, 20]))).toEqual([20])
    expect(await store.write((tx) => tx.takeEarly(id, 0))).toEqual([early])
  })

  test('appends to the history and shows the newest of it, oldest first', async () => {
    const store = await open()
    const at = (version: number) => conversation('a', { version, changedAtMs: version })
    const detailed = { atMs: 9, what: 'e', detail: 'why' }
    await store.write((tx) => tx.saveConversations([change(at(1), 'a', 'b')]))
    await store.write((tx) => tx.saveConversations([change(at(2))]))
    await store.write((tx) => tx.saveConversations([change(at(3), 'c', 'd'), change(conversation('b'), 'x')]))
    await store.write((tx) => tx.saveConversations([{ to: at(4), readVersion: 3, history: [detailed] }]))

    expect(await wordsOf(store, 'a')).toEqual(['a', 'b', 'c', 'd', 'e'])
    expect(await wordsOf(store, 'a', 2)).toEqual(['d', 'e'])
    expect((await store.reader.historyOf({ kind: 'group', key: 'a' }, 1)).at(0)).toEqual(detailed)
    expect(await wordsOf(store, 'unknown')).toEqual([])
  })

  test('counts the open ones by kind, with the time of the oldest', async () => {
    const store = await open()
    const at = (key: string, createdAtMs: number, kind = 'group') => conversation(key, { createdAtMs, kind })
    const over = (key: string) => conversation(key, { version: 2, status: 'success', endedAtMs: 9 })
    await save(store, at('a', 1), at('b', 2), at('c', 3), at('a', 4, 'flow'), conversation('z', { endedAtMs: 1 }))
    const counts = async () => new Map((await store.reader.countOpen()).map(({ kind, ...rest }) => [kind, rest]))

    // The second one conflicts, so the first is undone.
    await expect(save(store, over('a'), at('a', 4, 'flow'), at('a', 4, 'flow'))).rejects.toThrow(VersionConflictError)
    expect(await counts()).toEqual(
      new Map([
        ['group', { count: 3, oldestMs: 1 }],
        ['flow', { count: 1, oldestMs: 4 }],
      ]),
    )
    await save(store, over('a'), { ...over('a'), kind: 'flow' })
    expect(await counts()).toEqual(new Map([['group', { count: 2, oldestMs: 2 }]]))
    await save(store, { ...at('a', 1), version: 3 })
    expect(await counts()).toEqual(new Map([['group', { count: 3, oldestMs: 1 }]]))
  })

  test('forgets the history with its conversation, so that the key begins anew', async () => {
    const store = await open()
    await save(store, conversation('a', { status: 'success', endedAtMs: 1 }), conversation('b'))
    await store.write((tx) => tx.removeEnded({ endedAtMs: 2, statuses: ['success'] }, 10))
    expect(await wordsOf(store, 'a')).toEqual([])

    await store.write((tx) => tx.saveConversations([change(conversation('a'), 'again')]))

    expect(await wordsOf(store, 'a')).toEqual(['again'])
    expect(await wordsOf(store, 'b')).toEqual(['open 1'])
  })
})
