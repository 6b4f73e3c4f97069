import type { Body } from '../../../shared/events.ts'
import { rowOf } from '../../../shared/events.ts'
import type { RecordedEvent } from '../store.ts'

/** 2024-01-01T00:00:00.000Z */
export const START_MS = 1_704_067_200_000

/** The events of these tests, in few words. */
export const objectCreated = (objectId: string): Body<'OBJECT_CREATED'> => ({
  type: 'OBJECT_CREATED',
  object: object(objectId),
})

export const taskCreated = (objectId: string, index: number, of: number): Body<'TASK_CREATED'> => ({
  type: 'TASK_CREATED',
  task: { id: `${objectId}-${index}`, objectId, index, of, tenant: 'acme' },
  object: object(objectId),
})

export const started = (taskId: string, attempt = 1): Body<'TASK_STARTED'> => ({
  type: 'TASK_STARTED',
  ...run(taskId, attempt),
})

export const finished = (taskId: string, durationMs = 10, attempt = 1): Body<'TASK_FINISHED'> => ({
  type: 'TASK_FINISHED',
  ...run(taskId, attempt),
  durationMs,
})

export const failed = (taskId: string, final: boolean, attempt = 1): Body<'TASK_FAILED'> => ({
  type: 'TASK_FAILED',
  ...run(taskId, attempt),
  durationMs: 10,
  error: 'no',
  final,
})

export const completed = (objectId: string, durationMs = 40): Body<'OBJECT_COMPLETED'> => ({
  type: 'OBJECT_COMPLETED',
  ...end(objectId, durationMs),
})

export const objectFailed = (objectId: string, durationMs = 60): Body<'OBJECT_FAILED'> => ({
  type: 'OBJECT_FAILED',
  ...end(objectId, durationMs),
  error: 'no',
  missing: [`${objectId}-1`],
})

export const dead = (messageId: string): Body<'MESSAGE_DEAD'> => ({
  type: 'MESSAGE_DEAD',
  queue: 'process_consume',
  messageId,
  reason: 'exhausted',
})

export const parked = (messageId: string): Body<'MESSAGE_PARKED'> => ({
  type: 'MESSAGE_PARKED',
  queue: 'process_consume',
  messageId,
  reason: 'the database of acme is down',
  rule: 'acme#1',
})

export const replayed = (messageId: string): Body<'MESSAGE_REPLAYED'> => ({
  type: 'MESSAGE_REPLAYED',
  queue: 'process_consume',
  messageId,
  reason: 'handled',
  replay: { job: 'j', held: 'h' },
})

/** An event of the catalogue as it is counted, `afterMs` after the start. */
export const told = (body: Body, afterMs = 0): RecordedEvent => ({
  type: body.type,
  key: rowOf(body.type).key,
  atMs: START_MS + afterMs,
  tenant: 'acme',
  body,
  unheard: false,
})

/** All that happens to an object of `of` tasks that all finish: it ends 30 ms after its creation, 32 ms as the end says. */
export const flow = (objectId: string, of: number): RecordedEvent[] => [
  told(objectCreated(objectId)),
  ...Array.from({ length: of }, (_, i) => {
    const id = `${objectId}-${i + 1}`
    return [told(taskCreated(objectId, i + 1, of), 5), told(started(id), 10), told(finished(id, 20 + i), 30 + i)]
  }).flat(),
  told(completed(objectId, 32), 30),
]

const object = (id: string) => ({
  id,
  tenant: 'acme',
  name: id,
  content: '',
  createdAt: new Date(START_MS).toISOString(),
})

const end = (objectId: string, durationMs: number) => ({ objectId, tenant: 'acme', durationMs, tasks: 1 })

const run = (taskId: string, attempt: number) => ({
  taskId,
  objectId: taskId.slice(0, taskId.lastIndexOf('-')),
  processor: `processor ${attempt}`,
  attempt,
})
