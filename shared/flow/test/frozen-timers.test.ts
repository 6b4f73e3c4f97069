import fc from 'fast-check'
import { expect, test } from 'vitest'
import { toMessage } from '../../bus/envelope.ts'
import { by, eggId, fired, type Rig, request, send, startKernel, wakeUps } from './kernel-fixture.ts'

const frozenEggs = { frozenWhileParked: new Set(['egg']) }
const thread = 'thread'
/** A slot and the ladder's shortest rung, 10 ms each, and the batch that waits a millisecond for company. */
const LATE_MS_MAX = 22
/** Opens an egg of the thread. */
const openEgg = async (rig: Rig, timers: string, flowId = 'a') => {
  const body = { type: 'FLOW_REQUESTED', flowId, length: 1, mode: 'parallel', requestKey: timers } as const
  const envelope = { id: `opens ${flowId}`, service: 'test', correlationId: thread, atMs: rig.clock.now() }
  await rig.watcher.publish(toMessage(body, envelope))
  await rig.clock.advance(1)
}
const park = (rig: Rig, atMs = rig.clock.now(), of = thread) =>
  rig.store.write((tx) => rig.hub.kernel.onParked(tx, of, atMs))
const release = (rig: Rig, stillParked = 0, atMs = rig.clock.now(), of = thread) =>
  rig.store.write((tx) => rig.hub.kernel.onReleased(tx, of, atMs, stillParked))
const lines = async (rig: Rig) =>
  (await rig.store.reader.historyOf(eggId('a'), 100)).flatMap(({ what, detail }) =>
    what.startsWith('timers') ? [`${what}: ${detail}`] : [],
  )

test('a deadline stands still while a message of its thread is set aside, and comes later by as much', async () => {
  await using rig = await startKernel(frozenEggs)
  await openEgg(rig, 'ttl:1000,late:5000')
  await rig.clock.advance(400)

  expect(await park(rig)).toBe(2)
  await rig.clock.advance(60_000)
  expect(fired(rig)).toEqual([])
  const frozen = await rig.store.reader.frozenTimersOf(eggId('a'))
  expect(frozen.map(({ name, leftMs }) => [name, leftMs])).toEqual([
    ['late', 4_600],
    ['ttl', 600],
  ])
  expect(await release(rig)).toBe(2)
  const dueMs = rig.clock.now() + 600

  await rig.clock.advance(599)
  expect(fired(rig)).toEqual([])
  await rig.clock.advance(1 + LATE_MS_MAX)
  expect(fired(rig)).toEqual(['ttl'])
  expect(Math.max(...rig.lateness)).toBeLessThanOrEqual(LATE_MS_MAX)
  expect(await lines(rig)).toEqual([
    'timers frozen: a message of its thread is set aside; late: 4600 ms left, ttl: 600 ms left',
    `timers go on: late: due ${new Date(dueMs + 4_000).toISOString()}, ttl: due ${new Date(dueMs).toISOString()}`,
  ])
})

test('other kinds, and other threads, go on', async () => {
  await using rig = await startKernel({ frozenWhileParked: new Set(['group']) })
  await openEgg(rig, 'ttl:1000')
  expect(await park(rig)).toBe(0)
  await rig.clock.advance(1_020)
  expect(fired(rig)).toEqual(['ttl'])

  await using frozen = await startKernel(frozenEggs)
  await openEgg(frozen, 'ttl:1000')
  expect(await park(frozen, undefined, 'another thread')).toBe(0)
  await frozen.clock.advance(1_020)
  expect(fired(frozen)).toEqual(['ttl'])
})

test('what is said twice does no harm, and the last message that is let go counts', async () => {
  await using rig = await startKernel(frozenEggs)
  await openEgg(rig, 'ttl:1000')

  expect([await park(rig), await park(rig)]).toEqual([1, 0])
  await rig.clock.advance(500)
  expect(await park(rig)).toBe(0)
  expect(await release(rig, 1)).toBe(0)
  await rig.clock.advance(500)
  expect([await release(rig), await release(rig)]).toEqual([1, 0])
  await rig.clock.advance(999)
  expect(fired(rig)).toEqual([])
  await rig.clock.advance(20)

  expect(fired(rig)).toEqual(['ttl'])
  expect(await lines(rig)).toHaveLength(2)
})

test('what is armed meanwhile runs, what is cancelled is gone, and what is over stays over', async () => {
  await using rig = await startKernel(frozenEggs)
  await openEgg(rig, 'ttl:1000,other:1000,third:1000')
  await park(rig)
  await request(rig, 'a', 'ttl:100,-other')
  await rig.clock.advance(150)
  expect(fired(rig)).toEqual(['ttl'])

  expect((await rig.store.reader.frozenTimersOf(eggId('a'))).map(({ name }) => name)).toEqual(['third'])
  await send(rig, { type: 'FLOW_SUCCEEDED', flowId: 'a', length: 1, mode: 'parallel', durationMs: 1 })
  await rig.clock.advance(10)
  expect(await rig.store.reader.countFrozenTimers()).toBe(0)
  expect(await release(rig)).toBe(0)
  await rig.clock.advance(10_000)

  expect(fired(rig)).toEqual(['ttl'])
  expect(await rig.store.reader.countTimers()).toBe(0)
})

