import { z } from 'zod'
import { HttpProblem } from '../../shared/service/errors.ts'
import type { Conversation } from '../../shared/store/conversations.ts'
import { parkingQueueOf } from '../../shared/topology.ts'
import { courseOf, courseSchema } from './conversation-view.ts'
import { isoOrNull, kindNamed, type Operations, SIDELINE } from './operations.ts'

/** What the kind says of a rule; it may say more, which is shown as it is. */
const told = z.looseObject({
  filter: z.string(),
  queues: z.array(z.string()),
  actor: z.string(),
  reason: z.string(),
  since: z.string(),
  expiresAt: z.string().optional(),
  /** `id#episode`. */
  use: z.string(),
  episode: z.int(),
  revision: z.int(),
  phase: z.string(),
  /** Consumers that have not confirmed it, as a person would call them. */
  missing: z.array(z.string()),
  /** The job that brings its messages back. */
  replay: z.string().optional(),
  /** Why that job has stopped by itself. */
  stopReason: z.string().optional(),
  waitsFor: z.string().optional(),
})

/** A rule in a list. */
export const sidelineItemSchema = z.looseObject({
  id: z.string(),
  status: z.string(),
  ...told.shape,
  /** Now, not ever. */
  parked: z.int(),
  parkedByQueue: z.record(z.string(), z.int()),
  endedAt: z.string().nullable(),
})
export type SidelineItem = z.infer<typeof sidelineItemSchema>

/** A rule with what happened to it, and what it waits for. */
export const sidelineSchema = sidelineItemSchema.extend(courseSchema.shape)

/** Messages that are held, by the queue that holds them. */
type Counts = ReadonlyMap<string, number>

/** A rule, its version and whether it is over, for whoever waits for a change. */
export type Sideline = {
  readonly item: SidelineItem
  readonly version: number
  readonly hasEnded: boolean
}

/** The rule as it stands, undefined when there never was one with this id. */
export async function findSideline(operations: Operations, id: string): Promise<Sideline | undefined> {
  const found = await operations.store.reader.findConversation({ kind: SIDELINE, key: id })
  if (!found) return undefined
  const item = sidelineItem(operations, found, await countsOf(operations))
  return { item, version: found.version, hasEnded: found.endedAtMs !== null }
}

/** The rule with its history and timers. */
export async function findSidelineView(operations: Operations, id: string) {
  const found = await findSideline(operations, id)
  return found && { ...found.item, ...(await courseOf(operations, { kind: SIDELINE, key: id })) }
}

export function unknownSideline(id: string): never {
  throw new HttpProblem(404, { detail: `There is no sideline ${id}. GET /api/sidelines lists them.` })
}

export const countsOf = async ({ held }: Pick<Operations, 'held'>): Promise<Counts> =>
  new Map((await held.countByPlace()).map(({ place, count }) => [place, count]))

export function sidelineItem(operations: Operations, found: Conversation, counts: Counts): SidelineItem {
  const rule = told.parse(kindNamed(operations, SIDELINE).read(found.state).view(operations.clock.now()))
  const parkedByQueue = Object.fromEntries(
    rule.queues.map((queue) => [queue, counts.get(parkingQueueOf(found.key, queue)) ?? 0]),
  )
  return {
    ...rule,
    id: found.key,
    status: found.status,
    parked: Object.values(parkedByQueue).reduce((sum, count) => sum + count, 0),
    parkedByQueue,
    endedAt: isoOrNull(found.endedAtMs),
  }
}
