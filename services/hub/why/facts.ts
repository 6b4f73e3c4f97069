import { z } from 'zod'
import type { Held } from '../../../shared/store/held-messages.ts'
import type { View } from '../conversation-view.ts'
import { errorText } from './answer.ts'

/** What is stored about an id, as those who have it tell it: all that an answer is made of. Times are ISO 8601 where others tell them. */

const moment = z.iso.datetime({ offset: true })
const time = moment.optional()
/** Ids and names: whoever tells longer ones is no part of ebs. */
const name = z.string().max(512)

/** What datagen tells. */
export const datagenFacts = z.object({
  object: z
    .object({
      id: name,
      tenant: name,
      acceptedAt: moment,
      state: z.enum(['accepted', 'completed', 'failed']),
      endedAt: time,
      error: errorText.optional(),
      missing: z.array(name).optional(),
    })
    .optional(),
  /** Its announcement has not been confirmed by the broker; so many others are before it. */
  outbox: z.object({ ahead: z.int() }).optional(),
})

/** What was last said of the message that carries something: inFlight, waiting, parked, dead, discarded, or outside (not known). */
const markFact = z.object({ state: name, at: time, by: name.optional() })
const mark = markFact.optional()

const taskFact = z.object({
  id: name,
  objectId: name,
  tenant: name.optional(),
  createdAt: time,
  startedAt: time,
  finishedAt: time,
  failedAt: time,
  processor: name.optional(),
  attempts: z.int(),
  /** Of the newest attempt that failed. */
  error: errorText.optional(),
  errorAt: time,
  failedAttempt: z.int().optional(),
  /** When the attempt after it comes. */
  retryAt: time,
  mark,
})

/** What statistics tells. */
export const statisticsFacts = z.object({
  task: taskFact.optional(),
  object: z.object({ id: name, createdAt: time, completedAt: time, failedAt: time }).optional(),
  /** Of the object, as far as their ids begin with its id; of those that are not finished the first, in the order of their numbers. */
  tasks: z.object({ total: z.int(), finished: z.int(), unfinished: z.array(taskFact) }).optional(),
  /** Groups, flows and journeys with this id in the ledger. */
  entries: z
    .array(
      z.object({
        kind: z.enum(['group', 'flow', 'journey']),
        acceptedAt: time,
        outcome: z.enum(['done', 'failed']).optional(),
        mark,
      }),
    )
    .optional(),
})

export type MarkFact = z.infer<typeof markFact>
export type TaskFact = z.infer<typeof taskFact>
export type DatagenFacts = z.infer<typeof datagenFacts>
export type StatisticsFacts = z.infer<typeof statisticsFacts>

/** A conversation of the hub. */
export type Found = {
  readonly kind: string
  readonly correlationId: string
  readonly view: View
  readonly traceId?: string
}

/** A rule that holds something. */
export type RuleFact = {
  readonly status: string
  readonly actor: string
  readonly reason: string
  readonly waitsFor?: string | undefined
}

/** A queue as the broker has it now. */
export type QueueFact = { readonly isThere: boolean; readonly messages: number; readonly consumers: number }

export type OutboxFact = { readonly type: string; readonly key: string; readonly ahead: number }

export type Facts = {
  readonly id: string
  readonly nowMs: number
  /** The hub's conversations with this id, of every kind; and those that the id of a call or of a task names. */
  readonly conversations: readonly Found[]
  readonly parents: readonly Found[]
  /** Events that wait for a conversation with this id. */
  readonly early: readonly { readonly kind: string; readonly count: number; readonly sinceMs: number }[]
  /** The hub's own announcements about it that the broker has not confirmed. */
  readonly outbox: readonly OutboxFact[]
  /** Messages of the catalogue, newest first, by what they are about: the id itself, and what holds it up. */
  readonly held: ReadonlyMap<string, readonly Held[]>
  readonly rules: ReadonlyMap<string, RuleFact>
  readonly queues: ReadonlyMap<string, QueueFact>
  /** Undefined: not answered. */
  readonly datagen: DatagenFacts | undefined
  readonly statistics: StatisticsFacts | undefined
  /** What statistics tells of tasks that a group misses, and that are not among the unfinished ones. */
  readonly tasks: readonly TaskFact[]
  readonly missing: readonly string[]
}

export const heldAbout = ({ held }: Pick<Facts, 'held'>, id: string): readonly Held[] => held.get(id) ?? []

/** The newest message about it, of any queue or this one, that is set aside, dead or on its way back, if there is one. */
export const findLying = (facts: Pick<Facts, 'held'>, id: string, queue?: string): Held | undefined =>
  lyingAbout(facts, id, queue)[0]

/** All of them, newest first. */
export const lyingAbout = (facts: Pick<Facts, 'held'>, id: string, queue?: string): readonly Held[] =>
  heldAbout(facts, id).filter((held) => isLying(held) && (queue === undefined || held.queue === queue))

export const isLying = ({ state }: Held): boolean => LYING.has(state)

const LYING: ReadonlySet<string> = new Set(['held', 'chosen', 'released'])
