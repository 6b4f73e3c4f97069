import { describe, expect, test } from 'vitest'
import { MemoryStore } from '../../store/memory-store.ts'
import type { Received } from '../broker.ts'
import { Unrecoverable } from '../retry.ts'
import { eventually, listen, pasteInto, retryPolicy, taskBody, typesOf, virtualSite } from './bus-fixture.ts'
import { failingStore, numberOf, startService } from './stateful-fixture.ts'

const task = (n: number, messageId = `m${n}`) => pasteInto('work', taskBody(n), { messageId })
const finished = (heard: readonly Received[]) =>
  heard
    .filter(({ properties }) => properties.type === 'TASK_FINISHED')
    .map(({ body }) => JSON.parse(body.toString()).taskId)
    .toSorted()

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
    const { batches, lines } = await startService(site, store, {
      store: broken,
      retry: retryPolicy({ policy: 'never' }),
    })

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
