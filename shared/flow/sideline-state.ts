import { z } from 'zod'
import { operationEvents, pacing, type Rule } from '../operation-events.ts'

/** What is kept of a sideline rule between messages. Times are ms since 1970. */

/** What a rule is busy with; none: it is active. */
export const tasks = ['start', 'resume', 'probe', 'resolve', 'drain', 'discard'] as const
export type Task = (typeof tasks)[number]

const whoAndWhy = z.object({ actor: z.string(), reason: z.string() })
const task = z.enum(tasks)

const jobSchema = z.object({
  id: z.string(),
  /** What it was begun for; the rule may have turned to something else since. */
  task,
  /** As it was asked for, so that it can be asked for again. */
  request: operationEvents.REPLAY_REQUESTED.body,
  /** Why it has stopped by itself, until somebody acts. */
  stopped: z.string().optional(),
  /** By whom and why it was cancelled, so that the rule can turn to something else. */
  givenUp: whoAndWhy.optional(),
})

const waitSchema = z.object({
  /** `person`: nothing goes on until somebody acts. */
  for: z.enum(['settle', 'measure', 'remove', 'job', 'person']),
  sinceMs: z.number(),
  /** What a person is to know. */
  why: z.string().optional(),
})

export const sidelineState = z.object({
  id: z.string(),
  /** Revision with which this use of the id began. */
  episode: z.number(),
  /** Of the record in force. */
  revision: z.number(),
  phase: operationEvents.SIDELINE_RULE.body.shape.rule.shape.phase,
  filter: z.string(),
  queues: z.array(z.string()),
  /** Who started it, and why. */
  ...whoAndWhy.shape,
  sinceMs: z.number(),
  expiresAtMs: z.number().optional(),
  probeMs: z.number().optional(),
  /** Probes in a row after which nothing was handled. */
  failedProbes: z.number().optional(),
  task: task.optional(),
  wait: waitSchema.optional(),
  /** While consumers hold: since when. */
  holdsSinceMs: z.number().optional(),
  /** Whose command is in force. */
  by: whoAndWhy,
  /** How its replays go about it. */
  pacing: z.object(pacing),
  /** The record in force has been confirmed by every consumer. */
  isSettled: z.boolean(),
  missing: z.array(z.string()),
  /** How much was parked when somebody looked last. */
  measured: z.object({ atMs: z.number(), parked: operationEvents.SIDELINE_MEASURED.body.shape.parked }).optional(),
  /** Never two at a time. */
  job: jobSchema.optional(),
  /** Number in the id of the newest job: they grow, also over several uses of the rule's id. */
  lastJob: z.number(),
  /** Found lifted in the stream of rules by a hub that knew nothing of it: whether to replay or to drop what is parked, a person has to say. */
  isForgotten: z.boolean().optional(),
  end: z.enum(['closed', 'discarded']).optional(),
})

export type SidelineState = z.infer<typeof sidelineState>
export type SidelineJob = z.infer<typeof jobSchema>
export type Wait = z.infer<typeof waitSchema>
export type Phase = Rule['phase']
export type Pacing = SidelineState['pacing']
export type By = SidelineState['by']

const statuses = {
  start: 'starting',
  resume: 'resuming',
  // A probe is no change that anybody asked for.
  probe: 'active',
  resolve: 'resolving',
  drain: 'draining',
  discard: 'discarding',
} as const satisfies Record<Task, string>

export const statusOf = ({ end, task }: Pick<SidelineState, 'end' | 'task'>) =>
  end ?? (task ? statuses[task] : 'active')

/** One use of a rule's id: what messages that it has released carry. */
export const useOf = ({ id, episode }: Pick<SidelineState, 'id' | 'episode'>) => `${id}#${episode}`

/** The id in `id#episode`. */
export const idOfUse = (use: string) => use.slice(0, Math.max(0, use.lastIndexOf('#')))
