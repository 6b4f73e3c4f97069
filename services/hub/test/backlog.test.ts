import { expect, test } from 'vitest'
import { operatedSystem } from './operated-system.ts'

const BACKLOG = 5_000
const within = { timeout: 20_000 }

test('a rule starts, and its messages are on their way back, while thousands of messages wait for the hub', async () => {
  await using system = await operatedSystem({ backlog: BACKLOG })
  const rule = { id: 'acme', filter: 'tenant == "acme"', queues: ['process_consume'] }

  expect(await system.post('/api/sidelines', rule)).toMatchObject({ status: 201, json: { status: 'active' } })
  for (const n of [1, 2, 3, 4, 5]) await system.sayTask(n, n % 2 === 0 ? 'other' : 'acme')
  await expect.poll(() => system.waiting('ebs.sideline.acme.process_consume')).toBe(3)
  expect(system.handled).toEqual(['t2', 't4'])

  const resolved = await system.post('/api/sidelines/acme/resolve')
  expect(resolved).toMatchObject({ status: 202, json: { status: 'resolving', replay: expect.any(String) } })
  await expect.poll(() => system.handled.toSorted(), within).toEqual(['t1', 't2', 't3', 't4', 't5'])
  const job = `/api/replays/${resolved.json.replay}`
  await expect.poll(() => system.get(job), within).toMatchObject({ status: 'running', total: 3, moved: 3, handled: 0 })
  expect(await system.waiting('hub_consume')).toBeGreaterThan(BACKLOG)

  // What was decided ahead of the rest is decided once, and what waited counts as ever.
  await system.workOff()
  await expect.poll(() => system.get('/api/sidelines/acme'), within).toMatchObject({ status: 'closed', parked: 0 })
  expect(await system.get(job)).toMatchObject({ status: 'completed', total: 3, moved: 3, handled: 3, failed: 0 })
  expect((await system.get('/api/sidelines/acme/messages')).items).toHaveLength(3)
  expect(system.handled).toHaveLength(5)
  expect(await system.waiting('hub_consume.dead')).toBe(0)
  expect(await system.waiting('hub_work.dead')).toBe(0)
})

test('messages are dropped, and the rule is over, while thousands of messages wait for the hub', async () => {
  await using system = await operatedSystem({ backlog: BACKLOG })
  await system.post('/api/sidelines', { id: 'acme', filter: 'tenant == "acme"', queues: ['process_consume'] })
  for (const n of [1, 2]) await system.sayTask(n, 'acme')
  await expect.poll(() => system.waiting('ebs.sideline.acme.process_consume')).toBe(2)

  expect((await system.post('/api/sidelines/acme/discard')).status).toBe(202)

  await expect.poll(() => system.get('/api/sidelines/acme'), within).toMatchObject({ status: 'discarded' })
  expect(await system.waiting('hub_consume')).toBeGreaterThan(BACKLOG)
  await system.workOff()
  await expect.poll(() => system.waiting('hub_consume'), within).toBe(0)
  const { items } = await system.get('/api/sidelines/acme/messages')
  expect(items.map(({ state }: { state: string }) => state)).toEqual(['discarded', 'discarded'])
  expect(system.handled).toEqual([])
})
