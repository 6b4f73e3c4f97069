import { expect } from 'vitest'
import { z } from 'zod'
import { guest, standIn } from './support/guests.ts'
import { distinct, type Onlooker, onlooker } from './support/onlooker.ts'
import { withOwnCounts } from './support/own-counts.ts'
import { expectAllDone, expectQueues } from './support/settled.ts'
import { testsOfOneSystem } from './support/shared-system.ts'
import type { System } from './support/system.ts'
import { tenantOf } from './support/tenants.ts'
import { waitUntil } from './support/wait-until.ts'

/** Without a processor: each story brings those that it needs. */
const test = testsOfOneSystem({ services: ['datagen', 'distributor', 'hub', 'statistics'] })

/** More than all stories make. */
const ALL_MAX = 1_000
const attempts = z.object({ attempts: z.number(), tasks: z.number() })
const share = z.object({ processor: z.string(), tasks: z.number() })
const made = z.object({ id: z.string() })
const objectsPage = z.object({ items: z.array(z.object({ tenant: z.string() })) })
const timersPage = z.object({ items: z.array(z.object({ key: z.string() })) })

const makeObject = async (system: System, tenant: string) =>
  made.parse((await system.ask('datagen', '/api/objects', { json: { tenant } })).json).id
/** State, missing tasks and error of an object, as its maker tells. */
const show = async (system: System, id: string) => (await system.ask('datagen', `/api/objects/${id}`)).json
async function countIn(system: System, state: string, ofTenant: string) {
  const { json } = await system.ask('datagen', `/api/objects?limit=${ALL_MAX}&state=${state}`)
  return objectsPage.parse(json).items.filter(({ tenant }) => tenant === ofTenant).length
}
const tasksOf = (id: string) => [1, 2, 3].map((index) => `${id}.${index}`)
/** The ends of a tenant's objects, each message once. */
const endsOf = async (ends: Onlooker, tenant: string) =>
  distinct(await ends.heard()).filter((one) => tenantOf(one) === tenant)
const attemptsOf = (system: System, tenant: string) =>
  system.rows(
    attempts,
    `select attempts, count(*) as tasks from tasks where tenant = '${tenant}' group by attempts order by attempts`,
  )

test('tasks that were made before there is a processor wait for one; G13: their object says that it runs and what is missing, then that it is completed', async ({
  system: shared,
}) => {
  const system = await withOwnCounts(shared)
  const [objects, tenant] = [20, 'waiting']
  const id = await makeObject(system, tenant)
  await system.createObjects(objects - 1, undefined, tenant)
  await waitUntil(async () => expect(await system.statistics()).toMatchObject({ tasks_created: 60, tasks_started: 0 }))
  expect(await system.vhost.depth('process_consume')).toBe(60)
  await waitUntil(async () => expect(await show(system, id)).toMatchObject({ state: 'running', missing: tasksOf(id) }))
  // Without the hub only what was heard is known.
  await system.process('hub').kill('SIGTERM')
  const accepted = await show(system, id)
  expect(accepted).toMatchObject({ state: 'accepted' })
  expect(accepted).not.toHaveProperty('missing')

  await guest(system, 'processor')
  const withoutHub = { tasks_finished: 60, objects_completed: 0 }
  await waitUntil(async () => expect(await system.statistics()).toMatchObject(withoutHub))
  await system.process('hub').restart()
  await expectAllDone(system, { objects })

  const completed = { state: 'completed', endedAt: expect.any(String), durationMs: expect.any(Number) }
  await waitUntil(async () => expect(await show(system, id)).toMatchObject(completed))
  await waitUntil(async () => expect(await countIn(system, 'completed', tenant)).toBe(objects))
  expect(await countIn(system, 'accepted', tenant)).toBe(0)
})

test('D7: two processors share slow tasks fairly', async ({ system: shared }) => {
  const system = await withOwnCounts(shared)
  const slow = { EBS_TASK_MS_MIN: '300', EBS_TASK_MS_MAX: '300' }
  await Promise.all([guest(system, 'processor', slow), guest(system, 'processor', slow)])
  await system.createObjects(80, undefined, 'slow')
  await expectAllDone(system, { objects: 80 })

  const shares = await system.rows(
    share,
    `select processor, count(*) as tasks from tasks where tenant = 'slow' and finished_at is not null group by processor`,
  )
  expect(shares).toHaveLength(2)
  for (const { tasks } of shares) {
    expect(tasks / 240).toBeGreaterThanOrEqual(0.35)
    expect(tasks / 240).toBeLessThanOrEqual(0.65)
  }
})

test('tasks that fail three times in ten are tried again until all are finished', async ({ system: shared }) => {
  const system = await withOwnCounts(shared)
  await guest(system, 'processor', { EBS_TASK_FAILURE_RATE: '0.3', EBS_RETRY_MIN_MS: '50' })
  await system.createObjects(30, undefined, 'in-ten')
  await expectAllDone(system, { objects: 30, hasRetries: true })

  const rows = await attemptsOf(system, 'in-ten')
  const failed = rows.reduce((sum, row) => sum + (row.attempts - 1) * row.tasks, 0)
  expect(failed).toBeGreaterThan(0)
  // One event per failed attempt, one start per attempt.
  expect(await system.events()).toMatchObject({ TASK_FAILED: failed, TASK_STARTED: 90 + failed })
})