test('a conversation that opens after a message of its thread was set aside waits from the start', async () => {
  await using rig = await startKernel(frozenEggs)
  await park(rig)
  await openEgg(rig, 'ttl:1000')

  await rig.clock.advance(10_000)
  expect(fired(rig)).toEqual([])
  expect(await release(rig)).toBe(1)
  await rig.clock.advance(999)
  expect(fired(rig)).toEqual([])
  await rig.clock.advance(20)

  expect(fired(rig)).toEqual(['ttl'])
  expect(await lines(rig)).toEqual(['timers frozen: messages of its thread are set aside', expect.anything()])
  await openEgg(rig, 'ttl:1000', 'b')
  await rig.clock.advance(1_020)
  expect(fired(rig)).toEqual(['ttl', 'ttl'])
})

test('what fell due before the message was set aside fires', async () => {
  await using rig = await startKernel(frozenEggs)
  await openEgg(rig, 'ttl:1000,late:5000')
  const setAsideMs = rig.clock.now() + 1_000
  await rig.hub.kill()
  await rig.clock.advance(2_000)

  const hub = await rig.start()
  await rig.store.write((tx) => hub.kernel.onParked(tx, thread, setAsideMs))
  await rig.clock.advance(10_000)

  expect(fired(rig)).toEqual(['ttl'])
  expect(await rig.store.reader.frozenTimersOf(eggId('a'))).toMatchObject([{ name: 'late', leftMs: 4_000 }])
  await hub.kill()
})

test('H7: what was set aside before its deadline, while the hub was away, does not fire when the hub comes back', async () => {
  await using rig = await startKernel(frozenEggs)
  await openEgg(rig, 'ttl:1000')
  const setAsideMs = rig.clock.now() + 900
  await rig.hub.kill()
  await rig.clock.advance(3_000)

  // The news lies in the hub's queue before the wake-up.
  await rig.store.write((tx) => rig.hub.kernel.onParked(tx, thread, setAsideMs))
  const hub = await rig.start()
  await rig.clock.advance(10_000)
  expect(fired(rig)).toEqual([])
  await rig.store.write((tx) => hub.kernel.onReleased(tx, thread, rig.clock.now(), 0))
  await rig.clock.advance(120)

  expect(fired(rig)).toEqual(['ttl'])
  await hub.kill()
})

test('no clock that is behind brings a deadline forward', async () => {
  await using rig = await startKernel(frozenEggs)
  await openEgg(rig, 'ttl:1000')
  const dueMs = rig.clock.now() + 1_000
  await park(rig, rig.clock.now() + 500)

  await release(rig, 0, rig.clock.now() - 5_000)

  expect(await rig.store.reader.timersOf(eggId('a'))).toMatchObject([{ name: 'ttl', dueMs }])
})

test('timers that stand still are no operator’s: he is told that there is none', async () => {
  await using rig = await startKernel(frozenEggs)
  await openEgg(rig, 'ttl:1000')
  await park(rig)

  expect(await rig.store.write((tx) => rig.hub.kernel.fire(tx, { ...eggId('a'), name: 'ttl' }, by))).toBe(false)
})

test('when the policy was changed meanwhile, what stands still goes on all the same', async () => {
  await using rig = await startKernel(frozenEggs)
  await openEgg(rig, 'ttl:1000')
  await park(rig)
  await using other = await startKernel()

  const gone = await rig.store.write((tx) => other.hub.kernel.onReleased(tx, thread, rig.clock.now(), 0))

  expect(gone).toBe(1)
  expect(await rig.store.reader.countTimers()).toBe(1)
})

const step = fc.oneof(
  fc.record({ waitMs: fc.integer({ min: 1, max: 400 }) }),
  fc.record({ park: fc.integer({ min: 0, max: 2 }) }),
  fc.record({ release: fc.integer({ min: 0, max: 2 }) }),
)

test('a deadline is later by exactly the time in which any message of its thread was set aside', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      await using rig = await startKernel(frozenEggs)
      const ttlMs = 1_000
      await openEgg(rig, `ttl:${ttlMs}`)
      const setAside = new Set<number>()
      let ranMs = 0
      const hasFired = () => fired(rig).length === 1

      for (const one of steps) {
        if ('waitMs' in one) {
          if (setAside.size === 0) ranMs += one.waitMs
          await rig.clock.advance(one.waitMs)
          if (ranMs < ttlMs) expect(hasFired()).toBe(false)
          if (ranMs >= ttlMs + LATE_MS_MAX) expect(hasFired()).toBe(true)
          if (ranMs >= ttlMs) return
        } else if ('park' in one) {
          setAside.add(one.park)
          await park(rig)
        } else if (setAside.delete(one.release)) await release(rig, setAside.size)
      }
      if (setAside.size > 0) await release(rig)

      const [timer] = await rig.store.reader.timersOf(eggId('a'))
      expect(timer?.dueMs).toBe(rig.clock.now() + ttlMs - ranMs)
      expect(wakeUps(rig)).toBeLessThanOrEqual(steps.length + 2)
      await rig.clock.advance(ttlMs - ranMs + LATE_MS_MAX)
      expect(fired(rig)).toEqual(['ttl'])
    }),
    { numRuns: 60 },
  )
})
