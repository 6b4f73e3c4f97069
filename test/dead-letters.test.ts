import { type Channel, connect } from 'amqplib'
import { expect } from 'vitest'
import { z } from 'zod'
import { deadQueueOf, unroutedQueue } from '../shared/topology.ts'
import { guest } from './support/guests.ts'
import { type HeardMessage, onlooker } from './support/onlooker.ts'
import { Operator } from './support/operator.ts'
import { testsOfOneSystem } from './support/shared-system.ts'
import type { System } from './support/system.ts'
import { taskMessage, taskMessages, tasksByTenant } from './support/tenants.ts'
import type { TestVhost } from './support/vhost.ts'
import { waitUntil } from './support/wait-until.ts'

/** Without a processor: each story starts the one that it wants. */
const test = testsOfOneSystem({ services: ['datagen', 'distributor', 'hub', 'statistics'] })

const QUEUE = 'process_consume'
const DEAD = deadQueueOf(QUEUE)
const TASKS = 30
const CANARY = 10
const OF_DEPLOYED = '&tenant=deployed'
const BUG = { EBS_TASK_FAILURE_RATE: '1', EBS_RETRY_PROCESS_CONSUME_POLICY: 'never' }

test('S7, R5: a bad deploy fills the dead queue with one group; the canary stops by itself; mended, everything comes back', async ({
  system,
}) => {
  const operator = new Operator(system)
  const before = await system.events()
  const broken = await guest(system, 'processor', BUG)
  await system.publishMany(taskMessages('deployed', 1, TASKS))
  const groups = async () => (await operator.deadGroups(OF_DEPLOYED)).map(({ count, error }) => ({ count, error }))
  const error = expect.stringContaining('simulated failure')
  await waitUntil(async () => expect(await groups()).toEqual([{ count: TASKS, error }]))
  const [{ fingerprint } = { fingerprint: '' }] = await operator.deadGroups(OF_DEPLOYED)

  const job = await operator.dead('replay', { fingerprint }, { canary: CANARY })
  const stopReason = expect.stringContaining('failed again')
  await operator.untilReplay(job, { status: 'stopped', moved: CANARY, handled: 0, dead: CANARY, stopReason })
  // Those of the canary are dead again, and look as they did.
  await waitUntil(async () => expect(await groups()).toEqual([{ count: TASKS, error }]))
  // What the job looks through comes back to the queue when it has stopped for a moment.
  await waitUntil(async () => expect(await system.vhost.depth(DEAD)).toBe(TASKS))
  await broken.kill('SIGTERM')
  await guest(system, 'processor')
  expect((await operator.post(`/api/replays/${job}/resume`)).status).toBe(200)
  await operator.untilReplay(job, { status: 'completed', moved: TASKS, handled: TASKS - CANARY, dead: CANARY })
  await waitUntil(async () => expect(await groups()).toEqual([{ count: CANARY, error }]))
  const rest = await operator.dead('replay', { fingerprint })
  await operator.untilReplay(rest, { status: 'completed', handled: CANARY, failed: 0 })

  expect(await groups()).toEqual([])
  expect(await operator.listDead(OF_DEPLOYED)).toEqual([])
  expect(await system.vhost.depth(DEAD)).toBe(0)
  await waitUntil(async () => expect((await tasksByTenant(system)).deployed).toMatchObject({ finished: TASKS }))
  const { TASK_FINISHED: finished = 0, MESSAGE_REPLAYED: replayed = 0 } = before
  expect(await system.events()).toMatchObject({ TASK_FINISHED: finished + TASKS, MESSAGE_REPLAYED: replayed + TASKS })
})

/** Works on a channel of its own, as any other program could. */
async function withChannel<T>({ url }: TestVhost, work: (channel: Channel) => Promise<T>): Promise<T> {
  const connection = await connect(url)
  try {
    const channel = await connection.createChannel()
    const result = await work(channel)
    // What was settled is on its way before it is closed.
    await channel.close()
    return result
  } finally {
    await connection.close()
  }
}

const task = z.object({ task: z.object({ id: z.string(), objectId: z.string() }) })

/** A task of an object of this tenant that nobody has begun to work on; gives what is said of failures from now on. */
async function objectWithTask(system: System, tenant: string): Promise<() => Promise<readonly HeardMessage[]>> {
  const ends = await onlooker(system.vhost, 'objects.failed', 'tasks.failed', 'messages.dead')
  const { length: before } = await ends.heard()
  await system.createObjects(1, undefined, tenant)
  await waitUntil(async () => expect(await system.vhost.depth(QUEUE)).toBe(3))
  return async () => (await ends.heard()).slice(before)
}

/** As the consumer reads it: so often a message came back from consumers that died. */
const CRASHES_MAX = 12

test('R6: a message that ends its consumers is dead-lettered by the next one, told once, and its object fails', async ({
  system,
}) => {
  const operator = new Operator(system)
  const said = await objectWithTask(system, 'crashing')
  // The same one comes first again, each time.
  for (let crash = 0; crash < CRASHES_MAX; crash++)
    await withChannel(system.vhost, async (channel) => expect(await channel.get(QUEUE)).toMatchObject({}))

  await guest(system, 'processor')

  const dead = () => operator.listDead('&tenant=crashing')
  await waitUntil(async () => expect(await dead()).toMatchObject([{ reason: 'crashed', attempts: 1 }]))
  await waitUntil(async () => expect((await said()).map(({ key }) => key)).toContain('objects.failed'))
  expect((await said()).map(({ key }) => key).toSorted()).toEqual(['messages.dead', 'objects.failed', 'tasks.failed'])
  // The others of the object are done, and counted before the next story counts.
  await waitUntil(async () => expect((await tasksByTenant(system)).crashing).toMatchObject({ finished: 2 }))
  const dropped = await operator.dead('discard', { tenant: 'crashing' })
  await operator.untilReplay(dropped, { status: 'completed', handled: 1 })
})

