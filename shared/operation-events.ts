import { z } from 'zod'
import { subject } from './subject.ts'

/**
 * The rows of the catalogue that operators' work is made of: setting messages aside, bringing them back, and what became of each.
 *
 * `direct` rows never cross the exchange `ebs`: rules and what consumers answer travel over the stream `ebs.control`, errands of the
 * hub to itself over `hub_work`.
 */

const text = (max: number) => z.string().max(max)
const name = (max: number) => z.string().min(1).max(max)
const time = z.iso.datetime({ offset: true })
const count = z.int().min(0)
const queue = name(255)
const by = { actor: name(128), reason: name(1_024) }

/** It is part of a queue's name. */
export const ruleId = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
    'expected at most 64 letters, digits, `.`, `_` and `-`, the first a letter or digit',
  )
/** Longer ones are programs, not filters. */
export const FILTER_CHARS_MAX = 4_096
const filter = name(FILTER_CHARS_MAX)
export const CANARY_MAX = 10_000
export const RATE_PER_S_MAX = 100_000

/** Dropped messages named in one event: they are moved in chunks. */
export const DISCARDED_MAX = 250

/** How a replay goes about it. */
export const pacing = {
  /** So many first; the rest follows when they have been handled. 0: none. Missing: 10, or all when there are no more. */
  canary: z.int().min(0).max(CANARY_MAX).optional(),
  /** Messages per second at most; missing: as fast as they are handled. */
  rate: z.number().min(0.01).max(RATE_PER_S_MAX).optional(),
  /** Percent of those whose outcome is known that may fail again; more stop the replay. Missing: 10. */
  maxFailure: z.number().min(0).max(100).optional(),
  /** One after another, each handled before the next is sent, and the first failure stops it. */
  ordered: z.boolean().optional(),
}

/** A rule as consumers apply it. Of several records with one id the one with the highest revision counts. */
export const ruleSchema = z.object({
  id: ruleId,
  /** Revision with which this use of the id began: a rule that is started again is another one. */
  episode: count,
  /** Of the record; grows with every change: ms since 1970, or one more than the last. */
  revision: count,
  /**
   * `park`: what matches is set aside. `hold`: it waits in its consumer for a moment, until the rest of what is parked has been handled.
   * `lifted`: the rule matches nothing any more.
   */
  phase: z.enum(['park', 'hold', 'lifted']),
  filter,
  queues: z.array(queue).min(1).max(100),
  ...by,
  since: time,
  expiresAt: time.optional(),
})
export type Rule = z.infer<typeof ruleSchema>

/** The replay that brought a message back, and the id under which it was held. */
const replay = z.object({ job: name(128), held: name(255) }).optional()
/** What the message was about, when it could be read and says so. */
const happened = {
  queue,
  messageId: text(255),
  reason: text(256),
  rule: text(128).optional(),
  replay,
  subject: subject.optional(),
}

