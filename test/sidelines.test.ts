import { expect } from 'vitest'
import { z } from 'zod'
import { parkingQueueOf } from '../shared/topology.ts'
import { guest, standIn } from './support/guests.ts'
import { startLoad } from './support/load.ts'
import { distinct, onlooker } from './support/onlooker.ts'
import { Operator } from './support/operator.ts'
import { withOwnCounts } from './support/own-counts.ts'
import { expectAllDone } from './support/settled.ts'
import { testsOfOneSystem } from './support/shared-system.ts'
import {
  depthOf,
  ofTenants,
  parkingQueues,
  startedTasks,
  taskMessages,
  tasksByTenant,
  tenantsOf,
} from './support/tenants.ts'
import { waitUntil } from './support/wait-until.ts'

/** Most stories make their tasks by hand; those that need a distributor start one. */
const test = testsOfOneSystem({
  services: ['datagen', 'processor', 'hub', 'statistics'],
  env: { EBS_RETRY_PROCESS_CONSUME_MIN_MS: '100', EBS_GROUP_DEADLINE_WHILE_PARKED: 'frozen' },
})

test('S2-S4, S7: one of three tenants is set aside under load: none of it is handled live, nobody else notices, and all of it comes back', async ({
  system: shared,
}) => {
  const system = await withOwnCounts(shared)
  const operator = new Operator(system)
  await Promise.all([guest(system, 'distributor'), guest(system, 'processor')])
  const load = startLoad(system, ['acme', 'b', 'c'])
  await waitUntil(() => load.accepted >= 60)

  await operator.start('acme')
  const starts = await onlooker(system.vhost, 'tasks.started')
  // Another story may have made this onlooker's queue, which then has heard of what was handled before the rule.
  const { length: before } = await starts.heard()
  const started = async () => (await starts.heard()).slice(before)
  await waitUntil(async () => (await operator.sideline('acme')).parked >= 30)
  // Counted by what was heard: what statistics says may be of tasks that were started before anybody listened.
  const startsOf = async (tenant: string) => ofTenants(await started(), tenant).length
  for (const tenant of ['b', 'c']) await waitUntil(async () => (await startsOf(tenant)) >= 30)
  expect(tenantsOf(await started())).toEqual(new Set(['b', 'c']))
  const { parked } = await operator.sideline('acme')
  const job = await operator.act('resolve', 'acme', { canary: 10 })
  await operator.untilSideline('acme', { status: 'closed', parked: 0, actor: 'ann', reason: 'test' })
  const objects = await load.stop()

  await expectAllDone(system, { objects })
  expect(await parkingQueues(system.vhost, 'acme')).toEqual([])
  const { total, history } = await operator.replay(job)
  expect(total).toBeGreaterThanOrEqual(parked)
  expect(history).toContainEqual({ what: 'canary passed', detail: '10 sent, 0 failed' })
  expect((await operator.sideline('acme')).history).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ detail: expect.stringContaining('ann: test') }),
      expect.objectContaining({ detail: `${total} of ${total} handled, 0 failed: ${total} handled` }),
    ]),
  )
})

test.for([
  { first: 'of-a-tenant', second: 'of-fives', after: { own: 18, others: 18 }, left: 4 },
  { first: 'of-fives', second: 'of-a-tenant', after: { own: 0, others: 20 }, left: 20 },
])(
  'S5: two rules that overlap, $first resolved before $second: what both match comes back with the last of them, once',
  async ({ first, second, after, left }, { system }) => {
    const operator = new Operator(system)
    const starts = await onlooker(system.vhost, 'tasks.started')
    const named = (name: string) => `${name}-${first}-first`
    const [tenant, other] = [named('tenant'), named('other')]
    await operator.start(named('of-a-tenant'), { filter: `tenant == "${tenant}"` })
    await operator.start(named('of-fives'), { filter: 'event.task.id.endsWith("5")' })
    await system.publishMany([...taskMessages(tenant, 1, 20), ...taskMessages(other, 1, 20)])
    const finished = async () => {
      const { [tenant]: own, [other]: others } = await tasksByTenant(system)
      return { own: own?.finished ?? 0, others: others?.finished ?? 0 }
    }
    await waitUntil(async () => expect(await finished()).toEqual({ own: 0, others: 18 }))
    await operator.untilSideline(named('of-a-tenant'), { parked: 20 })
    await operator.untilSideline(named('of-fives'), { parked: 2 })

    await operator.act('resolve', named(first))
    await operator.untilSideline(named(first), { status: 'closed' })
    await waitUntil(async () => expect(await finished()).toEqual(after))
    await operator.untilSideline(named(second), { status: 'active', parked: left })
    expect(await depthOf(system.vhost, named(second))).toBe(left)
    await operator.act('resolve', named(second))
    await operator.untilSideline(named(second), { status: 'closed' })

    await waitUntil(async () => expect(await finished()).toEqual({ own: 20, others: 20 }))
    expect(startedTasks(ofTenants(await starts.heard(), tenant, other))).toHaveLength(40)
    expect(await parkingQueues(system.vhost, named(first), named(second))).toEqual([])
  },
)

