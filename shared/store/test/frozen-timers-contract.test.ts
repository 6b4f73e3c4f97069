import { describe, expect, test } from 'vitest'
import type { ConversationStore } from '../conversations.ts'
import { change, conversation, conversationStores, save } from './conversation-fixture.ts'

const id = (key: string, kind = 'group') => ({ kind, key })
const timer = (name: string, dueMs: number, key = 'a', kind = 'group') => ({ kind, key, name, dueMs })
const frozen = (name: string, leftMs: number, sinceMs: number, key = 'a') => ({ ...id(key), name, leftMs, sinceMs })

describe.each(conversationStores)('timers that stand still in %s', (_, open) => {
  const arm = (store: ConversationStore, ...timers: ReturnType<typeof timer>[]) =>
    store.write((tx) => tx.armTimers(timers))
  const freeze = (store: ConversationStore, atMs: number, ...keys: string[]) =>
    store.write((tx) =>
      tx.frozen.freeze(
        keys.map((key) => id(key)),
        atMs,
      ),
    )
  const dueNames = async (store: ConversationStore) =>
    (await store.write((tx) => tx.takeDueTimers(1_000_000, 100))).map(({ key, name }) => key + name)
  const counts = async ({ reader }: ConversationStore) => [await reader.countTimers(), await reader.countFrozenTimers()]

  test('keep what is left of them, and do not fall due', async () => {
    const store = await open()
    await arm(store, timer('y', 150), timer('x', 1_000), timer('z', 200, 'b'), timer('u', 200, 'a', 'flow'))

    expect(await freeze(store, 100, 'a', 'none')).toEqual([frozen('x', 900, 100), frozen('y', 50, 100)])

    expect(await store.reader.frozenTimersOf(id('a'))).toEqual([frozen('x', 900, 100), frozen('y', 50, 100)])
    expect(await store.reader.timersOf(id('a'))).toEqual([])
    expect((await store.reader.listTimers({}, { limit: 10 })).items).toHaveLength(2)
    expect(await counts(store)).toEqual([2, 2])
    expect(await store.write((tx) => tx.nextTimerDue())).toBe(200)
    expect(await dueNames(store)).toEqual(['bz', 'au'])
    expect(await store.write((tx) => tx.takeTimer(timer('x', 0)))).toBeUndefined()
  })

  test.each([
    [99, []],
    [100, []],
    [101, ['x']],
  ])('one that was due at %i when a message was set aside at 100 is not stopped', async (dueMs, stopped) => {
    const store = await open()
    await arm(store, timer('x', dueMs))

    expect((await freeze(store, 100, 'a')).map(({ name }) => name)).toEqual(stopped)
    expect(await counts(store)).toEqual([1 - stopped.length, stopped.length])
  })

  test('stay as they are when they are stopped again', async () => {
    const store = await open()
    await arm(store, timer('x', 1_000))
    await freeze(store, 100, 'a')

    expect(await freeze(store, 200, 'a', 'a')).toEqual([])
    expect(await store.reader.frozenTimersOf(id('a'))).toEqual([frozen('x', 900, 100)])
  })

  test('are given out once', async () => {
    const store = await open()
    await arm(store, timer('y', 1_000), timer('x', 1_000), timer('z', 1_000, 'b'))
    await freeze(store, 100, 'a', 'b')
    const take = () => store.write((tx) => tx.frozen.take([id('a'), id('none')]))

    expect(await take()).toEqual([frozen('x', 900, 100), frozen('y', 900, 100)])
    expect(await take()).toEqual([])
    expect(await counts(store)).toEqual([0, 1])
  })

  test.each<[string, (store: ConversationStore) => Promise<unknown>, number]>([
    ['armed again', (store) => arm(store, timer('x', 2_000)), 1],
    ['cancelled', (store) => store.write((tx) => tx.cancelTimers([timer('x', 0), timer('x', 0)])), 0],
    ['cancelled with its conversation', (store) => store.write((tx) => tx.cancelTimersOf([id('a')])), 0],
  ])('one that is %s leaves no trace', async (_, end, armed) => {
    const store = await open()
    await arm(store, timer('x', 1_000), timer('x', 1_000, 'b'))
    await freeze(store, 100, 'a', 'b')

    const ended = await end(store)

    if (typeof ended === 'number') expect(ended).toBe(1)
    expect(await store.reader.frozenTimersOf(id('a'))).toEqual([])
    expect(await counts(store)).toEqual([armed, 1])
    expect(await dueNames(store)).toEqual(armed ? ['ax'] : [])
  })

  test('belong to conversations that are found by their thread while they go on', async () => {
    const store = await open()
    const of = (correlationId: string, kinds?: readonly string[]) =>
      store.write((tx) => tx.frozen.findOpenOf(correlationId, kinds))
    await save(
      store,
      conversation('b', { correlationId: 'x' }),
      conversation('a', { correlationId: 'x' }),
      conversation('a', { correlationId: 'x', kind: 'flow' }),
      conversation('c', { correlationId: 'y' }),
      conversation('d', { correlationId: 'x', endedAtMs: 5 }),
    )

    expect(await of('x')).toEqual([id('a', 'flow'), id('b'), id('a')])
    expect(await of('x', ['group'])).toEqual([id('b'), id('a')])
    expect(await of('x', [])).toEqual([])
    expect(await of('none')).toEqual([])
    await save(store, conversation('b', { correlationId: 'x', version: 2, endedAtMs: 9 }))
    await save(store, conversation('a', { correlationId: 'y', version: 2 }))
    expect(await of('x')).toEqual([id('a', 'flow')])
    expect(await of('y')).toEqual([id('a'), id('c')])
  })

  test('wait for threads, each noted once and forgotten once', async () => {
    const store = await open()
    const isParked = (thread: string) => store.write((tx) => tx.frozen.isParked(thread))
    const forget = () => store.write((tx) => tx.frozen.forgetParked('x'))
    await store.write(async (tx) => {
      await tx.frozen.noteParked('x', 1)
      await tx.frozen.noteParked('x', 2)
    })

    expect([await isParked('x'), await isParked('y')]).toEqual([true, false])
    expect([await forget(), await forget()]).toEqual([true, false])
    expect(await isParked('x')).toBe(false)
  })

  test('leave no trace of a job that throws', async () => {
    const store = await open()
    await arm(store, timer('x', 1_000))

    const failing = store.write(async (tx) => {
      await tx.saveConversations([change(conversation('a', { correlationId: 'x' }))])
      await tx.frozen.freeze([id('a')], 100)
      await tx.frozen.noteParked('x', 100)
      throw new Error('no')
    })

    await expect(failing).rejects.toThrow('no')
    expect(await counts(store)).toEqual([1, 0])
    expect(await store.write((tx) => tx.frozen.isParked('x'))).toBe(false)
  })
})