test('R4: tasks that always fail are dead after the last retry, once, and nothing is left in progress', async ({
  system: shared,
}) => {
  const [retries, tenant] = [2, 'always']
  const system = await withOwnCounts(shared)
  const env = { EBS_TASK_FAILURE_RATE: '1', EBS_RETRY_RETRIES: String(retries), EBS_RETRY_MIN_MS: '50' }
  await guest(system, 'processor', env)
  await system.createObjects(10, undefined, tenant)
  const totals = {
    objects_created: 10,
    objects_completed: 0,
    objects_failed: 10,
    tasks_created: 30,
    tasks_started: 30,
    tasks_finished: 0,
    tasks_failed: 30,
    tasks_in_progress: 0,
    messages_dead: 30,
  }
  await waitUntil(async () => expect(await system.statistics()).toMatchObject(totals))
  await expectQueues(system, { 'process_consume.dead': 30 })

  expect(await attemptsOf(system, tenant)).toEqual([{ attempts: retries + 1, tasks: 30 }])
  expect(await system.events()).toMatchObject({ TASK_STARTED: 90, TASK_FAILED: 90, MESSAGE_DEAD: 30 })
  const died = (await system.vhost.peek('process_consume.dead', ALL_MAX)).map(({ properties }) => properties.headers)
  const own = died.filter((headers) => headers?.['x-ebs-tenant'] === tenant)
  expect(own).toHaveLength(30)
  for (const headers of own)
    expect(headers).toMatchObject({
      'x-ebs-reason': 'exhausted',
      'x-ebs-error': expect.stringContaining('WorkFailed'),
      'x-ebs-attempts': retries + 1,
      'x-ebs-queue': 'process_consume',
    })
})

test('G13: an object fails with the first of its tasks that fails for good, once, and says which are missing', async ({
  system: shared,
}) => {
  const system = await withOwnCounts(shared)
  const ends = await onlooker(system.vhost, 'objects.completed', 'objects.failed')
  const env = { EBS_TASK_FAILURE_RATE: '1', EBS_RETRY_PROCESS_CONSUME_RETRIES: '0' }
  await guest(system, 'processor', env)
  const id = await makeObject(system, 'for-good')

  await waitUntil(async () => expect(await show(system, id)).toMatchObject({ state: 'failed', missing: tasksOf(id) }))
  const totals = { objects_failed: 1, tasks_failed: 3, messages_dead: 3 }
  await waitUntil(async () => expect(await system.statistics()).toMatchObject(totals))
  await expectQueues(system, { 'process_consume.dead': 3 })
  const end = { error: expect.stringMatching(new RegExp(`^task ${id}\\.\\d: WorkFailed`)), missing: tasksOf(id) }
  expect(await show(system, id)).toMatchObject({ id, ...end })
  expect(await endsOf(ends, 'for-good')).toMatchObject([
    { key: 'objects.failed', body: { objectId: id, tasks: 3, ...end } },
  ])
  const timers = timersPage.parse((await system.ask('hub', `/api/timers?limit=${ALL_MAX}`)).json).items
  expect(timers.filter(({ key }) => key === id)).toEqual([])
})

const ignored = z.object({ why: z.string(), type: z.string(), count: z.number() })

/** How many messages changed nothing in the hub, by why and type. */
async function ignoredIn(system: System): Promise<Readonly<Record<string, number>>> {
  const rows = await system.hubRows(ignored, 'select * from ignored')
  return Object.fromEntries(rows.map(({ why, type, count }) => [`${why} ${type}`, count]))
}

test('G13: an object whose tasks nobody does has failed at its deadline; that they are done later changes nothing', async ({
  system: shared,
}) => {
  const system = await withOwnCounts(shared)
  const [deadlineMs, objects, tenant] = [1_500, 20, 'late']
  const ends = await onlooker(system.vhost, 'objects.completed', 'objects.failed')
  await standIn(system, 'distributor', { EBS_OBJECT_DEADLINE_MS: String(deadlineMs) })
  const id = await makeObject(system, tenant)
  await system.createObjects(objects - 1, undefined, tenant)

  await waitUntil(async () => expect(await system.statistics()).toMatchObject({ objects_failed: objects }))
  await waitUntil(async () => expect(await countIn(system, 'failed', tenant)).toBe(objects))

  const failed = { error: 'Operation timed out after 1.5 seconds', missing: tasksOf(id) }
  expect(await show(system, id)).toMatchObject({ state: 'failed', ...failed })
  const told = await endsOf(ends, tenant)
  expect(new Set(told.map(({ body }) => body.objectId)).size).toBe(objects)
  for (const { key, body } of told) {
    expect(key).toBe('objects.failed')
    expect(body.durationMs).toBeGreaterThanOrEqual(deadlineMs)
  }
  const before = await ignoredIn(system)
  await guest(system, 'processor')
  const late = { 'late TASK_FINISHED': (before['late TASK_FINISHED'] ?? 0) + objects * 3 }
  await waitUntil(async () => expect(await ignoredIn(system)).toEqual({ ...before, ...late }))
  expect(await endsOf(ends, tenant)).toHaveLength(objects)
  const totals = { objects_failed: objects, objects_completed: 0, tasks_finished: objects * 3 }
  await waitUntil(async () => expect(await system.statistics()).toMatchObject(totals))
})
