import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import { z } from 'zod'
import { withOwnCounts } from './support/own-counts.ts'
import { expectAllDone, expectQueues } from './support/settled.ts'
import { testsOfOneSystem } from './support/shared-system.ts'
import type { HandMade, System } from './support/system.ts'
import type { Totals } from './support/totals.ts'
import { waitUntil } from './support/wait-until.ts'

/** Above what these tests take: what is made by hand does not balance, and the ledger would tell in between. */
const test = testsOfOneSystem({ env: { EBS_LEDGER_SETTLE_MS: '86400000' } })

const CAPTURED = 'captured'
const captured = z.array(
  z.object({ routing_key: z.string(), payload: z.string(), properties: z.record(z.string(), z.unknown()) }),
)

/** A queue that hears everything, as somebody who looks on would bind it. */
async function capture({ vhost: { management, name } }: System): Promise<() => Promise<HandMade[]>> {
  const queue = `${name}/${CAPTURED}`
  await management('PUT', `/api/queues/${queue}`, { durable: true })
  await management('POST', `/api/bindings/${name}/e/ebs/q/${CAPTURED}`, { routing_key: '#' })
  return async () => {
    await management('DELETE', `/api/bindings/${name}/e/ebs/q/${CAPTURED}/%23`)
    const how = { count: 1_000, ackmode: 'ack_requeue_false', encoding: 'auto' }
    const messages = captured.parse(await management('POST', `/api/queues/${queue}/get`, how))
    return messages.map(({ routing_key: key, payload: body, properties }) => ({ key, body, properties }))
  }
}

const typeOf = ({ body }: HandMade) => z.object({ type: z.string() }).parse(JSON.parse(String(body))).type
const countsOf = ({ updated_at: _, ...totals }: Totals) => totals
const failedByHand = (objectId: string) => ({
  type: 'TASK_FAILED',
  taskId: `${objectId}.1`,
  objectId,
  processor: 'hand',
  attempt: 1,
  durationMs: 1,
  error: 'by hand',
  final: true,
})

/** What happens to objects and tasks, and to a message that nobody can read. */
const objectFlow = new Set([
  ...['OBJECT_CREATED', 'EventGroupCollectorCreate', 'TASK_CREATED', 'TASK_STARTED', 'TASK_FINISHED', 'TASK_FAILED'],
  ...['OBJECT_COMPLETED', 'MESSAGE_DEAD'],
])

/** One object with three finished tasks, one dead message and one failed task. */
async function everyEvent(system: System): Promise<HandMade[]> {
  const captureAll = await capture(system)
  const id = randomUUID()
  await system.createObjects(1)
  await system.publish({ key: 'objects', body: 'poison', properties: { message_id: `poison-${id}` } })
  await system.publish({ key: 'tasks.failed', body: failedByHand(id), properties: { message_id: `failed-${id}` } })
  const totals = { tasks_finished: 3, objects_completed: 1, tasks_failed: 1, messages_dead: 2 }
  await waitUntil(async () => expect(await system.statistics()).toMatchObject(totals))
  const events = (await captureAll()).filter(({ body }) => body !== 'poison')
  expect(new Set(events.map(typeOf))).toEqual(objectFlow)
  return events
}

/** Resolves when all that was published before has been counted: the queue of statistics is first in, first out. */
async function fence(system: System, type: string): Promise<void> {
  await system.publish({ key: 'fence', body: { type } })
  await waitUntil(async () => (await system.events())[type] === 1)
}

const duplicates = async (system: System) => {
  const text = await (await fetch(`${system.process('statistics').url}/metrics`)).text()
  return Number(/^ebs_messages_duplicate_total\{queue="statistics"\} (\d+)/m.exec(text)?.[1] ?? 0)
}

/** Gives a wait for so many messages more that were there before. Behind it nothing comes any more that another test would count. */
async function duplicatesFromNow(system: System): Promise<(count: number) => Promise<void>> {
  const before = await duplicates(system)
  return (count) => waitUntil(async () => expect((await duplicates(system)) - before).toBe(count))
}

/** What comes again of an object that is split once more, with its tasks; and of a task that is worked on once more. */
const [OF_SPLIT, OF_RUN, TASKS] = [4, 2, 3]

const DEAD = { 'distributor_consume.dead': 1, 'statistics.dead': 1 }

test('D3: every event delivered three times with the same message id changes nothing', async ({ system: shared }) => {
  const system = await withOwnCounts(shared)
  const events = await everyEvent(system)
  const before = { totals: countsOf(await system.statistics()), events: await system.events() }
  const untilDuplicates = await duplicatesFromNow(system)

  for (const event of [...events, ...events]) await system.publish(event)

  // The copies, and what the distributor and the processor made of them once more: each object is split twice, each task worked on
  // twice for its own copies and twice for those of its object.
  const copies = 2 * events.length
  await untilDuplicates(copies + 2 * OF_SPLIT + (2 + 2) * TASKS * OF_RUN)
  await expectQueues(system, DEAD)
  expect({ totals: countsOf(await system.statistics()), events: await system.events() }).toEqual(before)
})

test('pasting the same body twice, without any properties, is the same event', async ({ system: shared }) => {
  const system = await withOwnCounts(shared)
  const events = await everyEvent(system)
  const before = countsOf(await system.statistics())
  const untilDuplicates = await duplicatesFromNow(system)

  for (const { key, body } of [...events, ...events]) await system.publish({ key, body })

  // A pasted copy is an event of its own, once: its task is worked on again, and the totals by object and task stay as they are.
  const objects = { OBJECT_CREATED: 2, EventGroupCollectorCreate: 1 + 1 + 1, OBJECT_COMPLETED: 2 }
  const counted = { ...objects, TASK_CREATED: 3 + 3 + 3, TASK_STARTED: 3 + 3 + 6, TASK_FINISHED: 3 + 3 + 6 }
  await waitUntil(async () => expect(await system.events()).toMatchObject(counted))
  // The second copies, and what was made of them.
  await untilDuplicates(events.length + OF_SPLIT + 2 * TASKS * OF_RUN)
  await expectQueues(system, DEAD)
  await fence(system, 'ALL_PASTED')
  expect(await system.events()).toMatchObject({ ...counted, TASK_FAILED: 2, MESSAGE_DEAD: 4 })
  const died = before.messages_dead * 2
  expect(countsOf(await system.statistics())).toEqual({ ...before, messages_dead: died })
})

test('a body pasted in place of curl makes an object, also when it is pasted three times', async ({
  system: shared,
}) => {
  const system = await withOwnCounts(shared)
  const untilDuplicates = await duplicatesFromNow(system)
  const object = { id: 'pasted', tenant: 'acme', name: 'pasted', content: '', createdAt: '2026-01-01T00:00:00Z' }
  for (const body of Array.from({ length: 3 }, () => ({ type: 'OBJECT_CREATED', object })))
    await system.publish({ key: 'objects', body })
  await untilDuplicates(2 + 2 * OF_SPLIT + 2 * TASKS * OF_RUN)
  await expectAllDone(system, { objects: 1 })
})
