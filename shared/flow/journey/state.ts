import { z } from 'zod'
import type { Json } from '../../events.ts'

/** What is kept of a journey between messages. Its definition is not: type and version name it. Times are ms since 1970. */

/** Values come out of JSON.parse, and zod's own check would rebuild them without keys such as `__proto__`. */
const json = z.custom<Json>((value) => value !== undefined, 'expected JSON')

const attemptSchema = z.object({
  attempt: z.int(),
  endedMs: z.number(),
  status: z.int(),
  error: z.string().optional(),
  /** Nobody answered in time. */
  isSilent: z.literal(true).optional(),
})

/** An activity that is asked for: of a step, or of what takes it back. */
const callSchema = z.object({
  /** Waits for an answer; for the next attempt; done; not to be done; failed for good; nobody waits any more. */
  state: z.enum(['running', 'retrying', 'done', 'skipped', 'failed', 'abandoned']),
  /** The current one, from 1 and over the whole life of the call; 0 when none was made. */
  attempt: z.int().min(0),
  /** Attempts that somebody has forgiven: retries are counted from here. */
  forgiven: z.int().optional(),
  /** When the attempt times out, or the back-off is over. */
  dueMs: z.number().optional(),
  /** Attempts that are over, newest last. */
  attempts: z.array(attemptSchema),
  status: z.int().optional(),
  error: z.string().optional(),
  /** It may have been carried out although nobody has heard so. */
  isUnsure: z.literal(true).optional(),
  /** What an expression or a person has made of it; missing: what it is by default. */
  input: json.optional(),
  /** How often a person gave it another input. */
  patches: z.int().optional(),
})

const stepSchema = callSchema.extend({
  name: z.string(),
  /** Of one that was skipped: what a person gave in its place. */
  output: json.optional(),
  /** What takes it back. */
  undo: callSchema.optional(),
})

const causes = ['permanent', 'exhausted', 'deadline', 'compensation', 'unknown-type'] as const

/** Reads a stored journey. */
export const journeyStateSchema = z.object({
  id: z.string(),
  /** Counts the changes. */
  revision: z.int(),
  type: z.string(),
  /** Of the definition that it has kept to since it began; 0 before. */
  version: z.int(),
  tenant: z.string(),
  /** The caller's own name for it. */
  key: z.string().optional(),
  payload: json,
  askers: z.array(z.object({ replyTo: z.string(), correlationId: z.string() })),
  createdMs: z.number(),
  startedMs: z.number().optional(),
  endedMs: z.number().optional(),
  /** While steps run. */
  deadlineMs: z.number().optional(),
  /** Otherwise: how much of the deadline was left when it stopped. */
  leftMs: z.number().optional(),
  status: z.enum(['ACCEPTED', 'RUNNING', 'COMPLETED', 'FAILED', 'COMPENSATED', 'NEEDS_REMEDIATION', 'CANCELLED']),
  phase: z.enum(['waiting', 'running', 'compensating', 'remediation', 'ended']),
  /** Those whose turn has come, in the order of their turns. An array, because a step may have any name, `__proto__` too. */
  steps: z.array(stepSchema),
  /** Steps that are done, or may be, in the order in which that was known. */
  order: z.array(z.string()),
  /** Steps that have failed or were abandoned, first one first. */
  failed: z.array(z.string()),
  /** While compensating: steps to be taken back, the current one first; and those that were. */
  toUndo: z.array(z.string()),
  undone: z.array(z.string()),
  /** What a person has to decide about, since when. */
  remediation: z
    .object({ cause: z.enum(causes), error: z.string(), steps: z.array(z.string()), sinceMs: z.number() })
    .optional(),
  overdue: z.object({ sinceMs: z.number(), olderThanMs: z.number() }).optional(),
  ticket: z.string().optional(),
  /** The job whose decision was the newest to be carried out. */
  job: z.string().optional(),
  /** Why it failed or was taken back, and the step that is to blame. */
  error: z.string().optional(),
  blamed: z.string().optional(),
  cancelledBy: z.object({ actor: z.string(), reason: z.string() }).optional(),
  output: json.optional(),
})

export type Call = z.infer<typeof callSchema>
export type JourneyStep = z.infer<typeof stepSchema>
export type JourneyState = z.infer<typeof journeyStateSchema>
export type Remediation = NonNullable<JourneyState['remediation']>

export const hasEnded = ({ phase }: Pick<JourneyState, 'phase'>) => phase === 'ended'
export const isWaiting = ({ state }: Pick<Call, 'state'>) => state === 'running' || state === 'retrying'
export const isSettled = ({ state }: Pick<Call, 'state'>) => state === 'done' || state === 'skipped'
/** Done, or skipped by a person who gave something in its place: what comes after it runs. */
export const isGiven = ({ state, output }: JourneyStep) =>
  state === 'done' || (state === 'skipped' && output !== undefined)
