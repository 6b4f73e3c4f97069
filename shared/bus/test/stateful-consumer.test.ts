import { describe, expect, test } from 'vitest'
import { MemoryStore } from '../../store/memory-store.ts'
import type { Received } from '../broker.ts'
import { deriveId } from '../ids.ts'
import { Unrecoverable } from '../retry.ts'
import {
  eventually,
  finishedBody,
  latch,
  listen,
  objectBody,
  pasteInto,
  retryPolicy,
  sites,
  taskBody,
  testPlan,
  typesOf,
  virtualSite,
} from './bus-fixture.ts'
import { failingStore, numberOf, startService } from './stateful-fixture.ts'

const task = (n: number, messageId = `m${n}`) => pasteInto('work', taskBody(n), { messageId })
const finished = (heard: readonly Received[]) =>
  heard
    .filter(({ properties }) => properties.type === 'TASK_FINISHED')
    .map(({ body }) => JSON.parse(body.toString()).taskId)
    .toSorted()

describe.each(sites)('stateful loop, $site', ({ open }) => {
  test('D3: one effect, however often the message comes: in one batch, in two, after a restart', async () => {
    await using site = await open(testPlan(false))
    const broker = site.connect()
    const heard = await listen(broker, 'watch')
    const store = new MemoryStore()
    for (const n of [1, 2, 1]) await broker.publish(task(n))
    const first = await startService(site, store)
    await eventually(() => expect(finished(heard)).toEqual(['t1', 't2']))
    await broker.publish(task(2))
    await eventually(() => expect(first.lines.filter((line) => line === 'duplicate work')).toHaveLength(2))
    await first.loop.stop(1_000)
    await first.relay.stop()
    await first.connection.close()

    const second = await startService(site, store)
    for (const n of [1, 2, 3]) await broker.publish(task(n))
    await eventually(() => expect(finished(heard)).toEqual(['t1', 't2', 't3']))
    await second.loop.stop(1_000)
    await second.connection.close()

    expect([...first.batches, ...second.batches].flat().toSorted()).toEqual([1, 2, 3])
    expect(second.lines.filter((line) => line === 'duplicate work')).toHaveLength(2)
    expect(await broker.inspect('work')).toEqual({ messages: 0, consumers: 0 })
    expect(store.countPending()).toBe(0)
  })

  test('R2: a message that fails is undone alone and comes back; the others of its batch are done', async () => {
    await using site = await open()
    const broker = site.connect()
    const heard = await listen(broker, 'watch')
    for (const n of [1, 2, 3]) await broker.publish(task(n))
    const attempts: number[] = []
    const { lines, loop } = await startService(site, new MemoryStore(), {
      retry: retryPolicy({ minMs: 50 }),
      check: (arrived) => {
        if (numberOf(arrived) !== 2) return
        attempts.push(arrived.meta.attempt)
        if (arrived.meta.attempt < 3) throw new Error('not yet')
      },
    })
    await eventually(() => expect(finished(heard)).toEqual(['t1', 't2', 't3']))
    await loop.stop(1_000)

    expect(new Set(attempts)).toEqual(new Set([1, 2, 3]))
    expect(lines.filter((line) => line === 'retried work')).toHaveLength(2)
    expect(await broker.inspect('work.dead')).toMatchObject({ messages: 0 })
    expect(typesOf(heard)).toHaveLength(3)
  })

  test('D1: acked only when all that follows is confirmed; a duplicate waits for it too', async () => {
    await using site = await open(testPlan(false))
    const broker = site.connect()
    const heard = await listen(broker, 'watch')
    const store = new MemoryStore()
    const confirm = latch()
    const first = await startService(site, store, { gate: () => confirm.opened })
    await broker.publish(task(1))
    await eventually(() => expect(store.countPending()).toBe(1))
    await broker.publish(task(1))
    await eventually(() => expect(first.lines).toContain('consumed work'))
    await first.connection.close(0)

    const second = await startService(site, store)
    await eventually(() => expect(second.lines.filter((line) => line === 'duplicate work')).toHaveLength(2))
    await second.loop.stop(1_000)
    await second.connection.close()
    confirm.open()

    expect(second.batches).toEqual([])
    expect(finished(heard)).toEqual(['t1'])
    expect(await broker.inspect('work')).toMatchObject({ messages: 0 })
  })

  test('D3: what follows has an id from its cause and place, whoever shares the batch', async () => {
    await using site = await open(testPlan(false))
    const broker = site.connect()
    const heard = await listen(broker, 'watch')
    const twice = (store: MemoryStore) =>
      startService(site, store, {
        handle: (arrived) =>
          [0, 1].flatMap((round) =>
            arrived.map((cause) => ({ cause, body: { ...finishedBody(numberOf(cause)), result: `${round}` } })),
          ),
      })
    for (const n of [1, 2]) await broker.publish(task(n))
    const together = await twice(new MemoryStore())
    await eventually(() => expect(heard).toHaveLength(4))
    await together.loop.stop(1_000)
    // As if its transaction had been lost: another store knows nothing of the message.
    await twice(new MemoryStore())
    await broker.publish(task(2))
    await eventually(() => expect(heard).toHaveLength(6))

    const idOf = (n: number, position: number) =>
      deriveId({ cause: `m${n}`, queue: 'work', type: 'TASK_FINISHED', position })
    const ids = heard.map(({ properties }) => properties.messageId)
    expect(new Set(ids)).toEqual(new Set([idOf(1, 0), idOf(1, 1), idOf(2, 0), idOf(2, 1)]))
    expect(ids.slice(4)).toEqual([idOf(2, 0), idOf(2, 1)])
    expect(heard[0]?.properties).toMatchObject({ correlationId: 'm1', headers: { 'x-ebs-causation': 'm1' } })
  })

  test('D5: poison in a batch dies alone; strangers are taken where strangers are taken', async () => {
    await using site = await open(testPlan(false))
    const broker = site.connect()
    const [heard, dead] = [await listen(broker, 'watch'), await listen(broker, 'work.dead')]
    const strange: string[] = []
    const bodies = ['not json', '{"type":"NOBODY_KNOWS"}', JSON.stringify(objectBody(1)), JSON.stringify(taskBody(1))]
    for (const body of bodies) await broker.publish(pasteInto('work', Buffer.from(body)))
    const { lines, loop } = await startService(site, new MemoryStore(), {
      takesStrangers: true,
      handle: (arrived) => {
        for (const one of arrived) if ('stranger' in one) strange.push(one.stranger)
        return arrived.filter((one) => 'data' in one).map((cause) => ({ cause, body: finishedBody(numberOf(cause)) }))
      },
    })
    await eventually(() => expect(typesOf(heard).toSorted()).toEqual(['MESSAGE_DEAD', 'MESSAGE_DEAD', 'TASK_FINISHED']))
    await loop.stop(1_000)

    expect(strange).toEqual(['NOBODY_KNOWS'])
    expect(lines.filter((line) => line === 'dead work poison')).toHaveLength(2)
    await eventually(() => expect(dead).toHaveLength(2))
    expect(await broker.inspect('work')).toMatchObject({ messages: 0 })
  })
})

