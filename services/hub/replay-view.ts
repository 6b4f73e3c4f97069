import { z } from 'zod'
import type { Conversation } from '../../shared/store/conversations.ts'
import { courseOf, courseSchema } from './conversation-view.ts'
import { isoOf, isoOrNull, kindNamed, type Operations, REPLAY } from './operations.ts'

const count = z.int()
/** What the kind says of a job; it may say more, which is shown as it is. */
const told = z.looseObject({
  act: z.string(),
  actor: z.string(),
  reason: z.string(),
  /** `id#episode` of the rule that had set the messages aside. */
  rule: z.string().optional(),
  phase: z.string(),
  /** How many it is about; of these, how many were sent, and what came of them. `pending`: sent, outcome not known yet. */
  total: count,
  moved: count,
  handled: count,
  failed: count,
  dead: count,
  parked: count,
  pending: count,
  sources: z.array(z.looseObject({ from: z.string(), count })),
  stopReason: z.string().optional(),
})

/** A job in a list. */
export const replayItemSchema = z.looseObject({
  id: z.string(),
  status: z.string(),
  ...told.shape,
  startedAt: z.string(),
  endedAt: z.string().nullable(),
})

/** A job with what happened to it, and what it waits for. */
export const replaySchema = replayItemSchema.extend(courseSchema.shape)

export const replayItem = (operations: Operations, found: Conversation): z.infer<typeof replayItemSchema> => ({
  ...told.parse(kindNamed(operations, REPLAY).read(found.state).view(operations.clock.now())),
  id: found.key,
  status: found.status,
  startedAt: isoOf(found.createdAtMs),
  endedAt: isoOrNull(found.endedAtMs),
})

/** The job with its history and timers, and its version; undefined when there is none with this id. */
export async function findReplay(operations: Operations, key: string) {
  const id = { kind: REPLAY, key }
  const found = await operations.store.reader.findConversation(id)
  if (!found) return undefined
  const view = { ...replayItem(operations, found), ...(await courseOf(operations, id)) }
  return { view, version: found.version, hasEnded: found.endedAtMs !== null }
}
