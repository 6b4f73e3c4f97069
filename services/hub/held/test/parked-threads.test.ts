import { expect, test } from 'vitest'
import { ParkedThreads } from '../parked-threads.ts'
import { heldSite, memory, row, type Site } from './held-fixture.ts'

const PARKING = 'ebs.sideline.r1.process_consume'
const parked = (id: string, thread = 'c1') =>
  row({ id, place: PARKING, rule: 'r1#7', correlationId: thread, heldAtMs: 5 })

/** The kernel's side: what it is told, and when. */
function threadsAt(site: Site, isPolicy = true) {
  const told: string[] = []
  const threads = new ParkedThreads({
    store: site.store,
    clock: site.bus.clock,
    isPolicy,
    kernel: {
      onParked: async (_, thread, atMs) => told.push(`parked ${thread} at ${atMs}`),
      onReleased: async (_, thread) => told.push(`released ${thread}`),
    },
  })
  return { told, threads }
}

test('a thread is set aside with its first message, and free when the last one is on its way', async () => {
  await using site = await heldSite(memory)
  const { told, threads } = threadsAt(site)
  const rows = [parked('a'), parked('b'), parked('c', 'c2'), row({ id: 'dead', correlationId: 'c3' })]
  await site.store.write(async (tx) => {
    await tx.held.addHeld(rows)
    await threads.parked(rows, tx)
  })
  expect(told.splice(0)).toEqual(['parked c1 at 5', 'parked c2 at 5'])
  const move = async (id: string) => {
    await site.store.write(({ held }) => held.moved('j1', [id], 'released', 1))
    await threads.released(rows.filter((one) => one.id === id))
    return told.splice(0)
  }

  expect(await move('a')).toEqual([])
  expect(await move('c')).toEqual(['released c2'])
  expect(await move('b')).toEqual(['released c1'])
  expect(await move('dead')).toEqual([])
})

test('an outcome frees a thread whose hub was killed before it could', async () => {
  await using site = await heldSite(memory)
  const { told, threads } = threadsAt(site)
  await site.store.write(async ({ held }) => {
    await held.addHeld([parked('a'), parked('b', 'c2')])
    await held.moved('j1', ['a'], 'released', 1)
  })

  await site.store.write((tx) => threads.settled(['c1', 'c2'], tx))

  expect(told).toEqual(['released c1'])
})

test('where no deadline stands still nobody is told of anything', async () => {
  await using site = await heldSite(memory)
  const { told, threads } = threadsAt(site, false)
  await site.store.write(async (tx) => {
    await tx.held.addHeld([parked('a')])
    await threads.parked([parked('a')], tx)
    await tx.held.moved('j1', ['a'], 'released', 1)
  })

  await threads.released([parked('a')])

  expect(told).toEqual([])
})
