import { z } from 'zod'
import { flowEvents } from './flow-events.ts'
import { journeyEvents } from './journey-events.ts'
import { ledgerEvents } from './ledger-events.ts'
import { operationEvents } from './operation-events.ts'
import { questionEvents } from './question-events.ts'
import type { Subject } from './subject.ts'

/**
 * The catalogue: every event of the platform, its routing key, what it means and the shape of its body.
 *
 * A body is plain JSON with its `type` inside, so a person can paste one into the management UI. Everything else about a
 * message (id, correlation, tenant, attempt) travels in the AMQP properties; see `bus/envelope.ts`.
 * To add an event, add a row. Those of the example flow are in `flow-events.ts`, of journeys in `journey-events.ts`,
 * of sidelines, replays and dead letters in `operation-events.ts`, of the ledger in `ledger-events.ts`, and questions in `question-events.ts`.
 */

/** Well-formed, because a database stores half a surrogate pair as another character and would never find it again. */
const id = z
  .string()
  .min(1)
  .max(128)
  .refine((text) => !/\p{Surrogate}/u.test(text), 'half a surrogate pair is no text')
const tenant = z.string().min(1).max(64)
const millis = z.number().nonnegative()
const text = (max: number) => z.string().max(max)

export type Json = z.core.util.JSONType
/** Any JSON, as it is: bodies come out of JSON.parse, and zod's own check would rebuild it without keys such as `__proto__`. */
const json = z.custom<Json>((value) => value !== undefined, 'expected JSON')

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

/** Members of a group: more are a message of their own size, and a document that is read at every Done. */
export const MEMBERS_MAX = 10_000
/** The delay ladder's range, 30 days. */
export const TTL_S_MAX = 2_592_000
const HANDLER_PAYLOAD_BYTES_MAX = 65_536
/** AMQP's bound on a routing key. */
const TOPIC_BYTES_MAX = 255
/** Topics that a group's handler may not write to: what the platform itself acts on. */
const RESERVED_TOPIC = /^(?:eventbus-collector(?:\..*)?|messages\..*|sidelines\..*)$/s
const handler = z.object({
  topic: z
    .string()
    .min(1)
    .refine((topic) => Buffer.byteLength(topic) <= TOPIC_BYTES_MAX, `at most ${TOPIC_BYTES_MAX} bytes`)
    .refine((topic) => !RESERVED_TOPIC.test(topic), 'not to eventbus-collector, messages.* or sidelines.*'),
  payload: z.custom<Json>(
    (payload) => payload !== undefined && Buffer.byteLength(JSON.stringify(payload)) <= HANDLER_PAYLOAD_BYTES_MAX,
    `expected at most ${HANDLER_PAYLOAD_BYTES_MAX} bytes of JSON`,
  ),
})
const groupEnd = {
  id,
  created: z.iso.datetime(),
  resolved: z.iso.datetime(),
  results: z.record(z.string(), json),
  payload: json.optional(),
  /** What ended it: every member, enough of them, the ttl, an error, or an operator. */
  endedBy: z.enum(['all', 'quorum', 'timeout', 'error', 'cancel']),
}

const taskRun = { taskId: id, objectId: id, processor: text(128), attempt: z.int().min(1) }

type Row = {
  /** Routing key on the exchange `ebs`; with `lastWord`, as a pattern. */
  readonly key: string
  /** The last part of the key is the value of this field: `activity.charge`. */
  readonly lastWord?: string
  readonly meaning: string
  readonly body: z.ZodObject
  /** What it is about: a kind, and the path of its id in the body. */
  readonly about?: readonly [kind: Subject['kind'], idAt: string]
  /** The event belongs to one attempt: its id is derived from the attempt too, so that each attempt has its own. */
  readonly perAttempt?: true
  /** Only observers hear it, so that `statistics` does not list it as unheard. */
  readonly observed?: true
  /** Travels straight to one queue and never over the exchange `ebs`; its key only names it. */
  readonly direct?: true
}

