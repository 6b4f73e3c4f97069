import { expect, test } from 'vitest'
import { startUpkeep } from '../upkeep.ts'
import { doneBody, groupBody, hubFixture } from './hub-fixture.ts'

const HOUR_MS = 3_600_000

const nothing = async () => undefined

async function upkeepOf(hub: Awaited<ReturnType<typeof hubFixture>>, remediate: () => Promise<void> = nothing) {
  const { store, kernel, clock, log } = hub
  const keepMs = { success: 24 * HOUR_MS, failed: 168 * HOUR_MS, audit: 2_160 * HOUR_MS }
  return startUpkeep({ store, kernel, clock, log, keepMs, askForRound: nothing, catchUp: nothing, remediate })
}
const statusOf = async (hub: Awaited<ReturnType<typeof hubFixture>>, id: string) => {
  const response = await hub.get(`/api/groups/${id}`)
  return response.statusCode === 404 ? 'gone' : response.json().status
}

test('what fell due while the hub was away is looked for at once, behind what waits in the queue, until all of it has fired', async () => {
  await using hub = await hubFixture()
  const ids = Array.from({ length: 600 }, (_, i) => `g${i}`)
  await hub.hear(...ids.map((id) => groupBody(id, ['a'], 10)))
  await hub.clock.advance(HOUR_MS)

  const stop = await upkeepOf(hub)
  // Each wake-up fires a slice, and sees to the next.
  for (let left = 600; left > 0; left -= 250) await expect.poll(() => hub.wake()).toBe(1)
  stop()

  expect(await statusOf(hub, 'g599')).toBe('failure')
  expect((await hub.get('/api/groups?open=true')).json().items).toEqual([])
})

test('a lost wake-up costs some seconds at most', async () => {
  await using hub = await hubFixture()
  const stop = await upkeepOf(hub)
  await hub.hear(groupBody('g1', ['a'], 10))

  await hub.clock.advance(10_500)
  expect(await hub.wake()).toBe(0)
  await hub.clock.advance(5_000)
  await expect.poll(() => hub.wake()).toBe(1)
  stop()

  expect(await statusOf(hub, 'g1')).toBe('failure')
})

test('what succeeded is forgotten after a day, what failed after a week, and what is open never', async () => {
  await using hub = await hubFixture()
  await hub.hear(
    groupBody('won', ['a']),
    doneBody('won', 'a'),
    groupBody('lost', ['a']),
    groupBody('open', ['a'], 2_592_000),
  )
  await hub.post('/api/groups/lost/cancel')
  const stand = async () => [await statusOf(hub, 'won'), await statusOf(hub, 'lost'), await statusOf(hub, 'open')]
  let stop = await upkeepOf(hub)
  // Stopped meanwhile: a week has many sweeps.
  const afterHours = async (hours: number) => {
    stop()
    await hub.clock.advance(hours * HOUR_MS)
    stop = await upkeepOf(hub)
  }

  await afterHours(23)
  expect(await stand()).toEqual(['success', 'failure', 'open'])
  await afterHours(2)
  await expect.poll(stand).toEqual(['gone', 'failure', 'open'])
  await afterHours(142)
  expect(await stand()).toEqual(['gone', 'failure', 'open'])
  await afterHours(2)
  await expect.poll(stand).toEqual(['gone', 'gone', 'open'])
  stop()
})

test('what operators did is forgotten after as many days as configured', async () => {
  await using hub = await hubFixture()
  await hub.post('/api/groups/g1/cancel')
  const count = async () => (await hub.get('/api/audit')).json().items.length

  await hub.clock.advance(2_159 * HOUR_MS)
  const stop = await upkeepOf(hub)
  await hub.clock.advance(0)
  expect(await count()).toBe(1)
  await hub.clock.advance(2 * HOUR_MS)
  await expect.poll(count).toBe(0)
  stop()
})

test('J6: journeys that take too long are looked for at once and every minute, also when a round has failed', async () => {
  await using hub = await hubFixture()
  let rounds = 0
  const stop = await upkeepOf(hub, async () => {
    if (++rounds === 2) throw new Error('disk full')
  })
  await hub.clock.advance(0)
  expect(rounds).toBe(1)

  await hub.clock.advance(119_999)
  expect(rounds).toBe(2)
  await hub.clock.advance(1)
  stop()

  expect(rounds).toBe(3)
})

test('stopped, it does nothing any more', async () => {
  await using hub = await hubFixture()
  const stop = await upkeepOf(hub)
  await hub.clock.advance(0)
  stop()
  await hub.hear(groupBody('g1', ['a'], 10))

  await hub.clock.advance(HOUR_MS)

  expect(await statusOf(hub, 'g1')).toBe('open')
})
