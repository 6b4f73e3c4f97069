import { expect } from 'vitest'
import { z } from 'zod'
import { startLoad } from './support/load.ts'
import { expectAllDone } from './support/settled.ts'
import { testsOfOneSystem } from './support/shared-system.ts'
import { type System, startSystem } from './support/system.ts'
import { taskMessages, tasksByTenant } from './support/tenants.ts'
import { waitUntil } from './support/wait-until.ts'

const services = ['gateway', 'datagen', 'distributor', 'processor', 'hub', 'statistics'] as const
const test = testsOfOneSystem({ services })

const SIGTERM_MS_MAX = 10_000
const processors = z.object({ processor: z.string() })
const FINISHERS = 'select distinct processor from tasks where finished_at is not null'

/** Resolves when 30 more tasks are finished: the system works, or works again. */
async function progress(system: System): Promise<void> {
  const { tasks_finished: before } = await system.statistics()
  await waitUntil(async () => (await system.statistics()).tasks_finished >= before + 30)
}

/** Made by the tests before, which all of them waited for. */
const objectsSoFar = async (system: System) => (await system.statistics()).objects_created

test.for([
  { how: 'killed', signal: 'SIGKILL', exit: { code: null, signal: 'SIGKILL' } },
  { how: 'told to stop', signal: 'SIGTERM', exit: { code: 0, signal: null } },
] as const)(
  'each service $how under load and started again: nothing lost, nothing double',
  async ({ signal, exit }, { system }) => {
    const before = await objectsSoFar(system)
    const load = startLoad(system)
    const flow = { json: { length: 2 }, headers: { prefer: 'wait=10' } }
    for (const name of services) {
      await progress(system)
      const service = system.process(name)
      const startMs = performance.now()
      expect(await service.kill(signal)).toEqual(exit)
      expect(performance.now() - startMs).toBeLessThan(SIGTERM_MS_MAX)
      await service.restart()
      // At once on a machine that keeps up; a hub that comes back takes first what has waited for it.
      await waitUntil(
        async () => expect(await system.ask('gateway', '/api/flows', flow), name).toMatchObject({ status: 200 }),
        60_000,
      )
    }
    await progress(system)

    await expectAllDone(system, { objects: before + (await load.stop()) })
  },
)

test('D4: all connections closed through the management API, three times under load', async ({ system }) => {
  const before = await objectsSoFar(system)
  const load = startLoad(system)
  for (let round = 1; round <= 3; round++) {
    await progress(system)
    await system.vhost.closeConnections()
  }
  await progress(system)

  await expectAllDone(system, { objects: before + (await load.stop()) })
  for (const name of services) expect(system.process(name).output, name).toContain('lost the broker; connecting again')
})

test('a second statistics process on the same file stands by and takes over, and nothing is counted twice', async ({
  system,
}) => {
  const before = await objectsSoFar(system)
  const standby = await system.start('statistics')
  const load = startLoad(system)
  await progress(system)
  // It hears nothing, and its API shows what the other one counts.
  const metrics = await (await fetch(`${standby.url}/metrics`)).text()
  expect(metrics).not.toMatch(/consumed_messages_total\{[^}]*"statistics"[^}]*\} [1-9]/)

  await system.process('statistics').kill()

  await progress(system)
  await expectAllDone(system, { objects: before + (await load.stop()) })
  await system.process('statistics').restart()
  expect(await standby.kill('SIGTERM')).toEqual({ code: 0, signal: null })
})

test('the totals outlive statistics', async ({ system }) => {
  const before = await objectsSoFar(system)
  await system.createObjects(20)
  await expectAllDone(system, { objects: before + 20 })

  const statistics = system.process('statistics')
  expect(await statistics.kill('SIGTERM')).toEqual({ code: 0, signal: null })
  // What happens meanwhile waits in its queue.
  await system.createObjects(20)
  await statistics.restart()
  expect((await system.statistics()).objects_completed).toBeGreaterThanOrEqual(before + 20)

  await expectAllDone(system, { objects: before + 40 })
})

test('a processor killed in the middle of its tasks: each is finished once, by the other', async () => {
  const tasks = 30
  await using system = await startSystem({
    services: ['processor', 'processor', 'statistics'],
    env: { EBS_TASK_MS_MIN: '2000', EBS_TASK_MS_MAX: '2000' },
  })
  await system.publishMany(taskMessages('acme', 1, tasks))
  const started = { tasks_started: tasks, tasks_finished: 0 }
  await waitUntil(async () => expect(await system.statistics()).toMatchObject(started))
  const working = await system.rows(processors, 'select distinct processor from tasks')
  expect(working).toHaveLength(2)

  await system.process('processor').kill()

  const all = { created: tasks, started: tasks, finished: tasks }
  await waitUntil(async () => expect(await tasksByTenant(system)).toEqual({ acme: all }))
  await waitUntil(async () => expect(await system.vhost.depth('process_consume')).toBe(0))
  expect(await system.events()).toMatchObject({ TASK_STARTED: tasks, TASK_FINISHED: tasks })
  expect(await system.statistics()).toMatchObject({ tasks_failed: 0, tasks_in_progress: 0, messages_dead: 0 })
  const survivor = system.process('processor-2').pid
  expect(await system.rows(processors, FINISHERS)).toEqual([{ processor: expect.stringMatching(`:${survivor}$`) }])
})