const LIVE_FROM = 41
const LIVE_TO = 60

test('S4: resolved in order: a message that fails stops it, and one processor handles everything in the order in which it came', async ({
  system,
}) => {
  const operator = new Operator(system)
  const starts = await onlooker(system.vhost, 'tasks.started')
  await operator.start('ordered')
  await system.publishMany(taskMessages('ordered', 1, 40))
  await operator.untilSideline('ordered', { parked: 40 })
  const broken = await standIn(system, 'processor', { EBS_TASK_FAILURE_RATE: '1' })

  const job = await operator.act('resolve', 'ordered', { ordered: true })
  await operator.untilReplay(job, { status: 'stopped', moved: 1, handled: 0 })
  await operator.untilSideline('ordered', { status: 'draining', stopReason: expect.stringContaining('failed again') })
  expect(new Set(startedTasks(ofTenants(await starts.heard(), 'ordered')))).toEqual(new Set(['ordered-1']))
  await broken.kill('SIGTERM')
  await system.process('processor').restart()
  await waitUntil(async () => expect((await tasksByTenant(system)).ordered).toMatchObject({ finished: 1 }))
  expect((await operator.post(`/api/replays/${job}/resume`)).status).toBe(200)
  // Some are parked behind the others, some are held by the consumer, some are handled live.
  for (let n = LIVE_FROM; n <= LIVE_TO; n++) await system.publishMany(taskMessages('ordered', n, n))

  await operator.untilSideline('ordered', { status: 'closed' })
  await waitUntil(async () => expect((await tasksByTenant(system)).ordered).toMatchObject({ finished: LIVE_TO }))
  const inOrder = [...new Set(startedTasks(ofTenants(await starts.heard(), 'ordered')))]
  expect(inOrder).toEqual(Array.from({ length: LIVE_TO }, (_, i) => `ordered-${i + 1}`))
})

test('a parking queue deleted by hand while messages match is made anew: only what was in it is lost', async ({
  system,
}) => {
  const operator = new Operator(system)
  await operator.start('robbed')
  await system.publishMany(taskMessages('robbed', 1, 10))
  await operator.untilSideline('robbed', { parked: 10 })

  await system.vhost.deleteQueue(parkingQueueOf('robbed', 'process_consume'))
  await system.publishMany(taskMessages('robbed', 11, 40))
  await waitUntil(async () => expect(await depthOf(system.vhost, 'robbed')).toBe(30))
  await operator.act('resolve', 'robbed')

  await operator.untilSideline('robbed', { status: 'closed' })
  await waitUntil(async () =>
    expect(await tasksByTenant(system)).toMatchObject({ robbed: { created: 40, finished: 30 } }),
  )
  expect(await parkingQueues(system.vhost, 'robbed')).toEqual([])
})

