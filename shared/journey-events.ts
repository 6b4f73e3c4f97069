import { z } from 'zod'

/**
 * The rows of the catalogue that journeys are made of: how one begins, what it asks of activities and what these answer, how it ends, and
 * what people decide about it.
 */

const text = (max: number) => z.string().max(max)
const name = (max: number) => z.string().min(1).max(max)
const time = z.iso.datetime({ offset: true })
const count = z.int().min(0)
/** As it is: bodies come out of JSON.parse, and zod's own check would rebuild it without keys such as `__proto__`. */
const json = z.custom<z.core.util.JSONType>((value) => value !== undefined, 'expected JSON')

/** Words of routing keys and parts of queue names: `order`, `charge`, `charge.v2`. */
const WORDS = /^[A-Za-z0-9][A-Za-z0-9_-]*(?:\.[A-Za-z0-9][A-Za-z0-9_-]*)*$/
const words = (max: number) =>
  z.string().max(max).regex(WORDS, 'expected letters, digits, `_`, `-` and single dots between them')
/** It becomes a part of urls, of queue names and of call ids. */
const SAGA_ID = /^(?!\.{1,2}$)[A-Za-z0-9._~@+=-]{1,128}$/

export const sagaId = z.string().regex(SAGA_ID, 'expected at most 128 letters, digits and . _ ~ @ + = -')
export const journeyType = words(64)
const BESIDE = /(?:^|\.)(?:dead|replay)$/
/** Name of an activity: `activity.<name>` is the queue of those who can do it; beside it are `.dead` and `.replay`. */
export const activityName = words(100)
  .refine(
    (activity) => !BESIDE.test(activity),
    'not `dead` or `replay` at the end: queues beside those of activities are named so',
  )
  .meta({ not: { pattern: BESIDE.source } })
/** Name of a step within a definition. */
export const stepName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_-]{0,63}$/, 'expected a letter or `_`, then at most 63 letters, digits, `_` and `-`')
/** `<saga id>:<step>`, with `:undo` behind it for the call that takes a step back. */
const callId = name(255)
/** The caller's own name for what it wants done: the same key is the same journey. */
export const journeyKey = name(255)
const by = { actor: name(128), reason: name(1_024) }
const error = text(2_048)
/** HTTP's families: 200 done, 400 never will be, 500 may be at another time. */
const status = z.int().min(200).max(599)

/** Newest version of the request's format. */
export const FORMAT_VERSION = 1

const request = {
  sagaId,
  journeyType,
  formatVersion: z.int().min(1).max(FORMAT_VERSION).default(FORMAT_VERSION),
  tenant: name(64).default('default'),
  payload: json,
  /** What else the request handler knows of the request. */
  meta: z.looseObject({ key: journeyKey.optional() }).default({}),
}
const journey = { sagaId, journeyType, definitionVersion: count, tenant: name(64) }
const ended = { ...journey, durationMs: z.number().nonnegative() }

/** What a person, or a rule, may decide about a journey. */
export const remediationActs = ['retry', 'skip', 'compensate', 'cancel'] as const

const deciding = {
  act: z.enum(remediationActs),
  /** For `retry` and `skip`: of several that failed, this one; missing: the only one, or for `retry` all. */
  step: stepName.optional(),
  /** For `retry`: another input than the definition makes. */
  input: json.optional(),
  /** For `skip`: what the activity would have given. */
  output: json.optional(),
  ...by,
}

