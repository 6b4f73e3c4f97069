import { z } from 'zod'
import { operationEvents } from '../operation-events.ts'

/** What is kept of a replay job between messages. Times are ms since 1970. */

const request = operationEvents.REPLAY_REQUESTED.body.shape

const sourceSchema = z.object({
  from: z.string(),
  /** Missing: messages go to the exchange, and nobody says what becomes of them. */
  to: z.string().optional(),
  /** So many are the job's; fewer than were asked for when it turns out that there are no more. */
  count: z.number(),
  /** So many may have been moved, and so many have been: moved <= upTo <= count. */
  upTo: z.number(),
  moved: z.number(),
  /** An errand is under way. */
  isAsked: z.boolean(),
})

export const replayState = z.object({
  id: z.string(),
  act: request.act,
  which: request.which,
  rule: z.string().optional(),
  actor: z.string(),
  reason: z.string(),
  /** So many first; 0 when there is no need of any. */
  canary: z.number(),
  /** Messages per second. */
  rate: z.number().optional(),
  /** Percent. */
  maxFailure: z.number(),
  ordered: z.boolean(),
  status: z.enum(['running', 'paused', 'stopped', 'completed', 'cancelled']),
  /** Why it stopped by itself, while it does not go on. */
  stopReason: z.string().optional(),
  endedMs: z.number().optional(),
  sources: z.array(sourceSchema),
  /** The source that is asked next: each in its turn. */
  turn: z.number(),
  /** Outcomes. Of what is dropped, put into the archive, or given to the exchange, moved is handled. */
  handled: z.number(),
  dead: z.number(),
  parked: z.number(),
  /** Messages that failed at least once, whatever became of them. */
  failed: z.number(),
  /** Held ids of those that failed and are tried again later. */
  failing: z.array(z.string()),
  phase: z.enum(['canary', 'ramp']),
  /** While in the canary: so many may be moved in all. */
  canaryUpTo: z.number(),
  /** In the ramp: so many may be without an outcome; it doubles when so many outcomes have come in since `windowFrom`. */
  window: z.number(),
  windowFrom: z.number(),
  /** What had failed, and how many had an outcome, when somebody had it go on in spite of that. */
  forgiven: z.object({ known: z.number(), failed: z.number() }),
  /** With a rate: when the newest errand was sent, and how long it takes. */
  pace: z.object({ sinceMs: z.number(), gapMs: z.number() }).optional(),
})

export type ReplayState = z.infer<typeof replayState>
export type ReplaySource = z.infer<typeof sourceSchema>

type Summed = 'count' | 'upTo' | 'moved'
export const sumOf = ({ sources }: Pick<ReplayState, 'sources'>, what: Summed) =>
  sources.reduce((sum, source) => sum + source[what], 0)

/** Outcomes that are final. */
export const settledOf = ({ handled, dead, parked }: ReplayState) => handled + dead + parked
/** Those whose outcome is known: final, or failed for now. */
export const knownOf = (state: ReplayState) => settledOf(state) + state.failing.length
/** Moved, and not settled. Outcomes may overtake the word that their messages were moved. */
export const pendingOf = (state: ReplayState) => Math.max(0, sumOf(state, 'moved') - settledOf(state))

export const hasEnded = ({ status }: Pick<ReplayState, 'status'>) => status === 'completed' || status === 'cancelled'
