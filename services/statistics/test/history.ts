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

export const dead = (messageId: string): Body<'MESSAGE_DEAD'> => ({
  type: 'MESSAGE_DEAD',
  queue: 'process_consume',
  messageId,
  reason: 'exhausted',
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

const object = (id: string) => ({
  id,
  tenant: 'acme',
  name: id,
  content: '',
  createdAt: new Date(START_MS).toISOString(),
})

const run = (taskId: string, attempt: number) => ({
  taskId,
  objectId: taskId.slice(0, taskId.lastIndexOf('-')),
  processor: `processor ${attempt}`,
  attempt,
})
