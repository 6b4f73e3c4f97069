import { expect, test } from 'vitest'
import { z } from 'zod'
import { expectAllDone, expectQueues } from './support/settled.ts'
import { startSystem } from './support/system.ts'
import { waitUntil } from './support/wait-until.ts'

const attempts = z.object({ attempts: z.number(), tasks: z.number() })
const ATTEMPTS = 'select attempts, count(*) as tasks from tasks group by attempts order by attempts'

test('tasks that fail three times in ten are tried again until all are finished', async () => {
  await using system = await startSystem({ env: { EBS_TASK_FAILURE_RATE: '0.3', EBS_RETRY_MIN_MS: '50' } })
  await system.createObjects(60)
  await expectAllDone(system, { objects: 60, hasRetries: true })

  const rows = await system.rows(attempts, ATTEMPTS)
  const failed = rows.reduce((sum, row) => sum + (row.attempts - 1) * row.tasks, 0)
  expect(failed).toBeGreaterThan(0)
  // One event per failed attempt, one start per attempt.
  expect(await system.events()).toMatchObject({ TASK_FAILED: failed, TASK_STARTED: 180 + failed })
})

test('R4: tasks that always fail are dead after the last retry, once, and nothing is left in progress', async () => {
  const retries = 2
  await using system = await startSystem({
    env: { EBS_TASK_FAILURE_RATE: '1', EBS_RETRY_RETRIES: String(retries), EBS_RETRY_MIN_MS: '50' },
  })
  await system.createObjects(10)
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

  expect(await system.rows(attempts, ATTEMPTS)).toEqual([{ attempts: retries + 1, tasks: 30 }])
  expect(await system.events()).toMatchObject({ TASK_STARTED: 90, TASK_FAILED: 90, MESSAGE_DEAD: 30 })
  for (const { properties } of await system.vhost.peek('process_consume.dead', 30))
    expect(properties.headers).toMatchObject({
      'x-ebs-reason': 'exhausted',
      'x-ebs-error': expect.stringContaining('WorkFailed'),
      'x-ebs-attempts': retries + 1,
      'x-ebs-queue': 'process_consume',
    })
})