const start = { id: 'other', filter: 'true', queues: ['process_consume'] }
const nonsense = 'tenant =='
/** Each is refused, and says what is wrong. */
const refusals: readonly { path: string; body?: Readonly<Record<string, unknown>>; status: number; says: RegExp }[] = [
  { path: '/api/sidelines', body: { ...start, filter: nonsense }, status: 422, says: /filter/ },
  {
    path: '/api/sidelines',
    body: { ...start, filter: `${'('.repeat(500)}true${')'.repeat(500)}` },
    status: 422,
    says: /filter/,
  },
  { path: '/api/sidelines', body: { ...start, queues: ['no_such_queue'] }, status: 422, says: /no_such_queue/ },
  { path: '/api/sidelines', body: { ...start, id: 'two words' }, status: 400, says: /id/ },
  { path: '/api/sidelines', body: { ...start, expiresAt: '2020-01-01T00:00:00Z' }, status: 422, says: /expiresAt/ },
  { path: '/api/sidelines', body: { ...start, id: 'standing' }, status: 409, says: /standing/ },
  { path: '/api/sidelines/nobody/resume', status: 404, says: /nobody/ },
  { path: '/api/sidelines/nobody/resolve', status: 404, says: /nobody/ },
  { path: '/api/sidelines/nobody/discard', status: 404, says: /nobody/ },
  { path: '/api/sidelines/standing/resolve', body: { rate: -1 }, status: 400, says: /rate/ },
  { path: '/api/dead/replay', body: { filter: { queue: 'process_consume' } }, status: 409, says: /nothing matches/ },
  { path: '/api/dead/replay', body: { filter: { where: nonsense } }, status: 422, says: /where/ },
  { path: '/api/dead/discard', body: { filter: {} }, status: 400, says: /empty/ },
  { path: '/api/dead/nobody/edit', body: { body: {} }, status: 404, says: /nobody/ },
  { path: '/api/replays/nobody/resume', status: 404, says: /nobody/ },
]
const command = { type: 'SIDELINE_COMMAND', actor: 'bob', reason: 'over the bus' }
const refusedOnBus: Readonly<Record<string, RegExp>> = {
  [JSON.stringify({ ...command, action: 'start', ...start, filter: nonsense })]: /filter/,
  [JSON.stringify({ ...command, action: 'start', ...start, queues: ['no_such_queue'] })]: /no_such_queue/,
  [JSON.stringify({ ...command, action: 'start', ...start, id: 'standing' })]: /another filter/,
  [JSON.stringify({ ...command, action: 'start', id: 'other' })]: /filter: missing/,
  [JSON.stringify({ ...command, action: 'resolve', id: 'nobody' })]: /no sideline rule 'nobody'/,
}

test('what makes no sense is refused with a reason, over HTTP and over the bus, and changes nothing', async ({
  system,
}) => {
  const operator = new Operator(system)
  await operator.start('standing')
  await system.publishMany(taskMessages('standing', 1, 5))
  await operator.untilSideline('standing', { parked: 5 })
  const standing = async () =>
    Promise.all(
      ['/api/sidelines', '/api/sidelines/standing', '/api/replays', '/api/dead'].map(
        async (path) => (await operator.get(path)).json,
      ),
    )
  const before = await standing()

  for (const { path, body = {}, status, says } of refusals) {
    const answer = await operator.post(path, body)
    expect(answer.status, JSON.stringify([path, body, answer.json])).toBe(status)
    expect(JSON.stringify(answer.json), path).toMatch(says)
  }
  expect(await standing()).toEqual(before)
  const earlier = (await operator.listDead('&queue=hub_consume')).map(({ id }) => id)
  for (const body of Object.keys(refusedOnBus)) await system.publish({ key: 'sidelines.command', body })
  const dead = async () => (await operator.listDead('&queue=hub_consume')).filter(({ id }) => !earlier.includes(id))
  await waitUntil(async () => expect(await dead()).toHaveLength(Object.keys(refusedOnBus).length))
  const errors = (await dead()).map(({ error }) => String(error))
  for (const says of Object.values(refusedOnBus)) expect(errors).toContainEqual(expect.stringMatching(says))
  expect((await standing()).slice(0, 3)).toEqual(before.slice(0, 3))
  expect(await depthOf(system.vhost, 'standing')).toBe(5)

  await system.publish({ key: 'sidelines.command', body: { ...command, action: 'resolve', id: 'standing' } })
  await operator.untilSideline('standing', { status: 'closed', lastCommand: { actor: 'bob', reason: 'over the bus' } })
  await waitUntil(async () => expect((await tasksByTenant(system)).standing).toMatchObject({ finished: 5 }))
})

