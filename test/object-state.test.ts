import { expect, test } from 'vitest'
import { z } from 'zod'
import { distinct, onlooker } from './support/onlooker.ts'
import { expectAllDone, expectQueues } from './support/settled.ts'
import { type System, startSystem } from './support/system.ts'
import { waitUntil } from './support/wait-until.ts'

const made = z.object({ id: z.string() })
const makeObject = async (system: System) =>
  made.parse((await system.ask('datagen', '/api/objects', { method: 'POST' })).json).id
/** State, missing tasks and error of an object, as its maker tells. */
const show = async (system: System, id: string) => (await system.ask('datagen', `/api/objects/${id}`)).json
const page = z.object({ items: z.array(z.unknown()) })
const countIn = async (system: System, state: string) =>
  page.parse((await system.ask('datagen', `/api/objects?limit=1000&state=${state}`)).json).items.length
const tasksOf = (id: string) => [1, 2, 3].map((index) => `${id}.${index}`)

test('G13: an object says that it runs and what is missing, then that it is completed', async () => {
  await using system = await startSystem({ services: ['datagen', 'distributor', 'hub', 'statistics'] })
  const id = await makeObject(system)
  await waitUntil(async () => expect(await show(system, id)).toMatchObject({ state: 'running', missing: tasksOf(id) }))
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

test('G13: an object fails with the first of its tasks that fails for good, once, and says which are missing', async () => {
  const env = { EBS_TASK_FAILURE_RATE: '1', EBS_RETRY_PROCESS_CONSUME_RETRIES: '0' }
  await using system = await startSystem({ env })
  const ends = await onlooker(system.vhost, 'objects.completed', 'objects.failed')
  const id = await makeObject(system)

  await waitUntil(async () => expect(await show(system, id)).toMatchObject({ state: 'failed', missing: tasksOf(id) }))
  await waitUntil(async () => expect(await system.statistics()).toMatchObject({ objects_failed: 1, tasks_failed: 3 }))
  await expectQueues(system, { 'process_consume.dead': 3 })
  const end = { error: expect.stringMatching(new RegExp(`^task ${id}\\.\\d: WorkFailed`)), missing: tasksOf(id) }
  expect(await show(system, id)).toMatchObject({ id, ...end })
  expect(distinct(await ends.heard())).toMatchObject([
    { key: 'objects.failed', body: { objectId: id, tasks: 3, ...end } },
  ])
  expect((await system.ask('hub', '/api/timers')).json).toEqual({ items: [] })
})

const ignored = z.object({ why: z.string(), type: z.string(), count: z.number() })

test('G13: an object whose tasks nobody does has failed at its deadline; that they are done later changes nothing', async () => {
  const [deadlineMs, objects] = [1_500, 20]
  await using system = await startSystem({
    services: ['datagen', 'distributor', 'hub', 'statistics'],
    env: { EBS_OBJECT_DEADLINE_MS: String(deadlineMs) },
  })
  const ends = await onlooker(system.vhost, 'objects.completed', 'objects.failed')
  const id = await makeObject(system)
  await system.createObjects(objects - 1)

  await waitUntil(async () => expect(await system.statistics()).toMatchObject({ objects_failed: objects }))
  await waitUntil(async () => expect(await countIn(system, 'failed')).toBe(objects))

  const failed = { error: 'Operation timed out after 1.5 seconds', missing: tasksOf(id) }
  expect(await show(system, id)).toMatchObject({ state: 'failed', ...failed })
  const told = distinct(await ends.heard())
  expect(new Set(told.map(({ body }) => body.objectId)).size).toBe(objects)
  for (const { key, body } of told) {
    expect(key).toBe('objects.failed')
    expect(body.durationMs).toBeGreaterThanOrEqual(deadlineMs)
  }
  await system.start('processor')
  const late = { why: 'late', type: 'TASK_FINISHED', count: objects * 3 }
  await waitUntil(async () => expect(await system.hubRows(ignored, 'select * from ignored')).toEqual([late]))
  expect(distinct(await ends.heard())).toHaveLength(objects)
  expect(await system.statistics()).toMatchObject({ objects_failed: objects, objects_completed: 0 })
})