export const catalogue = {
  OBJECT_CREATED: {
    key: 'objects',
    about: ['object', 'object.id'],
    meaning: 'An object was stored by datagen and wants to be split into tasks.',
    body: z.object({ object: objectSchema }),
  },
  TASK_CREATED: {
    key: 'task-requests',
    about: ['task', 'task.id'],
    meaning: 'A task waits for a processor.',
    body: z.object({ task: taskSchema, object: objectSchema }),
  },
  TASK_STARTED: {
    key: 'tasks.started',
    about: ['task', 'taskId'],
    meaning: 'A processor began an attempt at a task.',
    body: z.object(taskRun),
    perAttempt: true,
    observed: true,
  },
  TASK_FINISHED: {
    key: 'tasks.finished',
    about: ['task', 'taskId'],
    meaning: 'A task is done.',
    body: z.object({ ...taskRun, durationMs: millis, result: text(1_024).optional() }),
  },
  TASK_FAILED: {
    key: 'tasks.failed',
    about: ['task', 'taskId'],
    meaning: 'An attempt at a task failed; `final` says that no other attempt follows.',
    body: z.object({
      ...taskRun,
      durationMs: millis,
      error: text(2_048),
      final: z.boolean(),
      /** When the next attempt comes; missing on a final one. */
      retryAt: z.iso.datetime().optional(),
    }),
    perAttempt: true,
  },
  OBJECT_COMPLETED: {
    key: 'objects.completed',
    about: ['object', 'objectId'],
    meaning: 'All tasks of an object are done.',
    body: z.object({ objectId: id, tenant, durationMs: millis, tasks: z.int().min(0) }),
  },
  OBJECT_FAILED: {
    key: 'objects.failed',
    about: ['object', 'objectId'],
    meaning:
      'A task of an object failed for good, or its deadline passed; `missing` are the tasks that had not finished.',
    body: z.object({
      objectId: id,
      tenant,
      durationMs: millis,
      tasks: z.int().min(0),
      error: text(2_048),
      missing: z.array(id).max(MEMBERS_MAX),
    }),
  },
  EventGroupCollectorCreate: {
    key: 'eventbus-collector',
    about: ['group', 'id'],
    meaning: 'Opens a group that waits for the results of its members, for `ttl` seconds.',
    body: z.object({
      id,
      expected: z.array(id).max(MEMBERS_MAX),
      /** Seconds; missing, zero or negative means 30. */
      ttl: z.number().max(TTL_S_MAX).optional(),
      payload: json.optional(),
      handler: z.object({ onsuccess: handler.optional(), onfailure: handler.optional() }).optional(),
      /** So many results are enough; missing: all. */
      quorum: z.int().min(1).optional(),
      /** What the ttl makes of results that are there: a Failure (the default), or a Success with what there is. */
      onTimeout: z.enum(['fail', 'partial']).optional(),
      /** Who completes members: EventGroupCollectorEntityDone (the default), or TASK_FINISHED and TASK_FAILED of the object `id`. */
      completedBy: z.enum(['done', 'tasks']).optional(),
    }),
  },
  EventGroupCollectorEntityDone: {
    key: 'eventbus-collector',
    about: ['group', 'group'],
    meaning: 'A member of a group is done: with a result, or with an error.',
    body: z.object({ id, group: id, result: json.optional(), error: json.optional() }),
  },
  EventGroupCollectorSuccess: {
    key: 'eventbus-collector.success',
    about: ['group', 'id'],
    meaning: 'A group has what it waited for.',
    body: z.object({ ...groupEnd, errors: z.record(z.string(), json).optional() }),
    observed: true,
  },
  EventGroupCollectorFailure: {
    key: 'eventbus-collector.failure',
    about: ['group', 'id'],
    meaning: 'A member of a group failed, or its ttl passed: `entity` is the member, or the group.',
    body: z.object({ ...groupEnd, entity: id, error: json }),
    observed: true,
  },
  ...flowEvents,
  ...questionEvents,
  ...journeyEvents,
  ...operationEvents,
  ...ledgerEvents,
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

/** The routing key of an event. */
export function keyOf(body: Body): string {
  const { key, lastWord } = rowOf(body.type)
  if (lastWord === undefined) return key
  // The row of this type has the field, a text of words: a test goes through all rows.
  const word: unknown = Reflect.get(body, lastWord)
  return key.replace(/\*$/, () => String(word))
}

/** What an event is about; undefined when its row does not say, or its body lacks the optional field. */
export function subjectOf(body: Body): Subject | undefined {
  const { about } = rowOf(body.type)
  if (about === undefined) return undefined
  const [ownKind, idAt] = about
  // The group that an object's tasks complete goes by the object's id, and is no other thing.
  const kind = body.type === 'EventGroupCollectorCreate' && body.completedBy === 'tasks' ? 'object' : ownKind
  let found: unknown = body
  for (const name of idAt.split('.'))
    found = typeof found === 'object' && found !== null ? Reflect.get(found, name) : undefined
  return typeof found === 'string' ? { kind, id: found } : undefined
}

/** The row of a type, seen as the general shape. */
export const rowOf = (type: EventType): Row => catalogue[type]
