import { z } from 'zod'
import type { AnyKind } from '../../shared/flow/any-kind.ts'
import type { Conversation, ConversationId } from '../../shared/store/conversations.ts'
import type { Held } from '../../shared/store/held-messages.ts'
import { isoOf, isoOrNull, type Operations } from './operations.ts'
import { frozenTimerItem, frozenTimerSchema, timerItem, timerSchema } from './timer-view.ts'

/** Lines of history that are shown: a group of the largest size has one per member. */
const HISTORY_MAX = 200
/** Messages of its thread that are dead or set aside: whoever wants all of them asks for the messages. */
const HELD_MAX = 100

const common = {
  id: z.string(),
  type: z.string(),
  version: z.int(),
  status: z.string(),
  createdAt: z.string(),
  changedAt: z.string(),
  endedAt: z.string().nullable(),
}

/** What every conversation has; those with a label also the name of their kind, and how often they have changed. */
export const outlineSchema = z.object({ ...common, kind: z.string().optional(), revision: z.int().optional() })

/** A conversation in a list. */
export const summarySchema = outlineSchema.extend({
  tenant: z.string().nullable(),
  correlationId: z.string(),
  attention: z.string().nullable().optional(),
})

const heldSchema = z.object({
  /** `GET /api/dead/:id` shows the message. */
  id: z.string(),
  /** The queue that holds it. */
  where: z.string(),
  rule: z.string().optional(),
  since: z.string(),
  type: z.string().nullable(),
  messageId: z.string(),
  state: z.string(),
})

/** What happened, and what it waits for. */
export const courseSchema = z.object({
  history: z.array(z.object({ at: z.string(), what: z.string(), detail: z.string().optional() })),
  timers: z.array(timerSchema),
  frozenTimers: z.array(frozenTimerSchema),
})

/** A conversation with everything: members or calls by its kind, history, what it waits for, and what of its thread is held up. */
export const viewSchema = z.looseObject({ ...common, ...courseSchema.shape, held: z.array(heldSchema) })

export type View = z.infer<typeof viewSchema>

export const summaryOf = (one: Conversation): z.infer<typeof summarySchema> => ({
  ...commonOf(one),
  tenant: one.tenant,
  correlationId: one.correlationId,
  ...(one.label !== null && { attention: one.attention }),
})

/** How a conversation stands, undefined when there is none with this key. */
export async function findView(operations: Operations, kind: AnyKind, key: string): Promise<View | undefined> {
  const id = { kind: kind.name, key }
  const found = await operations.store.reader.findConversation(id)
  if (!found) return undefined
  return {
    // First, because that is what a person looks for; and once more, because no kind may say otherwise.
    ...commonOf(found),
    ...kind.read(found.state).view(operations.clock.now()),
    ...commonOf(found),
    held: (await operations.held.heldOf(found.correlationId, HELD_MAX)).map(heldItem),
    ...(await courseOf(operations, id)),
  }
}

/** History and timers of a conversation. */
export async function courseOf(
  { store, clock }: Operations,
  id: ConversationId,
): Promise<z.infer<typeof courseSchema>> {
  const { reader } = store
  const history = await reader.historyOf(id, HISTORY_MAX)
  const nowMs = clock.now()
  return {
    history: history.map(({ atMs, what, detail }) => ({ at: isoOf(atMs), what, ...(detail !== null && { detail }) })),
    timers: (await reader.timersOf(id)).map((timer) => timerItem(timer, nowMs)),
    frozenTimers: (await reader.frozenTimersOf(id)).map(frozenTimerItem),
  }
}

const heldItem = ({ id, place, rule, heldAtMs, type, messageId, state }: Held): z.infer<typeof heldSchema> => ({
  id,
  where: place,
  ...(rule !== null && { rule }),
  since: isoOf(heldAtMs),
  type,
  messageId,
  state,
})

const commonOf = (one: Conversation) => ({
  id: one.key,
  ...typeOf(one),
  status: one.status,
  createdAt: isoOf(one.createdAtMs),
  changedAt: isoOf(one.changedAtMs),
  endedAt: isoOrNull(one.endedAtMs),
})

/** What its users know it by: of a kind with labels the label, with the version that the conversation keeps to. */
function typeOf({ kind, label, version, state }: Conversation) {
  if (label === null) return { type: kind, version }
  return { kind, type: label, ...labelled.parse(JSON.parse(state)) }
}

/** Of the state of a conversation with a label: the version of what its label names, and how often it has changed. */
const labelled = z.object({ version: z.int(), revision: z.int() })
