import { expect, test } from 'vitest'
import { z } from 'zod'
import { expectAllDone, expectQueues } from './support/settled.ts'
import { type System, startSystem } from './support/system.ts'
import { waitUntil } from './support/wait-until.ts'

const objectsUrl = (system: System) => `${system.process('datagen').url}/api/objects`
const made = z.object({ id: z.string() })
const makeObject = async (system: System) =>
  made.parse(await (await fetch(objectsUrl(system), { method: 'POST' })).json()).id
const show = async (system: System, id: string): Promise<unknown> => (await fetch(`${objectsUrl(system)}/${id}`)).json()
const countIn = async (system: System, state: string) =>
  z
    .object({ items: z.array(z.unknown()) })
    .parse(await (await fetch(`${objectsUrl(system)}?limit=1000&state=${state}`)).json()).items.length

test('G13: an object says that it runs and what is missing, then that it is completed', async () => {
  await using system = await startSystem({ services: ['datagen', 'distributor', 'hub', 'statistics'] })
  const id = await makeObject(system)
  await waitUntil(async () =>
    expect(await show(system, id)).toMatchObject({ state: 'running', missing: [`${id}.1`, `${id}.2`, `${id}.3`] }),
  )
  // Without the hub only what was heard is known.
  await system.process('hub').kill('SIGTERM')
  const accepted = await show(system, id)
  expect(accepted).toMatchObject({ state: 'accepted' })
  expect(accepted).not.toHaveProperty('missing')

  await system.start('processor')
  await waitUntil(async () =>
    expect(await system.statistics()).toMatchObject({ tasks_finished: 3, objects_completed: 0 }),
  )
  await system.process('hub').restart()
  await expectAllDone(system, { objects: 1 })

  const completed = { state: 'completed', endedAt: expect.any(String), durationMs: expect.any(Number) }
  await waitUntil(async () => expect(await show(system, id)).toMatchObject(completed))
  expect([await countIn(system, 'completed'), await countIn(system, 'accepted')]).toEqual([1, 0])
})

test('G13: an object fails with the first of its tasks that fails for good, and says which are missing', async () => {
  await using system = await startSystem({ env: { EBS_TASK_FAILURE_RATE: '1', EBS_RETRY_RETRIES: '0' } })
  const id = await makeObject(system)

  await waitUntil(async () =>
    expect(await show(system, id)).toMatchObject({ state: 'failed', error: expect.any(String) }),
  )
  expect(await show(system, id)).toMatchObject({ missing: [`${id}.1`, `${id}.2`, `${id}.3`] })
  await waitUntil(async () => expect(await system.statistics()).toMatchObject({ objects_failed: 1, tasks_failed: 3 }))
  await expectQueues(system, { 'process_consume.dead': 3 })
  expect(await system.events()).toMatchObject({ OBJECT_FAILED: 1 })
})

test('G13: an object whose tasks nobody does has failed at its deadline', async () => {
  await using system = await startSystem({
    services: ['datagen', 'distributor', 'hub', 'statistics'],
    env: { EBS_OBJECT_DEADLINE_MS: '1500' },
  })
  await system.createObjects(20)

  await waitUntil(async () => expect(await system.statistics()).toMatchObject({ objects_failed: 20 }))

  await waitUntil(async () => expect(await countIn(system, 'failed')).toBe(20))
  const [row] = await system.rows(
    z.object({ ms: z.number() }),
    'select min(duration_ms) as ms from objects where failed_at is not null',
  )
  expect(row?.ms).toBeGreaterThanOrEqual(1_500)
})
