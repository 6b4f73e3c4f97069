import { describe, expect, test } from 'vitest'
import type { HeldState } from '../held-messages.ts'
import type { HubStore } from '../hub-store.ts'
import { add, broughtTo, content, dead, hubStores, parked } from './held-fixture.ts'

const states: HeldState[] = [
  ...(['held', 'chosen', 'released', 'handled', 'dead', 'parked', 'discarded', 'archived', 'gone'] as const),
]

describe.each(hubStores)('the catalogue of held messages in %s', (_, open) => {
  const stateOf = async (store: HubStore, id: string) => (await store.held.findHeld(id))?.state

  test('keeps what it is told of a message', async () => {
    const store = await open()
    const rows = [dead('a'), parked('b'), dead('c', { place: 'ebs.unrouted', queue: null, type: null, tenant: null })]

    expect(await add(store, ...rows)).toEqual(['a', 'b', 'c'])

    for (const row of rows) expect(await store.held.findHeld(row.id)).toEqual(row)
    expect(await store.held.findHeld('none')).toBeUndefined()
    expect(await store.write((tx) => tx.held.findHeld(['c', 'none', 'a', 'c']))).toHaveLength(2)
  })

  test('finds what has an id, has it as its message id, or is about it: newest first, as many as asked for', async () => {
    const store = await open()
    const about = (id: string, heldAtMs: number) => dead(id, { subject: 'task', heldAtMs })
    await add(store, about('a', 1), parked('b', { messageId: 'task', heldAtMs: 2 }), about('c', 3), dead('d'))
    await add(store, dead('task', { messageId: 'task', subject: 'task', heldAtMs: 4 }))
    await broughtTo.discarded(store, 'c')
    const ids = async (id: string, limit: number) => (await store.held.heldAbout(id, limit)).map((held) => held.id)

    expect(await ids('task', 10)).toEqual(['task', 'c', 'b', 'a'])
    expect(await ids('task', 2)).toEqual(['task', 'c'])
    expect(await ids('d', 1)).toEqual(['d'])
    expect(await ids('none', 1)).toEqual([])
    expect(await store.held.heldAbout('a', 1)).toEqual([about('a', 1)])
  })

  test('leaves a row that is there as it is, whatever is told later', async () => {
    const store = await open()
    await add(store, dead('a'))
    await broughtTo.released(store, 'a')

    expect(await add(store, dead('a', { reason: 'other' }), dead('b'), dead('b'))).toEqual(['b'])

    expect(await store.held.findHeld('a')).toMatchObject({ reason: 'exhausted', state: 'released', job: 'j' })
  })

  test('chooses what is held, for one job, once', async () => {
    const store = await open()
    await add(store, dead('a'), dead('b'))

    expect(await store.write((tx) => tx.held.choose('j', ['a', 'none', 'a'], 7))).toBe(1)
    expect(await store.write((tx) => tx.held.choose('k', ['a', 'b'], 8))).toBe(1)

    expect(await store.held.findHeld('a')).toMatchObject({ state: 'chosen', job: 'j', changedAtMs: 7 })
    expect(await store.write((tx) => tx.held.chosenOf('j', ['a', 'b', 'none']))).toEqual(new Set(['a']))
    expect(await store.write((tx) => tx.held.chosenOf('k', []))).toEqual(new Set())
  })

  test('gives back what a job has not moved, as many as asked for', async () => {
    const store = await open()
    await add(store, ...['a', 'b', 'c', 'd'].map((id) => dead(id)))
    await store.write((tx) => tx.held.choose('j', ['a', 'b', 'c'], 7))
    await store.write((tx) => tx.held.choose('k', ['d'], 7))
    await store.write((tx) => tx.held.moved('j', ['c'], 'released', 8))

    expect(await store.write((tx) => tx.held.unchoose('j', 9, 1))).toBe(1)
    expect(await store.write((tx) => tx.held.unchoose('j', 9))).toBe(1)
    expect(await store.write((tx) => tx.held.unchoose('j', 9))).toBe(0)

    for (const id of ['a', 'b'])
      expect(await store.held.findHeld(id)).toMatchObject({ state: 'held', job: null, changedAtMs: 9 })
    expect(await stateOf(store, 'c')).toBe('released')
    expect(await stateOf(store, 'd')).toBe('chosen')
  })

  test.each(states)('what is %s is moved if it lay somewhere, and else stays as it is', async (state) => {
    const store = await open()
    await add(store, dead('a'))
    await broughtTo[state](store, 'a')
    const before = await store.held.findHeld('a')

    await store.write((tx) => tx.held.moved('k', ['a', 'none'], 'discarded', 9))

    const isMoved = ['held', 'chosen', 'gone'].includes(state)
    const after = { state: 'discarded', job: 'k', changedAtMs: 9 }
    expect(await store.held.findHeld('a')).toEqual(isMoved ? { ...before, ...after } : before)
  })

  test.each(states)('the outcome of what is %s counts if it is on its way, once', async (state) => {
    const store = await open()
    await add(store, dead('a'))
    await broughtTo[state](store, 'a')
    const settle = () => store.write((tx) => tx.held.settle('a', 'handled', 9))

    expect(await settle()).toBe(state === 'released')
    expect(await settle()).toBe(false)

    expect(await stateOf(store, 'a')).toBe(state === 'released' ? 'handled' : state)
  })

  test.each(states)('a failure of what is %s is noted if it is on its way, once, with its error', async (state) => {
    const store = await open()
    await add(store, dead('a', { error: 'first' }))
    await broughtTo[state](store, 'a')
    const fail = (error: string) => store.write((tx) => tx.held.noteFailing('a', error, 9))

    expect(await fail('again')).toBe(state === 'released')
    expect(await fail('and again')).toBe(false)

    const error = state === 'released' ? 'again' : 'first'
    expect(await store.held.findHeld('a')).toMatchObject({ state, error })
  })

  test('what failed and comes to an outcome has it', async () => {
    const store = await open()
    await add(store, dead('a'))
    await broughtTo.released(store, 'a')
    await store.write((tx) => tx.held.noteFailing('a', 'no', 9))

    expect(await store.write((tx) => tx.held.settle('a', 'dead', 10))).toBe(true)
    expect(await store.held.findHeld('a')).toMatchObject({ state: 'dead', changedAtMs: 10 })
  })

  test('counts what a job has moved of a place, whatever became of it, and its rows by state', async () => {
    const store = await open()
    const moved = ['released', 'handled', 'dead', 'parked', 'discarded', 'archived'] as const
    await add(store, ...moved.map((state) => dead(state)), dead('chosen'), dead('elsewhere', { place: 'other.dead' }))
    for (const state of [...moved, 'chosen'] as const) await broughtTo[state](store, state)
    await broughtTo.released(store, 'elsewhere')

    expect(await store.write((tx) => tx.held.countMoved('j', 'work.dead'))).toBe(6)
    expect(await store.write((tx) => tx.held.countMoved('j', 'other.dead'))).toBe(1)
    expect(await store.write((tx) => tx.held.countMoved('k', 'work.dead'))).toBe(0)
    const counts = Object.fromEntries((await store.held.countOfJob('j')).map(({ state, count }) => [state, count]))
    expect(counts).toEqual({
      ...{ chosen: 1, released: 2, handled: 1, dead: 1, parked: 1, discarded: 1, archived: 1 },
    })
    expect(await store.held.countOfJob('none')).toEqual([])
  })

  test('what was not seen in its place any more is gone, and held again when it is seen', async () => {
    const store = await open()
    const lying = ['seen', 'unseen', 'chosen', 'late'].map((id) => dead(id))
    await add(store, ...lying, dead('sent'), dead('elsewhere', { place: 'other.dead' }))
    await broughtTo.chosen(store, 'chosen')
    await broughtTo.released(store, 'sent')
    await store.write((tx) => tx.held.markSeen('work.dead', ['seen', 'none', 'elsewhere', 'sent'], 5_000))
    await add(store, dead('fresh', { changedAtMs: 5_000 }))

    expect(await store.write((tx) => tx.held.markGone('work.dead', 5_000, 2))).toBe(2)
    expect(await store.write((tx) => tx.held.markGone('work.dead', 5_000, 2))).toBe(1)
    await store.write((tx) => tx.held.markSeen('other.dead', ['late'], 6_000))
    expect(await stateOf(store, 'late')).toBe('gone')
    await store.write((tx) => tx.held.markSeen('work.dead', ['late', 'chosen'], 6_000))

    const found = ['seen', 'unseen', 'chosen', 'late', 'sent', 'elsewhere', 'fresh']
    expect(await Promise.all(found.map((id) => stateOf(store, id)))).toEqual([
      ...['held', 'gone', 'held', 'held', 'released', 'held', 'held'],
    ])
    expect(await store.held.findHeld('chosen')).toMatchObject({ job: null, changedAtMs: 6_000 })
    expect(await store.write((tx) => tx.held.markGone('work.dead', 5_000))).toBe(0)
  })

  test.each(states)('a thread is parked while a message that a rule has set aside lies there: %s', async (state) => {
    const store = await open()
    const isParked = (thread: string) => store.write((tx) => tx.held.isParked(thread))
    await add(store, parked('a', { correlationId: 'x' }), parked('b', { correlationId: 'x' }), dead('c'))
    await broughtTo.handled(store, 'b')
    await broughtTo[state](store, 'a')

    expect(await isParked('x')).toBe(state === 'held' || state === 'chosen')
    expect([await isParked('thread'), await isParked('none')]).toEqual([false, false])
  })

  test('keeps contents, and an edited one against what the queue holds', async () => {
    const store = await open()
    const keep = (...contents: ReturnType<typeof content>[]) => store.write((tx) => tx.held.keepContents(contents))
    await add(store, dead('a'), dead('b'))
    await keep(content('a', 'first'), content('b', 'first'))
    await keep(content('a', 'second'))

    expect(await store.held.findContent('a')).toEqual(content('a', 'second'))
    await keep(content('a', 'mine', 'ann: typo'))
    await keep(content('a', 'third'), content('b', 'third'))
    expect(await store.held.findContent('a')).toEqual(content('a', 'mine', 'ann: typo'))
    await keep(content('a', 'ours', 'bob: better'))

    const found = await store.write((tx) => tx.held.findContents(['b', 'none', 'a']))
    expect([...found].sort((a, b) => (a.id < b.id ? -1 : 1))).toEqual([
      content('a', 'ours', 'bob: better'),
      content('b', 'third'),
    ])
    expect(await store.held.findContent('none')).toBeUndefined()
  })

  test.each(states)('what is %s for long is forgotten when nothing more will come of it', async (state) => {
    const store = await open()
    await add(store, dead('a'))
    await store.write((tx) => tx.held.keepContents([content('a')]))
    await broughtTo[state](store, 'a')
    const prune = (beforeMs: number) => store.write((tx) => tx.held.removeSettled(beforeMs, 100))
    const isFinal = !['held', 'chosen', 'released'].includes(state)

    expect(await prune(2_000)).toBe(0)
    expect(await prune(2_001)).toBe(isFinal ? 1 : 0)

    expect((await store.held.findHeld('a')) === undefined).toBe(isFinal)
    expect((await store.held.findContent('a')) === undefined).toBe(isFinal)
    expect(await prune(Number.MAX_SAFE_INTEGER)).toBe(0)
  })

  test('forgets what was settled first of all, some 10 ms of work at a time, until nothing is left', async () => {
    const store = await open()
    const ids = Array.from({ length: 12 }, (_, i) => `m${i}`)
    await add(store, ...ids.map((id) => dead(id)))
    for (const [i, id] of ids.entries()) await store.write((tx) => tx.held.moved('j', [id], 'discarded', 3_000 - i))
    await store.write((tx) => tx.held.keepContents(ids.map((id) => content(id, 'x'.repeat(1_048_576)))))
    const prune = () => store.write((tx) => tx.held.removeSettled(5_000, 10))

    const first = await prune()

    expect(first).toBeGreaterThan(0)
    expect(first).toBeLessThan(10)
    expect(await store.held.findHeld('m11')).toBeUndefined()
    expect(await stateOf(store, 'm0')).toBe('discarded')
    let removed = first
    for (let slice = await prune(); slice > 0; slice = await prune()) removed += slice
    expect(removed).toBe(12)
    expect(await store.held.listHeld({}, { limit: 1 })).toEqual({ items: [], next: undefined })
    await add(store, dead('m0'))
    expect(await store.held.countByPlace()).toEqual([{ place: 'work.dead', count: 1 }])
  })

  test('a job that throws leaves no trace', async () => {
    const store = await open()
    await add(store, dead('a'))

    const failing = store.write(async (tx) => {
      await tx.held.addHeld([dead('b')])
      await tx.held.moved('j', ['a'], 'discarded', 9)
      throw new Error('no')
    })

    await expect(failing).rejects.toThrow('no')
    expect(await stateOf(store, 'a')).toBe('held')
    expect(await stateOf(store, 'b')).toBeUndefined()
    expect(await store.held.countByPlace()).toEqual([{ place: 'work.dead', count: 1 }])
  })

  test('shares a transaction with conversations', async () => {
    const store = await open()
    const id = { kind: 'group', key: 'a' }

    await store.write(async (tx) => {
      await tx.held.addHeld([dead('a')])
      await tx.armTimers([{ ...id, name: 'ttl', dueMs: 5 }])
      expect(await tx.held.findHeld(['a'])).toEqual([dead('a')])
    })

    expect([await store.reader.countTimers(), await stateOf(store, 'a')]).toEqual([1, 'held'])
  })
})