/** The hub compares its catalogue with the queues every 10 s, and acts on what differs twice. */
const ADOPTED_MS_MAX = 60_000

test('R6: what the broker dead-letters, and what no queue wants, is found, told and brought back', async ({
  system,
}) => {
  const operator = new Operator(system)
  const before = await system.events()
  const { management, name } = system.vhost
  const binding = `/api/bindings/${name}/e/ebs/q/statistics`
  await management('DELETE', `${binding}/%23`)
  await system.publish({ key: 'weather.today', body: { type: 'RAIN', mm: 7 } })
  await waitUntil(async () => expect(await system.vhost.depth(unroutedQueue)).toBe(1))
  await management('POST', binding, { routing_key: '#' })
  const said = await objectWithTask(system, 'rejected')
  const rejected = await withChannel(system.vhost, async (channel) => {
    const message = await channel.get(QUEUE)
    if (!message) throw new Error('The queue is empty.')
    channel.reject(message, false)
    return task.parse(JSON.parse(message.content.toString())).task
  })

  const found = async () => [
    await operator.listDead(`&queue=${QUEUE}`),
    await operator.listDead(`&queue=${unroutedQueue}`),
  ]
  await waitUntil(async () => {
    const [dead, unrouted] = await found()
    expect(dead).toMatchObject([{ reason: 'crashed', type: 'TASK_CREATED', state: 'held' }])
    expect(unrouted).toMatchObject([{ place: unroutedQueue, queue: null, key: 'weather.today', type: 'RAIN' }])
  }, ADOPTED_MS_MAX)
  await waitUntil(async () => expect((await said()).map(({ key }) => key)).toContain('objects.failed'))
  const told = (await said()).map(({ key, body }) => ({ key, ...body }))
  expect(told).toHaveLength(3)
  expect(told).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ key: 'messages.dead', reason: 'crashed', queue: QUEUE }),
      expect.objectContaining({ key: 'tasks.failed', taskId: rejected.id, final: true }),
      expect.objectContaining({ key: 'objects.failed', objectId: rejected.objectId }),
    ]),
  )
  const headers = { 'x-ebs-queue': QUEUE, 'x-ebs-reason': 'crashed', 'x-ebs-held': expect.any(String) }
  expect(await system.vhost.peek(DEAD, 2)).toMatchObject([{ properties: { headers } }])

  await guest(system, 'processor')
  const jobs = [
    await operator.dead('replay', { queue: QUEUE }),
    await operator.dead('replay', { queue: unroutedQueue }),
  ]
  for (const job of jobs) await operator.untilReplay(job, { status: 'completed', total: 1, handled: 1 })
  const { RAIN: rain = 0, TASK_FINISHED: finished = 0 } = before
  await waitUntil(async () =>
    expect(await system.events()).toMatchObject({ RAIN: rain + 1, TASK_FINISHED: finished + 3 }),
  )
  expect(await found()).toEqual([[], []])
  for (const queue of [DEAD, unroutedQueue]) expect(await system.vhost.depth(queue)).toBe(0)
})

const shown = z.looseObject({ body: z.unknown(), edited: z.string().nullable(), state: z.string() })

test('R5: a dead letter is mended only into what its type wants, and is handled as mended; others are dropped or archived', async ({
  system,
}) => {
  const operator = new Operator(system)
  await guest(system, 'processor')
  const bodyOf = (n: number) => ({ ...Object(taskMessage('mended', n).body) })
  for (const n of [1, 2, 3]) {
    const body = { ...bodyOf(n), task: { ...bodyOf(n).task, index: 0 } }
    await system.publish({ key: 'task-requests', body, properties: { message_id: `poison-${n}` } })
  }
  const list = async (query = '') => {
    const all = await operator.listDead(`&queue=${QUEUE}${query}`)
    return all.filter(({ messageId }) => messageId.startsWith('poison-'))
  }
  await waitUntil(async () => expect(await list()).toHaveLength(3))
  const idOf = async (n: number) => (await list()).find(({ messageId }) => messageId === `poison-${n}`)?.id ?? ''
  const [first, second, third] = [await idOf(1), await idOf(2), await idOf(3)]
  const show = async () => shown.parse((await operator.get(`/api/dead/${first}`)).json)
  const before = await show()

  const bad = { ...bodyOf(1), task: { ...bodyOf(1).task, index: 'one' } }
  expect(await operator.post(`/api/dead/${first}/edit`, { body: bad })).toMatchObject({
    status: 422,
    json: { errors: [{ field: 'task.index' }] },
  })
  expect(await show()).toEqual(before)
  expect((await operator.post(`/api/dead/${first}/edit`, { body: bodyOf(1) })).status).toBe(200)
  expect(await show()).toMatchObject({ body: bodyOf(1), edited: expect.stringContaining('ann') })
  const mended = await operator.dead('replay', { ids: [first] })
  await operator.untilReplay(mended, { status: 'completed', handled: 1 })
  await operator.untilReplay(await operator.dead('discard', { ids: [second] }), { status: 'completed', handled: 1 })
  await operator.untilReplay(await operator.dead('archive', { ids: [third] }), { status: 'completed', handled: 1 })

  await waitUntil(async () => expect((await tasksByTenant(system)).mended).toMatchObject({ finished: 1 }))
  expect(await list()).toEqual([])
  const ends = Object.fromEntries((await list('&state=all')).map(({ messageId, state }) => [messageId, state]))
  expect(ends).toEqual({ 'poison-1': 'handled', 'poison-2': 'discarded', 'poison-3': 'archived' })
  expect(await system.vhost.depth(DEAD)).toBe(0)
})
