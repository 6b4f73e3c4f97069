import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ConversationId } from '../conversations.ts'
import type { FailoverHubStore } from '../failover-hub-store.ts'
import { StoreUnavailableError } from '../store.ts'
import { change, conversation } from './conversation-fixture.ts'
import { type Pair, pair } from './failover-fixture.ts'

const KEYS = ['a', 'b', 'c']
const id = (key: string): ConversationId => ({ kind: 'group', key })

/** What became durable, as far as callers know: per conversation how many changes, and which of them may or may not be in. */
class Ledger {
  readonly #counts = new Map<string, number>()

  /** Adds one to the count that a conversation is: a change that was lost, or made twice, shows for ever. */
  async add(store: FailoverHubStore, key: string): Promise<void> {
    try {
      await store.write(async (tx) => {
        const [found] = await tx.findConversations([id(key)])
        const n = Number(found?.state ?? 0) + 1
        const version = (found?.version ?? 0) + 1
        const changed = change(conversation(key, { version, state: String(n) }), `change ${n}`)
        await tx.saveConversations([{ ...changed, readVersion: found?.version ?? 0 }])
        await tx.armTimers([{ ...id(key), name: 'ttl', dueMs: n }])
      })
      this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
    } catch (error) {
      expect(error).toBeInstanceOf(StoreUnavailableError)
    }
  }

  /** Every change that a caller was told of is there once, with its line and its timer. */
  async check(store: FailoverHubStore): Promise<void> {
    for (const key of KEYS) {
      const n = this.#counts.get(key)
      const found = await store.reader.findConversation(id(key))
      expect([key, found?.state]).toEqual([key, n === undefined ? undefined : String(n)])
      const lines = (await store.reader.historyOf(id(key), 1_000)).filter(({ what }) => what.startsWith('change'))
      expect(lines.map(({ what }) => what)).toEqual(Array.from({ length: n ?? 0 }, (_, i) => `change ${i + 1}`))
      expect(await store.reader.timersOf(id(key))).toMatchObject(n === undefined ? [] : [{ name: 'ttl', dueMs: n }])
    }
  }
}

/** Minutes pass between any two looks, so that a store that is back is always tried again. */
function hurriedClock() {
  let nowMs = 0
  return {
    now: () => {
      nowMs += 60_000
      return nowMs
    },
    after: () => () => undefined,
  }
}

type Name = 'primary' | 'secondary'

/** A day on which the primary is full, and comes back; then a store is gone for a while. */
const story = (gone: Name): readonly ((two: Pair) => unknown)[] => [
  () => undefined,
  ({ primary }) => Object.assign(primary, { writes: false }),
  ({ primary }) => Object.assign(primary, { writes: true }),
  (two) => Object.assign(two[gone], { reads: false }),
  (two) => Object.assign(two[gone], { reads: true }),
]

/** Each key is changed before and after every look, by two processes. */
async function live(two: Pair, ledger: Ledger, gone: Name): Promise<void> {
  const clock = hurriedClock()
  const stores = [await two.open({ clock }), await two.open({ clock })] as const
  for (const step of story(gone)) {
    step(two)
    for (const key of KEYS.slice(0, 2)) await ledger.add(stores[1], key)
    await stores[0].tend().catch((error: unknown) => expect(error).toBeInstanceOf(StoreUnavailableError))
    for (const key of KEYS.slice(1)) await ledger.add(stores[0], key)
  }
  await Promise.all(stores.map((store) => store.close()))
}

const healed = async (two: Pair): Promise<FailoverHubStore> => {
  for (const disk of [two.primary, two.secondary]) Object.assign(disk, { writes: true, reads: true, failIn: 0 })
  // A new process: nothing that the old ones remembered helps.
  const store = await two.open()
  await store.tend()
  return store
}

/** One operation of so many fails in each run, another one for each combination of stores. */
const STRIDE = 5

test.each([
  { fails: 'primary', gone: 'primary', from: 1 },
  { fails: 'primary', gone: 'secondary', from: 2 },
  { fails: 'secondary', gone: 'primary', from: 3 },
  { fails: 'secondary', gone: 'secondary', from: 4 },
] as const)(
  'J8: whichever operation of the $fails fails on a day on which the $gone is lost, no change is lost and none is made twice',
  async ({ fails, gone, from }) => {
    for (let failIn = from; ; failIn += STRIDE) {
      const two = pair()
      const ledger = new Ledger()
      two[fails].failIn = failIn

      await live(two, ledger, gone)

      const isBehindTheLast = two[fails].failIn > 0
      const after = await healed(two)
      await ledger.check(after)
      for (const key of KEYS) await ledger.add(after, key)
      await ledger.check(after)
      await after.close()
      if (isBehindTheLast) return
    }
  },
  120_000,
)

type Act = (two: Pair, store: FailoverHubStore, ledger: Ledger) => unknown
const add = fc.constantFrom(...KEYS).map(
  (key): Act =>
    (_, store, ledger) =>
      ledger.add(store, key),
)
const tend = fc.constant<Act>((_, store) => store.tend().catch(() => undefined))
const trouble = fc
  .oneof(
    fc.record({ writes: fc.boolean() }),
    fc.record({ reads: fc.boolean() }),
    fc.record({ failIn: fc.integer({ min: 1, max: 9 }) }),
  )
  .chain((said) =>
    fc.constantFrom('primary' as const, 'secondary' as const).map(
      (name): Act =>
        (two) =>
          Object.assign(two[name], said),
    ),
  )
const act = fc.oneof({ weight: 4, arbitrary: add }, { weight: 2, arbitrary: tend }, { weight: 4, arbitrary: trouble })

test('J8: over any days of two disks and two processes, no change is lost and none is made twice', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(act, fc.boolean()), { maxLength: 30 }), async (days) => {
      const two = pair()
      const ledger = new Ledger()
      const clock = hurriedClock()
      const stores = [await two.open({ clock }), await two.open({ clock })] as const

      for (const [one, isFirst] of days) await one(two, stores[isFirst ? 0 : 1], ledger)
      await Promise.all(stores.map((store) => store.close()))

      const after = await healed(two)
      await ledger.check(after)
      await after.close()
    }),
    { numRuns: 20 },
  )
}, 120_000)