const DEADLINE_MS = 4_000
const course = z.looseObject({
  status: z.string(),
  createdAt: z.iso.datetime(),
  held: z.array(z.looseObject({ where: z.string(), type: z.string(), rule: z.string() })),
})

test('a group whose tasks are set aside shows where they are, and with a frozen deadline it waits for them', async ({
  system,
}) => {
  await guest(system, 'distributor', { EBS_OBJECT_DEADLINE_MS: String(DEADLINE_MS) })
  const operator = new Operator(system)
  const ends = await onlooker(system.vhost, 'objects.completed', 'objects.failed')
  await operator.start('frozen')
  await system.createObjects(1, undefined, 'frozen')
  const [{ id } = { id: '' }] = await waitUntil(async () => {
    const rows = await system.rows(z.object({ id: z.string() }), "select id from objects where tenant = 'frozen'")
    expect(rows).toHaveLength(1)
    return rows
  })
  const shown = async () => course.parse((await operator.get(`/api/groups/${id}`)).json)

  const { use } = await operator.sideline('frozen')
  const where = parkingQueueOf('frozen', 'process_consume')
  const one = { where, type: 'TASK_CREATED', rule: use, state: 'held' }
  await waitUntil(async () => expect(await shown()).toMatchObject({ status: 'open', held: [one, one, one] }))
  const { createdAt } = await shown()
  await waitUntil(() => Date.now() > Date.parse(createdAt) + DEADLINE_MS + 500)
  expect(await shown()).toMatchObject({ status: 'open', timers: [], frozenTimers: [{}] })
  await operator.act('resolve', 'frozen')

  await waitUntil(async () => expect(await shown()).toMatchObject({ status: 'success', held: [] }))
  const told = async () => distinct(await ends.heard()).flatMap(({ key, body }) => (body.objectId === id ? [key] : []))
  await waitUntil(async () => expect(await told()).toEqual(['objects.completed']))
})

test('S8: with a circuit breaker a tenant whose tasks fail is set aside by itself, and comes back by itself when they succeed', async ({
  system,
}) => {
  const env = {
    EBS_BREAKER_PROCESS_CONSUME: 'on',
    EBS_BREAKER_PROCESS_CONSUME_MIN: '5',
    EBS_BREAKER_PROCESS_CONSUME_PROBE_MS: '1000',
    EBS_RETRY_PROCESS_CONSUME_POLICY: 'never',
  }
  const operator = new Operator(system)
  await system.publishMany(taskMessages('sound', 1, 20))
  await waitUntil(async () => expect((await tasksByTenant(system)).sound).toMatchObject({ finished: 20 }))
  const broken = await standIn(system, 'processor', { ...env, EBS_TASK_FAILURE_RATE: '1' })
  const id = 'breaker.process_consume.failing'

  await system.publishMany(taskMessages('failing', 1, 10))
  await operator.untilSideline(id, { status: 'active', actor: 'breaker@processor' })
  await system.publishMany(taskMessages('failing', 11, 40))
  await waitUntil(async () =>
    expect((await operator.listDead('&tenant=failing')).length + (await operator.sideline(id)).parked).toBe(40),
  )
  expect((await operator.sideline(id)).parked).toBeGreaterThanOrEqual(20)
  await waitUntil(async () =>
    expect((await operator.sideline(id)).history).toContainEqual(
      expect.objectContaining({ detail: expect.stringContaining('0 of 1 handled') }),
    ),
  )
  await broken.kill('SIGTERM')
  await guest(system, 'processor', env)

  await operator.untilSideline(id, { status: 'closed' })
  const dead = await operator.listDead('&tenant=failing')
  await waitUntil(async () =>
    expect((await tasksByTenant(system)).failing).toMatchObject({ finished: 40 - dead.length }),
  )
  await operator.dead('replay', { tenant: 'failing' })
  await waitUntil(async () =>
    expect((await tasksByTenant(system)).failing).toMatchObject({ created: 40, finished: 40 }),
  )
})