export const journeyEvents = {
  INITIATE_WORKFLOW: {
    key: 'initiate_workflow',
    about: ['journey', 'sagaId'],
    meaning: 'A request handler has taken a request: a journey of this type is to begin.',
    body: z.object(request),
  },
  INITIATE_JOURNEY: {
    key: 'initiate_journey.*',
    about: ['journey', 'sagaId'],
    lastWord: 'journeyType',
    meaning: 'A journey is to begin: the hub stores it and asks for its first activities.',
    body: z.object(request),
  },
  ACTIVITY_REQUESTED: {
    key: 'activity.*',
    about: ['journey', 'sagaId'],
    lastWord: 'activity',
    meaning: 'An activity is to be done by whoever can do it; the hub waits for the answer until `deadline`.',
    body: z.object({
      callId,
      sagaId,
      activity: activityName,
      attempt: z.int().min(1),
      /** The same for every attempt at the same thing: another system does it once. */
      idempotencyKey: name(255),
      input: json,
      /** The attempt after which a person had it tried again, if one did; retries that are the hub's own change nothing about it. */
      decidedAfter: z.int().min(1).optional(),
      deadline: time,
    }),
    /** Heard by the queue of its activity, which is not in the tables. */
    observed: true,
  },
  ACTIVITY_SUCCEEDED: {
    key: 'activities.succeeded',
    meaning: 'An activity is done.',
    body: z.object({
      callId,
      attempt: z.int().min(1).optional(),
      status: status.default(200),
      output: json.optional(),
    }),
    perAttempt: true,
  },
  ACTIVITY_FAILED: {
    key: 'activities.failed',
    meaning: 'An activity failed: for good with a status of the 400 family, else so that another attempt may succeed.',
    body: z.object({
      callId,
      attempt: z.int().min(1).optional(),
      status: status.default(500),
      /** Text, or whatever the other system said. */
      error: json.optional(),
      /** It was done all the same, or may have been: compensation takes it back. */
      carriedOut: z.boolean().optional(),
    }),
    perAttempt: true,
  },
  JOURNEY_STARTED: {
    key: 'journeys.started',
    about: ['journey', 'sagaId'],
    meaning: 'A journey is stored, and its first activities are asked for.',
    body: z.object(journey),
    observed: true,
  },
  JOURNEY_COMPLETED: {
    key: 'journeys.completed',
    about: ['journey', 'sagaId'],
    meaning: 'Every activity of a journey is done, or skipped.',
    body: z.object({ ...ended, output: json.optional() }),
    observed: true,
  },
  JOURNEY_FAILED: {
    key: 'journeys.failed',
    about: ['journey', 'sagaId'],
    meaning: 'A journey ended badly, and its definition leaves it at that.',
    body: z.object({ ...ended, error, step: stepName.optional() }),
    observed: true,
  },
  JOURNEY_COMPENSATED: {
    key: 'journeys.compensated',
    about: ['journey', 'sagaId'],
    meaning: 'What a journey had done was taken back; `compensated` names the steps, in the order of taking them back.',
    body: z.object({ ...ended, error, compensated: z.array(stepName) }),
    observed: true,
  },
  JOURNEY_CANCELLED: {
    key: 'journeys.cancelled',
    about: ['journey', 'sagaId'],
    meaning: 'Someone ended a journey; what it had done stays as it is.',
    body: z.object({ ...ended, ...by }),
    observed: true,
  },
  JOURNEY_NEEDS_REMEDIATION: {
    key: 'journeys.needs-remediation',
    about: ['journey', 'sagaId'],
    meaning: 'A journey cannot go on by itself: a person decides.',
    body: z.object({
      ...journey,
      /** What kept it: an activity refused, or failed too often; its deadline; taking it back; nobody has registered its type. */
      cause: z.enum(['permanent', 'exhausted', 'deadline', 'compensation', 'unknown-type']),
      error,
      steps: z.array(stepName),
    }),
    observed: true,
  },
  JOURNEY_REJECTED: {
    key: 'journeys.rejected',
    about: ['journey', 'sagaId'],
    meaning:
      'A request with the key of another journey but another payload: that one goes on, this one was not started.',
    body: z.object({ sagaId, journeyType, error }),
    observed: true,
  },
  JOURNEY_REMEDIATED: {
    key: 'journeys.remediated',
    about: ['journey', 'sagaId'],
    meaning: 'Someone has decided what becomes of a journey.',
    body: z.object({ ...journey, act: z.enum(remediationActs), step: stepName.optional(), ...by }),
    observed: true,
  },
  DEFINITION_REGISTERED: {
    key: 'journeys.definition-registered',
    meaning: 'A version of a journey type was registered.',
    body: z.object({ journeyType, definitionVersion: count, ...by }),
    observed: true,
  },
  JOURNEY_RELEASED: {
    key: 'journeys.released',
    about: ['journey', 'sagaId'],
    meaning: 'The type that a journey waits for was registered: it begins.',
    body: z.object({ sagaId }),
    direct: true,
  },
  JOURNEY_OVERDUE: {
    key: 'journeys.overdue',
    about: ['journey', 'sagaId'],
    meaning: 'A journey takes longer than those of its type do, or lacks timers that it waits for: it is looked after.',
    body: z.object({
      sagaId,
      /** It is, and should not be; missing: there are only timers to arm again. */
      olderThanMs: count.optional(),
      /** Names of timers that it waits for and that are not there. */
      lost: z.array(name(128)).max(1_000).optional(),
    }),
    direct: true,
  },
  REMEDIATION_COMMAND: {
    key: 'remediation.command',
    about: ['journey', 'sagaId'],
    meaning: 'Someone decides what becomes of a journey.',
    body: z.object({
      sagaId,
      ...deciding,
      /** The revision of the journey that was looked at: when it has changed since, nothing is done. */
      revision: count.optional(),
      /** The job that does it for many. */
      job: name(128).optional(),
    }),
    direct: true,
  },
  REMEDIATION_DONE: {
    key: 'remediation.done',
    meaning: 'What a decision about a journey came to, told to the job that made it for many.',
    body: z.object({ job: name(128), sagaId, refused: text(1_024).optional() }),
    direct: true,
  },
  REMEDIATION_TICKET: {
    key: 'remediation.ticket',
    about: ['journey', 'sagaId'],
    meaning: 'Someone notes where a journey is dealt with.',
    body: z.object({ sagaId, ticket: text(256), ...by }),
    direct: true,
  },
  REMEDIATION_REQUESTED: {
    key: 'remediation.requested',
    meaning: 'A job: the same decision about many journeys.',
    body: z.object({
      id: name(128),
      /** Each with the revision that was looked at. */
      journeys: z
        .array(z.object({ id: sagaId, revision: count }))
        .min(1)
        .max(10_000),
      ...deciding,
    }),
    direct: true,
  },
  REMEDIATION_NOTICE: {
    key: 'remediation.notice',
    about: ['journey', 'sagaId'],
    meaning: 'An errand: tell the webhook that a journey needs a person.',
    body: z.object({ ...journey, cause: name(64), error, steps: z.array(stepName), since: time }),
    direct: true,
  },
} as const
