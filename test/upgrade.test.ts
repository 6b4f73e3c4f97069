import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { readRelease, releaseFolders } from '../scripts/release/recorded.ts'
import { anotherCard, storyEnv, TASKS_PER_OBJECT, unborn } from '../scripts/release/story.ts'
import { parkingQueueOf } from '../shared/topology.ts'
import { EXAMPLES } from './support/journeys.ts'
import { Operator } from './support/operator.ts'
import { putBackRelease } from './support/release.ts'
import { expectQueues } from './support/settled.ts'
import { startSystem } from './support/system.ts'
import { testVhost } from './support/vhost.ts'
import { waitUntil } from './support/wait-until.ts'

const services = ['hub', 'statistics', 'datagen', 'distributor', 'processor', 'gateway'] as const
const env = {
  ...storyEnv,
  EBS_DEFINITIONS_DIR: EXAMPLES,
  // The story needs the processor's own activities as well.
  EBS_ACTIVITIES: 'all',
  EBS_LEDGER_SETTLE_MS: '2000',
  EBS_LEDGER_EVERY_MS: '500',
}
const status = z.looseObject({ status: z.string() })

test.each(releaseFolders(join(import.meta.dirname, 'releases')).map((folder) => ({ folder })))(
  'what $folder left behind goes on: stores are read, whatever was accepted ends as it should, what waits for people still does',
  async ({ folder }) => {
    await using vhost = await testVhost()
    await using system = await startSystem({ services: [], vhost, env })
    const recorded = readRelease(folder, Date.now())
    const { accepted } = recorded.release
    await putBackRelease(recorded, system.dataDir, vhost)
    await Promise.all(services.map((service) => system.start(service)))
    const operator = new Operator(system)
    const shown = async (path: string) => status.parse((await system.ask('hub', `/api/${path}`)).json)
    const until = (path: string, expected: object) =>
      waitUntil(async () => expect(await shown(path)).toMatchObject(expected))

    // By itself: flows, groups, journeys, and every object that is not set aside.
    for (const id of accepted.flows) await until(`flows/${id}`, { status: 'success' })
    for (const id of accepted.groups) await until(`groups/${id}`, { status: 'success' })
    await until(`groups/${accepted.lateGroup}`, { status: 'failure' })
    const { completed, running, waitsForTimer, waitsForPerson, waitsForType } = accepted.journeys
    for (const id of [completed, running]) await until(`journeys/${id}`, { status: 'COMPLETED' })
    const live = accepted.objects - accepted.parked / TASKS_PER_OBJECT
    await waitUntil(async () =>
      expect(await system.statistics()).toMatchObject({
        ...{ objects_created: accepted.objects + accepted.failed, objects_failed: accepted.failed },
        ...{ objects_completed: live, tasks_finished: live * TASKS_PER_OBJECT },
      }),
    )

    // The rule is in force, for what comes now, too; resolved, all of it comes back.
    expect(await operator.sideline(accepted.rule)).toMatchObject({ status: 'active', parked: accepted.parked })
    await system.createObjects(1, undefined, accepted.rule)
    await operator.untilSideline(accepted.rule, { parked: accepted.parked + TASKS_PER_OBJECT })
    await operator.act('resolve', accepted.rule)
    await operator.untilSideline(accepted.rule, { status: 'closed', parked: 0 })
    const queues = z.array(z.object({ name: z.string() }))
    const names = queues.parse(await vhost.management('GET', `/api/queues/${vhost.name}`)).map(({ name }) => name)
    expect(names).not.toContain(parkingQueueOf(accepted.rule, 'process_consume'))

    // Journeys that waited for their time, a person, a type.
    await until(`journeys/${waitsForTimer}`, { status: 'COMPLETED', activities: { call: { attempt: 2 } } })
    await until(`journeys/${waitsForPerson}`, { status: 'NEEDS_REMEDIATION' })
    const retry = { step: 'charge', input: anotherCard }
    expect((await operator.post(`/api/remediation/${waitsForPerson}/retry`, retry)).status).toBe(202)
    await until(`journeys/${waitsForType}`, { status: 'ACCEPTED' })
    expect((await system.ask('hub', '/api/definitions', { json: unborn })).status).toBe(201)
    for (const id of [waitsForPerson, waitsForType]) await until(`journeys/${id}`, { status: 'COMPLETED' })

    // The dead are listed, and nobody has joined them; tasks that died come back, poison stays.
    const total = Object.values(accepted.dead).reduce((sum, count) => sum + count, 0)
    expect(await operator.listDead()).toHaveLength(total)
    await expectQueues(system, accepted.dead)
    const tasks = accepted.failed * TASKS_PER_OBJECT
    const job = await operator.dead('replay', { type: 'TASK_CREATED' })
    await operator.untilReplay(job, { status: 'completed', total: tasks, handled: tasks, failed: 0 })
    await expectQueues(system, { 'process_consume.dead': 1, 'statistics.dead': 1 })

    const objects = accepted.objects + 1
    await waitUntil(async () =>
      expect(await system.statistics()).toMatchObject({
        ...{ objects_created: objects + accepted.failed, objects_completed: objects, objects_failed: accepted.failed },
        ...{ tasks_finished: objects * TASKS_PER_OBJECT + tasks, tasks_in_progress: 0 },
      }),
    )
    await waitUntil(async () =>
      expect((await system.ask('statistics', '/api/ledger')).json).toMatchObject({ balanced: true, imbalance: 0 }),
    )
  },
)
