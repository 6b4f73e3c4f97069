import { z } from 'zod'

/**
 * The catalogue: every event of the platform, its routing key, what it means and the shape of its body.
 *
 * A body is plain JSON with its `type` inside, so a person can paste one into the management UI. Everything else about a
 * message (id, correlation, tenant, attempt) travels in the AMQP properties; see `bus/envelope.ts`.
 * To add an event, add a row.
 */

const id = z.string().min(1).max(128)
const tenant = z.string().min(1).max(64)
const millis = z.number().nonnegative()
const text = (max: number) => z.string().max(max)

/** The thing whose way through the system users watch. `createdAt` is ISO 8601 with an offset. */
export const objectSchema = z.object({
  id,
  tenant,
  name: text(256).min(1),
  content: text(65_536),
  createdAt: z.iso.datetime({ offset: true }),
})

/** One of the `of` pieces of work that an object is split into; `index` counts from 1. */
export const taskSchema = z.object({
  id,
  objectId: id,
  index: z.int().min(1),
  of: z.int().min(1),
  tenant,
})

const taskRun = { taskId: id, objectId: id, processor: text(128), attempt: z.int().min(1) }

type Row = {
  /** Routing key on the exchange `ebs`. */
  readonly key: string
  readonly meaning: string
  readonly body: z.ZodObject
  /** The event belongs to one attempt: its id is derived from the attempt too, so that each attempt has its own. */
  readonly perAttempt?: true
  /** Only observers hear it, so that `statistics` does not list it as unheard. */
  readonly observed?: true
}

export const catalogue = {
  OBJECT_CREATED: {
    key: 'objects',
    meaning: 'An object was stored by datagen and wants to be split into tasks.',
    body: z.object({ object: objectSchema }),
  },
  TASK_CREATED: {
    key: 'task-requests',
    meaning: 'A task waits for a processor.',
    body: z.object({ task: taskSchema, object: objectSchema }),
  },
  TASK_STARTED: {
    key: 'tasks.started',
    meaning: 'A processor began an attempt at a task.',
    body: z.object(taskRun),
    perAttempt: true,
    observed: true,
  },
  TASK_FINISHED: {
    key: 'tasks.finished',
    meaning: 'A task is done.',
    body: z.object({ ...taskRun, durationMs: millis, result: text(1_024).optional() }),
    observed: true,
  },
  TASK_FAILED: {
    key: 'tasks.failed',
    meaning: 'An attempt at a task failed; `final` says that no other attempt follows.',
    body: z.object({ ...taskRun, durationMs: millis, error: text(2_048), final: z.boolean() }),
    perAttempt: true,
    observed: true,
  },
  MESSAGE_DEAD: {
    key: 'messages.dead',
    meaning: 'A message was moved to `<queue>.dead` and will not come back by itself.',
    body: z.object({
      queue: text(255),
      messageId: text(255),
      reason: text(256),
      rule: text(128).optional(),
      error: text(2_048).optional(),
      attempts: z.int().min(0).optional(),
      deadType: text(255).optional(),
    }),
    perAttempt: true,
    observed: true,
  },
} as const satisfies Record<string, Row>

export type EventType = keyof typeof catalogue

/** The body of an event as it goes over the wire: its `type` and the fields of its row. */
export type Body<T extends EventType = EventType> = {
  [K in T]: { type: K } & z.infer<(typeof catalogue)[K]['body']>
}[T]

export type EbsObject = z.infer<typeof objectSchema>
export type Task = z.infer<typeof taskSchema>

/** Whether the catalogue has a row for this type. */
export const isEventType = (type: string): type is EventType => Object.hasOwn(catalogue, type)

/** The row of a type, seen as the general shape. */
export const rowOf = (type: EventType): Row => catalogue[type]
