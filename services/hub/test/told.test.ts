import { expect, test, vi } from 'vitest'
import { parseEvent } from '../../../shared/bus/envelope.ts'
import type { Arrived, Emission } from '../../../shared/bus/stateful-consumer.ts'
import type { Body } from '../../../shared/events.ts'
import { MemoryHubStore } from '../../../shared/store/memory-hub-store.ts'
import { controlSite } from '../control/test/control-fixture.ts'
import { tellFound } from '../told.ts'

const found = (confirmed: number): Body => ({ type: 'SIDELINE_SETTLED', id: 'r1', revision: 5, confirmed, missing: [] })

function errand() {
  const body = { type: 'SIDELINE_ERRAND', id: 'r1', revision: 5, queues: ['process_consume'], step: 'settle' }
  const parsed = parseEvent({
    ...{ exchange: '', key: 'hub_work', body: Buffer.from(JSON.stringify(body)) },
    properties: { messageId: 'e1', correlationId: 'c1', headers: {} },
  })
  if (!('data' in parsed)) throw new Error(JSON.stringify(parsed))
  return parsed
}

/** A kernel that does as the test says, and a store without a relay. */
async function tellingSite(handle = async (_: readonly Arrived[]): Promise<readonly Emission[]> => []) {
  const site = await controlSite()
  const store = new MemoryHubStore()
  const spy = vi.fn(handle)
  const relayed = vi.fn(async () => undefined)
  return {
    store,
    handle: spy,
    relayed,
    tell: (body: Body) => tellFound(site.bus, { store, handle: spy, relayed }, errand(), body),
    outbox: async () => (await store.readPending(0, 10)).map(({ exchange, key, body }) => [exchange, key, body]),
    /** Whether the hub's queue would take the copy for a duplicate. */
    isKnown: async () => {
      const [arrived] = spy.mock.calls[0]?.[0] ?? []
      const ids = [arrived?.meta.id ?? 'none']
      const fresh = await store.write((tx) => tx.recordFirstSeen('hub_consume', ids, 0))
      return fresh.size === 0
    },
    [Symbol.asyncDispose]: () => site[Symbol.asyncDispose](),
  }
}

test('what an errand has found is decided at once, published once it is, and a duplicate when the hub hears it', async () => {
  await using site = await tellingSite()

  await site.tell(found(2))

  expect(site.handle.mock.calls.map(([events]) => events)).toEqual([
    [expect.objectContaining({ type: 'SIDELINE_SETTLED', data: found(2) })],
  ])
  expect(await site.outbox()).toEqual([['ebs', 'sidelines.settled', JSON.stringify(found(2))]])
  expect(site.relayed).toHaveBeenCalledTimes(1)
  expect(await site.isKnown()).toBe(true)
})

test('of an errand that is run again the first answer stands, and is confirmed before the errand is', async () => {
  await using site = await tellingSite()

  await site.tell(found(2))
  await site.tell(found(3))

  expect(site.handle).toHaveBeenCalledTimes(1)
  expect(await site.outbox()).toHaveLength(1)
  expect(site.relayed).toHaveBeenCalledTimes(2)
})

test('what the kernel refuses comes to the hub once more, where it is put away with the reason', async () => {
  await using site = await tellingSite(async ([arrived]) => (arrived ? [{ refused: arrived, reason: 'no' }] : []))

  await site.tell(found(2))

  expect(await site.outbox()).toHaveLength(1)
  expect(await site.isKnown()).toBe(false)
})

test('when the kernel fails nothing is published, and the errand fails', async () => {
  await using site = await tellingSite(async () => {
    throw new Error('disk full')
  })

  await expect(site.tell(found(2))).rejects.toThrow('disk full')

  expect(await site.outbox()).toEqual([])
  expect(await site.isKnown()).toBe(false)
})