export const operationEvents = {
  MESSAGE_DEAD: {
    key: 'messages.dead',
    meaning: 'A message was moved to `<queue>.dead` and will not come back by itself.',
    body: z.object({
      ...happened,
      error: text(2_048).optional(),
      attempts: count.optional(),
      deadType: text(255).optional(),
      /** Its original routing key. */
      deadKey: text(255).optional(),
      firstFailedAt: text(32).optional(),
    }),
    perAttempt: true,
    observed: true,
  },
  MESSAGE_PARKED: {
    key: 'messages.parked',
    meaning: 'A message matched a sideline rule and waits in `ebs.sideline.<rule>.<queue>`.',
    body: z.object({ ...happened, parkedType: text(255).optional(), parkedKey: text(255).optional() }),
    perAttempt: true,
    observed: true,
  },
  MESSAGE_REPLAYED: {
    key: 'messages.replayed',
    meaning: 'A message that was dead or set aside came back and was handled.',
    body: z.object({ ...happened, messageType: text(255).optional() }),
    perAttempt: true,
    observed: true,
  },
  MESSAGE_FAILING: {
    key: 'messages.failing',
    meaning: 'A message that came back, or that carries what was accepted, failed and is tried again later.',
    body: z.object({ ...happened, error: text(2_048), messageType: text(255).optional() }),
    perAttempt: true,
    observed: true,
  },
  MESSAGES_DISCARDED: {
    key: 'messages.discarded',
    meaning: 'Messages that were dead or set aside were dropped, or put into the archive, by someone who said why.',
    body: z.object({
      ...{ queue, job: name(128), act: z.enum(['discard', 'archive']), rule: text(128).optional(), ...by },
      messages: z
        .array(
          z.object({ messageId: text(255), type: text(255).optional(), held: text(255), subject: subject.optional() }),
        )
        .max(DISCARDED_MAX),
    }),
    observed: true,
  },
  SIDELINE_COMMAND: {
    key: 'sidelines.command',
    meaning: 'Someone starts, resumes, resolves or discards a sideline rule.',
    body: z.object({
      action: z.enum(['start', 'resume', 'resolve', 'discard']),
      id: ruleId,
      /** CEL over event, tenant, type, key, queue and headers; for `start`. */
      filter: filter.optional(),
      /** Missing: every work queue but those of the hub and of statistics. */
      queues: z.array(queue).min(1).max(100).optional(),
      ...by,
      /** For `start`: the rule resolves itself then. */
      expiresAt: time.optional(),
      /** For `start`: every so often one message is tried; when it is handled, the rule resolves itself. */
      probeMs: z.int().min(1_000).max(86_400_000).optional(),
      ...pacing,
    }),
    observed: true,
  },
  SIDELINE_CHANGED: {
    key: 'sidelines.changed',
    meaning: 'What became of a sideline rule, by whom and why.',
    body: z.object({ id: ruleId, status: text(64), ...by }),
    observed: true,
  },
  SIDELINE_RULE: {
    key: 'sidelines.rule',
    meaning: 'A record of `ebs.control`: a rule as it is from now on.',
    body: z.object({
      rule: ruleSchema,
      /** Said again, so that retention cannot drop it. */ again: z.boolean().optional(),
      /** The hub lacks confirmations of this revision: consumers that apply it say so once more. */ confirm: z
        .boolean()
        .optional(),
    }),
    direct: true,
  },
  SIDELINE_APPLIED: {
    key: 'sidelines.applied',
    meaning:
      'A record of `ebs.control`: a consumer applies this revision of a rule, and nothing that it decided before is under way.',
    body: z.object({ id: ruleId, revision: count, queue, consumer: name(255), problem: text(1_024).optional() }),
    direct: true,
  },
  SIDELINE_TRIAL: {
    key: 'sidelines.trial',
    meaning: 'A record of `ebs.control`: how many of the last messages would this filter match?',
    body: z.object({
      trial: name(64),
      filter,
      queues: z.array(queue).min(1).max(100),
      sample: z.int().min(1).max(10_000),
    }),
    direct: true,
  },
  SIDELINE_TRIED: {
    key: 'sidelines.tried',
    meaning: 'A record of `ebs.control`: what a consumer found among its last messages.',
    body: z.object({
      trial: name(64),
      queue,
      consumer: name(255),
      sampled: count,
      matched: count,
      /** Messages that lack a field which the filter looks at, or have one of another type: they do not match. */
      unclear: count,
      examples: z.array(text(255)).max(10),
    }),
    direct: true,
  },
  SIDELINE_ERRAND: {
    key: 'sidelines.errand',
    meaning: 'The hub is to look how far consumers are, how much is parked, or to remove what is empty.',
    body: z.object({
      id: ruleId,
      revision: count,
      queues: z.array(queue).min(1).max(100),
      step: z.enum(['settle', 'measure', 'remove']),
    }),
    direct: true,
  },
  SIDELINE_SETTLED: {
    key: 'sidelines.settled',
    meaning: 'So many consumers apply this revision of a rule; `missing` names those that were waited for in vain.',
    body: z.object({ id: ruleId, revision: count, confirmed: count, missing: z.array(text(255)).max(100) }),
    observed: true,
  },
  SIDELINE_MEASURED: {
    key: 'sidelines.measured',
    meaning: 'So many messages are parked by a rule; `removed` says that its parking queues were empty and are gone.',
    body: z.object({
      id: ruleId,
      revision: count,
      parked: z.array(z.object({ queue, count })).max(100),
      removed: z.boolean(),
    }),
    observed: true,
  },
  REPLAY_REQUESTED: {
    key: 'replays.requested',
    meaning: 'A job: bring these messages back, or drop them, or put them into the archive.',
    body: z.object({
      id: name(128),
      act: z.enum(['replay', 'discard', 'archive']),
      /** `from` holds them; `to` is the work queue that they belong to (missing: to the exchange, under their key). */
      sources: z
        .array(z.object({ from: queue, to: queue.optional(), count }))
        .min(1)
        .max(100),
      /** `front`: the first `count` of each source. `chosen`: those that the catalogue has noted for this job. */
      which: z.enum(['front', 'chosen']),
      /** The rule that they were parked by, as `id#episode`. */
      rule: text(128).optional(),
      ...by,
      ...pacing,
    }),
    direct: true,
  },
  REPLAY_COMMAND: {
    key: 'replays.command',
    meaning: 'Someone pauses, resumes or cancels a job.',
    body: z.object({ id: name(128), action: z.enum(['pause', 'resume', 'cancel']), ...by }),
    direct: true,
  },
  REPLAY_ERRAND: {
    key: 'replays.errand',
    meaning: 'The hub is to move messages of a job until `upTo` of this source have been moved.',
    body: z.object({
      job: name(128),
      act: z.enum(['replay', 'discard', 'archive']),
      from: queue,
      to: queue.optional(),
      which: z.enum(['front', 'chosen']),
      rule: text(128).optional(),
      upTo: count,
      rate: z.number().optional(),
    }),
    direct: true,
  },
  REPLAY_MOVED: {
    key: 'messages.moved',
    meaning: 'So many messages of a source of a job have been moved; `exhausted` says that it holds no more of them.',
    body: z.object({ job: name(128), from: queue, moved: count, exhausted: z.boolean() }),
    observed: true,
  },
  REPLAY_ENDED: {
    key: 'messages.replay-ended',
    meaning: 'A job is over, or has stopped by itself until someone resumes it.',
    body: z.object({
      id: name(128),
      status: z.enum(['completed', 'cancelled', 'stopped']),
      rule: text(128).optional(),
      total: count,
      handled: count,
      failed: count,
      reason: text(1_024),
    }),
    observed: true,
  },
  HELD_ERRAND: {
    key: 'held.errand',
    meaning: 'The hub is to compare its catalogue of dead and unrouted messages with the queues that hold them.',
    body: z.object({ slotMs: count }),
    direct: true,
  },
} as const
