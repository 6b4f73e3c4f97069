import { describe, expect, test } from 'vitest'
import type { ConversationStore } from '../conversations.ts'
import { conversationStores } from './conversation-fixture.ts'

const timer = (name: string, dueMs = 0, key = 'a', kind = 'group') => ({ kind, key, name, dueMs })
const names = (timers: readonly { readonly name: string }[]) => timers.map(({ name }) => name).join('')

describe.each(conversationStores)('timers in %s', (_, open) => {
  const arm = (store: ConversationStore, ...timers: ReturnType<typeof timer>[]) =>
    store.write((tx) => tx.armTimers(timers))
  const takeDue = (store: ConversationStore, nowMs: number, limit = 100) =>
    store.write((tx) => tx.takeDueTimers(nowMs, limit))
  const tokenOf = async (store: ConversationStore, name: string, key = 'a') =>
    (await store.reader.timersOf({ kind: 'group', key })).find((one) => one.name === name)?.token

  test('H11: gives a timer out when it is due, no earlier, and once', async () => {
    const store = await open()
    await arm(store, timer('x', 100))

    expect(await takeDue(store, 99)).toEqual([])
    expect(await takeDue(store, 100)).toEqual([{ ...timer('x', 100), token: expect.any(Number) }])
    expect(await takeDue(store, 1_000)).toEqual([])
  })

  test('H6: gives out all that are due together, earliest first, then in the order armed, as many as asked for', async () => {
    const store = await open()
    await arm(store, timer('e', 9), timer('c', 5), timer('b', 5), timer('a', 1), timer('f', 10))
    await arm(store, timer('d', 5))

    expect(names(await takeDue(store, 9, 0))).toBe('')
    expect(names(await takeDue(store, 9, 2))).toBe('ac')
    expect(names(await takeDue(store, 9))).toBe('bde')
    expect(await store.write((tx) => tx.nextTimerDue())).toBe(10)
  })

  test.each([
    ['later', 50, 200],
    ['earlier', 200, 50],
    ['to the same time', 100, 100],
  ])('H6: an armed timer that is moved %s fires at its new time only', async (_, beforeMs, afterMs) => {
    const store = await open()
    await arm(store, timer('x', beforeMs))
    await arm(store, timer('x', afterMs))

    expect(await takeDue(store, afterMs - 1)).toEqual([])
    expect(await takeDue(store, 1_000)).toMatchObject([{ name: 'x', dueMs: afterMs }])
    expect(await store.reader.countTimers()).toBe(0)
  })

  test('takes the last when a name is armed twice at once', async () => {
    const store = await open()

    await arm(store, timer('x', 1), timer('x', 2))

    expect(await takeDue(store, 10)).toMatchObject([{ dueMs: 2 }])
  })

  test.each<[string, (store: ConversationStore) => Promise<unknown>]>([
    ['moved', async () => undefined],
    ['fired', (store) => takeDue(store, 100)],
    ['taken', (store) => store.write((tx) => tx.takeTimer(timer('x')))],
    ['cancelled', (store) => store.write((tx) => tx.cancelTimers([timer('x')]))],
    ['cancelled with its conversation', (store) => store.write((tx) => tx.cancelTimersOf([timer('x')]))],
  ])('refuses an act on a timer that was %s and armed again meanwhile', async (_, end) => {
    const store = await open()
    await arm(store, timer('x', 1))
    const before = await tokenOf(store, 'x')
    await end(store)
    await arm(store, timer('x', 1))

    expect(await store.write((tx) => tx.takeTimer(timer('x'), before))).toBeUndefined()
    expect(await store.reader.countTimers()).toBe(1)
    const token = await tokenOf(store, 'x')
    expect(await store.write((tx) => tx.takeTimer(timer('x'), token))).toEqual({ ...timer('x', 1), token })
    expect(await store.write((tx) => tx.takeTimer(timer('x')))).toBeUndefined()
  })

  test('takes a timer before it is due', async () => {
    const store = await open()
    await arm(store, timer('x', 1_000), timer('y', 1_000))

    expect(await store.write((tx) => tx.takeTimer(timer('x')))).toMatchObject({ name: 'x', dueMs: 1_000 })
    expect(names(await takeDue(store, 1_000))).toBe('y')
  })

  test('H6: cancels what is there, and twice is harmless', async () => {
    const store = await open()
    await arm(store, timer('x'), timer('y'), timer('x', 0, 'b'), timer('x', 0, 'a', 'flow'))
    const cancel = () => store.write((tx) => tx.cancelTimers([timer('x'), timer('none'), timer('x')]))

    expect(await cancel()).toBe(1)
    expect(await cancel()).toBe(0)
    expect((await takeDue(store, 0)).map(({ kind, key, name }) => kind + key + name)).toEqual([
      'groupay',
      'groupbx',
      'flowax',
    ])
  })

  test('cancels every timer of some conversations, and of no other', async () => {
    const store = await open()
    await arm(store, timer('x'), timer('y'), timer('z', 0, 'b'), timer('u', 0, 'a', 'flow'), timer('v', 0, 'ab'))

    await store.write((tx) => tx.cancelTimersOf([timer(''), timer('', 0, 'b'), timer('', 0, 'none')]))

    expect(names(await takeDue(store, 0))).toBe('uv')
  })

  test('knows the earliest due time and the number, whatever happens to the timers', async () => {
    const store = await open()
    const known = async () => [await store.write((tx) => tx.nextTimerDue()), await store.reader.countTimers()]

    expect(await known()).toEqual([undefined, 0])
    await arm(store, timer('x', 5), timer('y', 9), timer('z', 9))
    expect(await known()).toEqual([5, 3])
    await arm(store, timer('x', 7))
    expect(await known()).toEqual([7, 3])
    await takeDue(store, 7)
    expect(await known()).toEqual([9, 2])
    await store.write((tx) => tx.takeTimer(timer('y')))
    expect(await known()).toEqual([9, 1])
    await store.write((tx) => tx.cancelTimersOf([timer('')]))
    expect(await known()).toEqual([undefined, 0])
  })

  test.each([
    [{}, 'abcdef'],
    [{ kind: 'group' }, 'abde'],
    [{ kind: 'flow' }, 'cf'],
    [{ kind: 'none' }, ''],
    [{ dueBeforeMs: 5 }, 'a'],
    [{ dueBeforeMs: 6, kind: 'group' }, 'abd'],
  ])('lists those of %o, earliest due first, in pages of any size', async (filter, listed) => {
    const store = await open()
    const of = (name: string, dueMs: number, kind = 'group') => timer(name, dueMs, name, kind)
    await arm(store, of('e', 7), of('b', 5), of('c', 5, 'flow'), of('d', 5), of('a', -1), of('f', 8, 'flow'))

    for (const limit of [1, 2, listed.length || 1, 100]) {
      const pages = [await store.reader.listTimers(filter, { limit })]
      for (let cursor = pages.at(-1)?.next; cursor; cursor = pages.at(-1)?.next)
        pages.push(await store.reader.listTimers(filter, { limit, cursor }))

      expect(pages.map(({ items }) => names(items)).join('')).toBe(listed)
      expect(pages).toHaveLength(Math.max(1, Math.ceil(listed.length / limit)))
    }
  })

  test('goes on behind the last one of a page, whatever fired and was armed meanwhile', async () => {
    const store = await open()
    await arm(store, timer('a', 1), timer('b', 2), timer('c', 3), timer('d', 4))
    const first = await store.reader.listTimers({}, { limit: 2 })
    await takeDue(store, 2)
    await arm(store, timer('e', 0), timer('f', 3))

    const rest = await store.reader.listTimers({}, { limit: 10, cursor: first.next })

    expect([names(first.items), names(rest.items)]).toEqual(['ab', 'cfd'])
  })

  test('lists those of a conversation, earliest due first', async () => {
    const store = await open()
    await arm(store, timer('x', 2), timer('y', 1), timer('z', 0, 'b'), timer('u', 0, 'a', 'flow'))

    expect(names(await store.reader.timersOf({ kind: 'group', key: 'a' }))).toBe('yx')
  })

  test('tells which wake-ups are not on their way yet', async () => {
    const store = await open()
    const add = (...slots: number[]) => store.write((tx) => tx.addWakeups(slots))

    expect(await add(10, 20, 10)).toEqual([10, 20])
    expect(await add(20, 30)).toEqual([30])
    await store.write((tx) => tx.removeWakeups(20))
    expect(await add(10, 20, 21, 30)).toEqual([10, 20, 21])
  })

  test('forgets one wake-up and none that lies before it: the clock may have been set back', async () => {
    const store = await open()
    const add = (...slots: number[]) => store.write((tx) => tx.addWakeups(slots))
    await add(10, 20, 30)

    await store.write((tx) => tx.removeWakeup(20))
    await store.write((tx) => tx.removeWakeup(25))

    expect(await add(10, 20, 30)).toEqual([20])
  })
})