describe('stateful loop by the clock', () => {
  test('many deliveries share one transaction', async () => {
    const { clock, memory, site } = virtualSite()
    await using _ = site
    const broker = site.connect()
    const store = new MemoryStore()
    const counting = failingStore(store, 0)
    for (let n = 1; n <= 50; n++) await broker.publish(task(n))
    const { batches } = await startService(site, store, { store: counting })
    await clock.advance(5)
    await eventually(() => expect(memory.depth('work')).toBe(0))

    expect(counting.writes).toBe(1)
    expect(batches).toEqual([Array.from({ length: 50 }, (__, i) => i + 1)])
  })

  test('while the store is out of order deliveries are held: nothing acked, no attempt burnt, tried each second', async () => {
    const { clock, memory, site } = virtualSite()
    await using _ = site
    const broker = site.connect()
    const store = new MemoryStore()
    const broken = failingStore(store, 3)
    for (const n of [1, 2]) await broker.publish(task(n))
    const { batches, lines } = await startService(site, store, { store: broken, retry: retryPolicy({ policy: 'never' }) })

    await clock.advance(2_500)
    expect([memory.depth('work'), broken.writes, batches]).toEqual([2, 3, []])
    await clock.advance(1_000)
    await eventually(() => expect(memory.depth('work')).toBe(0))

    expect(batches).toEqual([[1, 2]])
    expect(lines.filter((line) => /retried|dead|duplicate/.test(line))).toEqual([])
    expect(lines.filter((line) => line === 'consumed work')).toHaveLength(2)
  })

  test('D6: stop while the store is out of order gives everything back', async () => {
    const { clock, memory, site } = virtualSite()
    await using _ = site
    const broker = site.connect()
    const store = new MemoryStore()
    for (const n of [1, 2]) await broker.publish(task(n))
    const { loop } = await startService(site, store, { store: failingStore(store, 99) })
    await clock.advance(500)

    const stopping = loop.stop(10_000)
    await clock.advance(10_000)
    await stopping
    const again = await listen(broker, 'work')
    await eventually(() => expect(again).toHaveLength(2))

    expect(memory.depth('work')).toBe(0)
  })

  test('what cannot be relayed is no failure of its message: it is stored, waits and is never dead', async () => {
    const { clock, memory, site } = virtualSite()
    await using _ = site
    const broker = site.connect()
    const store = new MemoryStore()
    let refusals = 3
    await broker.publish(task(1))
    const { batches, lines, relay } = await startService(site, store, {
      retry: retryPolicy({ policy: 'never' }),
      relayed: () => (refusals-- > 0 ? Promise.reject(new Error('the relay broke')) : relay.flushed()),
    })
    await clock.advance(60_000)
    await eventually(() => expect(memory.depth('work')).toBe(0))

    expect(batches).toEqual([[1]])
    expect(lines.filter((line) => /retried|dead/.test(line))).toEqual([])
    expect(memory.depth('work.dead')).toBe(0)
  })

  test.each([
    { policy: 'never', retries: 25, attempts: 1 },
    { policy: 'linear', retries: 2, attempts: 3 },
    { policy: 'exponential', retries: 1, attempts: 2 },
    { policy: 'immediate', retries: 3, attempts: 4 },
  ] as const)('R1: $policy, $retries retries: $attempts attempts, then once dead', async ({ attempts, ...policy }) => {
    const { clock, memory, site } = virtualSite()
    await using _ = site
    const broker = site.connect()
    const heard = await listen(broker, 'watch')
    const seen: number[] = []
    await broker.publish(task(1))
    await startService(site, new MemoryStore(), {
      retry: retryPolicy(policy),
      check: ({ meta }) => {
        seen.push(meta.attempt)
        throw new Error('no')
      },
    })
    await clock.advance(600_000)

    expect(seen).toEqual(Array.from({ length: attempts }, (__, i) => i + 1))
    expect(typesOf(heard)).toEqual(['MESSAGE_DEAD'])
    expect([memory.depth('work'), memory.depth('work.dead')]).toEqual([0, 1])
  })

  test('R3: the unrecoverable one of a batch is dead at once, the others are done', async () => {
    const { clock, memory, site } = virtualSite()
    await using _ = site
    const broker = site.connect()
    const heard = await listen(broker, 'watch')
    for (const n of [1, 2, 3]) await broker.publish(task(n))
    await startService(site, new MemoryStore(), {
      check: (arrived) => {
        if (numberOf(arrived) === 2) throw new Unrecoverable('never')
      },
    })
    await clock.advance(100)
    await eventually(() => expect(heard).toHaveLength(3))

    expect(finished(heard)).toEqual(['t1', 't3'])
    expect([memory.depth('work'), memory.depth('work.dead')]).toEqual([0, 1])
  })

  test('D9: what a decoder ignores is acked and counted, what it stumbles over is dead', async () => {
    const { clock, memory, site } = virtualSite()
    await using _ = site
    const broker = site.connect()
    for (const n of [1, 2, 3]) await broker.publish(task(n))
    const { lines } = await startService(site, new MemoryStore(), {
      decode: ({ properties }) => {
        if (properties.messageId === 'm2') throw new TypeError('the decoder has a bug')
        return undefined
      },
    })
    await clock.advance(100)

    expect(lines.filter((line) => line === 'ignored work')).toHaveLength(2)
    expect([memory.depth('work'), memory.depth('work.dead')]).toEqual([0, 1])
  })
})
