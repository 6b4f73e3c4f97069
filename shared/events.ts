import { z } from 'zod'
import { journeyEvents } from './journey-events.ts'
import { operationEvents } from './operation-events.ts'

/**
 * The catalogue: every event of the platform, its routing key, what it means and the shape of its body.
 *
 * A body is plain JSON with its `type` inside, so a person can paste one into the management UI. Everything else about a
 * message (id, correlation, tenant, attempt) travels in the AMQP properties; see `bus/envelope.ts`.
 * To add an event, add a row. Those of journeys are in `journey-events.ts`, those of sidelines, replays and dead letters in `operation-events.ts`.
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

const flow = {
  flowId: id,
  length: z.int().min(1).max(100),
  mode: z.enum(['parallel', 'sequential']).default('parallel'),
}
/** `callId` names the call, `attempt` counts from 1; an answer counts only for the attempt it names. */
const call = { callId: text(255).min(1), flowId: id, name: text(64).min(1), attempt: z.int().min(1) }
/** HTTP's families: 200 succeeded, 400 never will, 500 may at another time. */
const status = z.int().min(200).max(599)

/** Kinds of conversations that users ask for. */
const conversation = z.enum(['group', 'flow', 'journey'])

const taskRun = { taskId: id, objectId: id, processor: text(128), attempt: z.int().min(1) }

type Row = {
  /** Routing key on the exchange `ebs`; with `lastWord`, as a pattern. */
  readonly key: string
  /** The last part of the key is the value of this field: `activity.charge`. */
  readonly lastWord?: string
  readonly meaning: string
  readonly body: z.ZodObject
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
  },
  TASK_FAILED: {
    key: 'tasks.failed',
    meaning: 'An attempt at a task failed; `final` says that no other attempt follows.',
    body: z.object({ ...taskRun, durationMs: millis, error: text(2_048), final: z.boolean() }),
    perAttempt: true,
  },
  OBJECT_COMPLETED: {
    key: 'objects.completed',
    meaning: 'All tasks of an object are done.',
    body: z.object({ objectId: id, tenant, durationMs: millis, tasks: z.int().min(0) }),
  },
  OBJECT_FAILED: {
    key: 'objects.failed',
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
    meaning: 'A member of a group is done: with a result, or with an error.',
    body: z.object({ id, group: id, result: json.optional(), error: json.optional() }),
  },
  EventGroupCollectorSuccess: {
    key: 'eventbus-collector.success',
    meaning: 'A group has what it waited for.',
    body: z.object({ ...groupEnd, errors: z.record(z.string(), json).optional() }),
    observed: true,
  },
  EventGroupCollectorFailure: {
    key: 'eventbus-collector.failure',
    meaning: 'A member of a group failed, or its ttl passed: `entity` is the member, or the group.',
    body: z.object({ ...groupEnd, entity: id, error: json }),
    observed: true,
  },
  FLOW_REQUESTED: {
    key: 'flows.requested',
    meaning: 'Starts the example flow: `length` installs, then as many validations, then one reply.',
    body: z.object({
      ...flow,
      /** Where it is to go wrong: the hub does nothing, the worker does not answer, its backend does not answer. */
      error: z.enum(['hub', 'worker', 'backend']).optional(),
      /** Tells a repeated request from another one with the same id; missing: the same parameters are the same request. */
      requestKey: text(255).min(1).optional(),
    }),
  },
  FLOW_SUCCEEDED: {
    key: 'flows.succeeded',
    meaning: 'The one reply of a flow in which everything went well.',
    body: z.object({ ...flow, durationMs: millis, output: z.json().optional() }),
  },
  FLOW_FAILED: {
    key: 'flows.failed',
    meaning: 'The one reply of a flow that went wrong; what had succeeded is undone, or named in `notUndone`.',
    body: z.object({
      ...flow,
      durationMs: millis,
      kind: z.enum(['worker-error', 'hub-timeout', 'cancelled']),
      error: text(2_048),
      callId: text(255).optional(),
      undone: z.array(text(255)),
      notUndone: z.array(text(255)),
    }),
  },
  FLOW_REFUSED: {
    key: 'flows.refused',
    meaning: 'A request with the id of another flow: that one goes on, this one was not started.',
    body: z.object({ flowId: id, error: text(2_048) }),
  },
  FLOW_CALLED: {
    key: 'flow-worker',
    meaning: 'The hub calls a worker and waits for its answer until `deadline`.',
    body: z.object({ ...call, input: z.json(), deadline: z.iso.datetime() }),
  },
  FLOW_CALL_TIMED_OUT: {
    key: 'flow-worker',
    meaning: 'The hub no longer waits for this attempt at a call: the worker may tidy up.',
    body: z.object({ ...call, input: z.json() }),
  },
  FLOW_CALL_ANSWERED: {
    key: 'flows.answered',
    meaning: 'An answer to a call; with `complete: false` a sign of progress, and the call goes on.',
    body: z.object({
      callId: text(255).min(1),
      /** Checked when it is there: an answer for a call of another flow counts for nothing. */
      flowId: id.optional(),
      attempt: z.int().min(1).optional(),
      status,
      output: z.json().optional(),
      error: text(2_048).optional(),
      complete: z.boolean().default(true),
    }),
  },
  FLOW_BACKEND_REQUESTED: {
    key: 'flow-backend',
    meaning: "The worker hands a call to the example's simulated backend, which answers in its own time.",
    body: z.object({ ...call, input: z.json(), deadline: z.iso.datetime() }),
  },
  FLOW_BACKEND_ANSWERED: {
    key: 'flow-worker',
    meaning: 'The simulated backend is done with a call.',
    body: z.object({ ...call, status, output: z.json().optional(), error: text(2_048).optional() }),
  },
  TIMERS_DUE: {
    key: 'timers.due',
    meaning: 'A wake-up out of the delay ladder: the hub looks what has fallen due until `slotMs`.',
    body: z.object({ slotMs: z.int().min(0) }),
    direct: true,
  },
  CONVERSATION_ASKED: {
    key: 'conversations.asked',
    meaning: 'Asks the hub how a conversation stands; the answer goes to `reply_to`.',
    body: z.object({ kind: conversation, id }),
    direct: true,
  },
  CONVERSATION_TOLD: {
    key: 'conversations.told',
    meaning: 'How a conversation stands; without `view` the hub does not know it.',
    body: z.object({ kind: conversation, id, view: z.record(z.string(), z.json()).optional() }),
    direct: true,
  },
  ...journeyEvents,
  ...operationEvents,
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

/** The row of a type, seen as the general shape. */
export const rowOf = (type: EventType): Row => catalogue[type]
