import { expect, test } from 'vitest'
import { VirtualClock } from '../../../../shared/clock.ts'
import type { Held } from '../../../../shared/store/held-messages.ts'
import { MemoryHubStore } from '../../../../shared/store/memory-hub-store.ts'
import { ParkedThreads } from '../parked-threads.ts'

const parked = (id: string, correlationId: string | null = 'thread', rule: string | null = 'r#1'): Held => ({
  ...{ id, correlationId, rule, place: 'ebs.sideline.r.work', queue: 'work', messageId: id, type: null, key: null },
  ...{ tenant: null, reason: 'sideline', error: null, attempts: null, fingerprint: null, firstFailedAtMs: null },
  ...{ heldAtMs: 7, state: 'held', job: null, changedAtMs: 7 },
})

/** What the kernel is told, as `parked thread 7` and `released thread`. */
function rig({ isPolicy = true } = {}) {
  const store = new MemoryHubStore()
  const told: string[] = []
  const threads = new ParkedThreads({
    store,
    clock: new VirtualClock(9),
    isPolicy,
    kernel: {
      onParked: async (_, thread, atMs) => told.push(`parked ${thread} ${atMs}`),
      onReleased: async (_, thread) => told.push(`released ${thread}`),
    },
  })
  const park = (...rows: readonly Held[]) =>
    store.write(async (tx) => {
      await tx.held.addHeld(rows)
      await threads.parked(rows, tx)
    })
  const send = (...ids: readonly string[]) => store.write((tx) => tx.held.moved('j', ids, 'released', 8))
  return { store, threads, told, park, send }
}

test('tells of each thread once that it has messages set aside, and that the last one is on its way back', async () => {
  const { threads, told, park, send } = rig()
  await park(parked('a'), parked('b'), parked('c', 'other'), parked('d', null), parked('dead', 'third', null))

  await send('a')
  await threads.released([parked('a')])
  expect(told).toEqual(['parked thread 7', 'parked other 7'])
  await send('b')
  await threads.released([parked('a'), parked('b'), parked('d', null), parked('dead', 'third', null)])

  expect(told.slice(2)).toEqual(['released thread'])
})

test('a thread of many messages waits for the last of them, however many are on their way back', async () => {
  const { threads, told, park, send } = rig()
  const many = Array.from({ length: 300 }, (_, i) => parked(`m${i}`))
  await park(...many)

  await send(...many.slice(0, 299).map(({ id }) => id))
  await threads.released(many.slice(0, 299))

  expect(told).toEqual(['parked thread 7'])
})

test('a message that is handled lets no thread go of which another is set aside in the same transaction', async () => {
  const { store, threads, told, park, send } = rig()
  await park(parked('a'))
  await send('a')

  await store.write(async (tx) => {
    await tx.held.addHeld([parked('again')])
    await threads.parked([parked('again')], tx)
    await tx.held.settle('a', 'handled', 9)
    await threads.settled(['thread'], tx)
  })

  expect(told).toEqual(['parked thread 7', 'parked thread 7'])
})

test('without the policy nobody is told, but of what stands still since there was one', async () => {
  const { store, threads, told, park, send } = rig({ isPolicy: false })
  await park(parked('a'))
  await send('a')
  await threads.released([parked('a')])
  expect(told).toEqual([])

  const id = { kind: 'group', key: 'g' }
  await store.write(async (tx) => {
    await tx.armTimers([{ ...id, name: 'ttl', dueMs: 100 }])
    await tx.frozen.freeze([id], 9)
  })
  await threads.released([parked('a')])

  expect(told).toEqual(['released thread'])
})
