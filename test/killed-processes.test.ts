import { expect, test } from 'vitest'
import { z } from 'zod'
import { startLoad } from './support/load.ts'
import { expectAllDone } from './support/settled.ts'
import { startSystem } from './support/system.ts'
import { waitUntil } from './support/wait-until.ts'

const SIGTERM_MS_MAX = 10_000
const processors = z.object({ processor: z.string() })
const FINISHERS = 'select distinct processor from tasks where finished_at is not null'

test('a processor killed in the middle of its tasks: each is finished once, by the other', async () => {
  await using system = await startSystem({
    services: ['datagen', 'distributor', 'processor', 'processor', 'hub', 'statistics'],
    env: { EBS_TASK_MS_MIN: '2000', EBS_TASK_MS_MAX: '2000' },
  })
  await system.createObjects(10)
  const started = { tasks_started: 30, tasks_finished: 0 }
  await waitUntil(async () => expect(await system.statistics()).toMatchObject(started))
  const working = await system.rows(processors, 'select distinct processor from tasks')
  expect(working).toHaveLength(2)

  await system.process('processor').kill()

  await expectAllDone(system, { objects: 10 })
  const survivor = system.process('processor-2').pid
  expect(await system.rows(processors, FINISHERS)).toEqual([{ processor: expect.stringMatching(`:${survivor}$`) }])
})

test.each([
  { how: 'killed', signal: 'SIGKILL', exit: { code: null, signal: 'SIGKILL' } },
  { how: 'told to stop', signal: 'SIGTERM', exit: { code: 0, signal: null } },
] as const)(
  'each service $how under load and started again: nothing lost, nothing double',
  async ({ signal, exit }) => {
    await using system = await startSystem({
      services: ['gateway', 'datagen', 'distributor', 'processor', 'hub', 'statistics'],
    })
    const load = startLoad(system)
    const progress = async () => {
      const { tasks_finished: before } = await system.statistics()
      await waitUntil(async () => (await system.statistics()).tasks_finished > before + 30)
    }
    const flow = { json: { length: 2 }, headers: { prefer: 'wait=10' } }
    for (const name of ['gateway', 'datagen', 'distributor', 'processor', 'hub', 'statistics']) {
      await progress()
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
    await progress()

    await expectAllDone(system, { objects: await load.stop() })
  },
)

test('a second statistics process on the same file stands by and takes over, and nothing is counted twice', async () => {
  await using system = await startSystem()
  const standby = await system.start('statistics')
  const load = startLoad(system)
  await waitUntil(() => load.accepted >= 100)
  // It hears nothing, and its API shows what the other one counts.
  const metrics = await (await fetch(`${standby.url}/metrics`)).text()
  expect(metrics).not.toMatch(/consumed_messages_total\{[^}]*"statistics"[^}]*\} [1-9]/)

  await system.process('statistics').kill()

  await waitUntil(async () => (await system.statistics()).tasks_finished > load.accepted)
  await expectAllDone(system, { objects: await load.stop() })
})

test('the totals outlive statistics', async () => {
  await using system = await startSystem()
  await system.createObjects(20)
  await expectAllDone(system, { objects: 20 })

  const statistics = system.process('statistics')
  expect(await statistics.kill('SIGTERM')).toEqual({ code: 0, signal: null })
  // What happens meanwhile waits in its queue.
  await system.createObjects(20)
  await statistics.restart()
  expect((await system.statistics()).objects_completed).toBeGreaterThanOrEqual(20)

  await expectAllDone(system, { objects: 40 })
})
