import { expect, test, vi } from 'vitest'
import { DefinitionRegistry } from '../../../../shared/flow/journey/registry.ts'
import { StoreUnavailableError } from '../../../../shared/store/store.ts'
import { hubFixture } from '../../test/hub-fixture.ts'
import { Journeys } from '../journeys.ts'
import { trip } from './journey-site.ts'

const by = { actor: 'ann', reason: 'a test' }

/** A hub with a journey that waits for its type, and another one that stands by on the same store. */
async function waitingSite() {
  const hub = await hubFixture()
  const { broker, clock, log, store } = hub
  await broker.ready()
  await hub.hear({
    ...{ type: 'INITIATE_JOURNEY', sagaId: 's1', journeyType: trip.type, formatVersion: 1, tenant: 'default' },
    ...{ payload: { to: 'Rome' }, meta: {} },
  })
  const released = () => store.readPending(0, 1_000).filter(({ body }) => body.includes('JOURNEY_RELEASED')).length
  const standBy = (write = store.write.bind(store)) => {
    const { definitions, reader } = store
    return new Journeys({
      bus: { broker, clock, log, service: 'hub' },
      store: { definitions, reader, write },
      registry: new DefinitionRegistry(),
      queueType: 'quorum',
      stopping: new AbortController().signal,
    })
  }
  return { hub, released, standBy, [Symbol.asyncDispose]: () => hub[Symbol.asyncDispose]() }
}

test('J9: a hub that stands by releases what another has registered, once', async () => {
  await using site = await waitingSite()
  const standBy = site.standBy()
  await standBy.refresh()
  await site.hub.store.write((tx) =>
    tx.definitions.insert({ ...trip, document: JSON.stringify(trip), ...by, atMs: site.hub.clock.now() }),
  )

  await standBy.refresh()
  await standBy.stop()
  expect(site.released()).toBe(1)

  await standBy.refresh()
  await standBy.stop()
  expect(site.released()).toBe(1)
})

test('J9: a store that is out of order when a type is registered delays the release until the next look', async () => {
  await using site = await waitingSite()
  const { store } = site.hub
  let writes = 0
  const failing: typeof store.write = (job) =>
    // The first one registers; the second one releases.
    ++writes === 2 ? Promise.reject(new StoreUnavailableError('out of order')) : store.write(job)
  const journeys = site.standBy(failing)
  expect((await journeys.register(trip, by)).outcome).toBe('registered')
  await journeys.stop()
  expect(site.released()).toBe(0)

  await journeys.refresh()
  await journeys.stop()

  expect(site.released()).toBe(1)
})

test('J9: whoever waits all the same is told with a later look, and again after twice as long while that is not heard', async () => {
  await using site = await waitingSite()
  const { hub } = site
  const journeys = site.standBy()
  const lookAfter = async (ms: number) => {
    await hub.clock.advance(ms)
    await journeys.refresh()
    await journeys.stop()
    return site.released()
  }
  expect((await journeys.register(trip, by)).outcome).toBe('registered')
  await journeys.stop()
  // Whoever was to tell it was killed.
  await hub.store.removePublished(hub.store.readPending(0, 1_000).map(({ seq }) => seq))

  const told = []
  for (const ms of [0, 59_999, 1, 60_000, 60_000]) told.push(await lookAfter(ms))

  expect(told).toEqual([0, 0, 1, 1, 2])
})

test('J9: registering a version again as it was releases who waits all the same', async () => {
  await using site = await waitingSite()
  const { store } = site.hub
  const journeys = site.standBy()
  await journeys.register(trip, by)
  await journeys.stop()
  await store.removePublished(store.readPending(0, 1_000).map(({ seq }) => seq))

  expect((await journeys.register(trip, by)).outcome).toBe('same')
  await journeys.stop()

  expect(site.released()).toBe(1)
})

test('J9: each page of those who wait is told before the next one is read', async () => {
  await using site = await waitingSite()
  const { hub } = site
  const asked = { journeyType: trip.type, formatVersion: 1, tenant: 'default', payload: { to: 'Rome' }, meta: {} }
  for (let n = 0; n < 200; n++) await hub.hear({ type: 'INITIATE_JOURNEY', sagaId: `w${n}`, ...asked })
  const seen: number[] = []
  const list = hub.store.reader.listConversations.bind(hub.store.reader)
  vi.spyOn(hub.store.reader, 'listConversations').mockImplementation((...which) => {
    seen.push(site.released())
    return list(...which)
  })
  const journeys = site.standBy()

  await journeys.register(trip, by)
  await journeys.stop()

  expect(seen).toEqual([0, 100, 200])
  expect(site.released()).toBe(201)
})
