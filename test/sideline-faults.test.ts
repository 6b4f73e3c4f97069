import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Load, startLoad } from './support/load.ts'
import { Operator } from './support/operator.ts'
import { hasRabbitmqServer, type PrivateBroker, privateBroker } from './support/private-broker.ts'
import { expectAllDone, TASKS_PER_OBJECT } from './support/settled.ts'
import { type System, startSystem } from './support/system.ts'
import { depthOf, parkingQueues, taskMessages, tasksByTenant } from './support/tenants.ts'
import { testVhost } from './support/vhost.ts'
import { waitUntil } from './support/wait-until.ts'

const services = ['datagen', 'distributor', 'processor', 'processor', 'hub', 'statistics'] as const
const TENANTS = ['acme', 'b']
const KILLS = 3
const OBJECTS_BETWEEN_KILLS_MAX = 40

const tasksIn = (load: Load, tenant: string) => (load.byTenant.get(tenant) ?? 0) * TASKS_PER_OBJECT

/** Waits until nothing is under way, and expects that all of acme is parked but `handled`, and none of the others. */
async function expectNoLeak(system: System, load: Load, handled = 0): Promise<void> {
  const [acme, b] = [tasksIn(load, 'acme'), tasksIn(load, 'b')]
  await waitUntil(async () =>
    expect(await tasksByTenant(system)).toEqual({
      acme: { created: acme, started: handled, finished: handled },
      b: { created: b, started: b, finished: b },
    }),
  )
  await new Operator(system).untilSideline('acme', { parked: acme - handled })
  // One more of a message that was parked by a consumer which did not live to ack it.
  expect(await depthOf(system.vhost, 'acme')).toBeGreaterThanOrEqual(acme - handled)
  expect(await system.statistics()).toMatchObject({ messages_dead: 0 })
}

test('D6, S3: processors killed under load while a tenant is set aside: not one leak, nothing lost, each task finished once', async () => {
  await using system = await startSystem({ services })
  const operator = new Operator(system)
  await operator.start('acme')
  const load = startLoad(system, TENANTS)
  for (let kill = 0; kill < KILLS; kill++) {
    const killAt = load.accepted + 10 + Math.random() * OBJECTS_BETWEEN_KILLS_MAX
    await waitUntil(() => load.accepted >= killAt)
    const processor = system.process(kill % 2 === 0 ? 'processor' : 'processor-2')
    await processor.kill()
    await processor.restart()
  }
  const objects = await load.stop()
  await expectNoLeak(system, load)

  await operator.act('resolve', 'acme')

  await operator.untilSideline('acme', { status: 'closed', parked: 0 })
  await expectAllDone(system, { objects })
  expect(await parkingQueues(system.vhost)).toEqual([])
})

const PARKED = 60

test.each([
  { who: 'the hub', name: 'hub' },
  { who: 'the consumer', name: 'processor' },
])('S6: $who killed twice in the middle of a replay: it goes on, and nothing is done twice', async ({ name }) => {
  await using system = await startSystem({ services: ['processor', 'hub', 'statistics'] })
  const operator = new Operator(system)
  await operator.start('acme')
  await system.publishMany(taskMessages('acme', 1, PARKED))
  await operator.untilSideline('acme', { parked: PARKED })

  const job = await operator.act('resolve', 'acme', { canary: 5, rate: 15 })
  for (const moved of [10, 30]) {
    await waitUntil(async () => (await operator.replay(job)).moved >= moved)
    expect((await operator.replay(job)).status).toBe('running')
    await system.process(name).kill()
    await system.process(name).restart()
  }

  await operator.untilSideline('acme', { status: 'closed' })
  expect(await operator.replay(job)).toMatchObject({ status: 'completed', total: PARKED, handled: PARKED, failed: 0 })
  const all = { created: PARKED, started: PARKED, finished: PARKED }
  await waitUntil(async () => expect(await tasksByTenant(system)).toEqual({ acme: all }))
  const once = { TASK_STARTED: PARKED, TASK_FINISHED: PARKED, MESSAGE_PARKED: PARKED, MESSAGE_REPLAYED: PARKED }
  expect(await system.events()).toMatchObject(once)
  expect(await parkingQueues(system.vhost)).toEqual([])
})

/**
 * RabbitMQ 3.10 may lose a quorum queue, with what is in it, when it is killed in the second in which the queue was declared: a fault of
 * the broker, which no test of ours can pass. The load makes 50 objects of a tenant a second at most, so when the tasks of this many are
 * parked, their queue is older than that.
 */
const FRESH_OBJECTS = 100
/** Long enough to be interrupted. */
const REPLAY_S = 5

describe.runIf(hasRabbitmqServer)('with a broker of its own', () => {
  let broker: PrivateBroker

  beforeAll(async () => {
    broker = await privateBroker()
    await broker.boot()
  })
  afterAll(async () => {
    await broker[Symbol.asyncDispose]()
  })

  test('S4, S6: started, resumed and resolved under load while everything is killed four times, the broker too: not one leak', async () => {
    const vhost = await testVhost(broker)
    await using system = await startSystem({ vhost, services })
    const operator = new Operator(system)
    const restart = async () => {
      await Promise.all([broker.kill(), ...system.processes.map((one) => one.kill())])
      await Promise.all([broker.boot(), ...system.processes.map((one) => one.restart())])
    }
    const parkedMore = async (count: number) => {
      const { parked } = await operator.sideline('acme')
      await waitUntil(async () => (await operator.sideline('acme')).parked >= parked + count)
    }
    await operator.start('acme')
    const load = startLoad(system, TENANTS)
    await parkedMore(FRESH_OBJECTS * TASKS_PER_OBJECT)

    await restart()
    await parkedMore(30)
    const objects = await load.stop()
    await expectNoLeak(system, load)

    const resumed = await operator.act('resume', 'acme', { canary: 5, rate: tasksIn(load, 'acme') / REPLAY_S })
    await waitUntil(async () => (await operator.replay(resumed)).moved >= 20)
    await restart()
    await operator.untilReplay(resumed, { status: 'completed', failed: 0 })
    await operator.untilSideline('acme', { status: 'active' })
    const { handled } = await operator.replay(resumed)
    await expectNoLeak(system, load, handled)

    await restart()
    const more = startLoad(system, TENANTS)
    await parkedMore(30)
    const { parked } = await operator.sideline('acme')
    const resolved = await operator.act('resolve', 'acme', { canary: 5, rate: parked / REPLAY_S })
    await waitUntil(async () => (await operator.replay(resolved)).moved >= 10)
    await restart()
    const others = await more.stop()
    await operator.untilSideline('acme', { status: 'closed', parked: 0 })

    await expectAllDone(system, { objects: objects + others, withinMs: 60_000 })
    expect(await parkingQueues(vhost)).toEqual([])
  })
})
