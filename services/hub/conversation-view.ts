import { z } from 'zod'
import type { AnyKind } from '../../shared/flow/any-kind.ts'
import type { Conversation, ConversationReader, HistoryEntry, Timer } from '../../shared/store/conversations.ts'
import { isoOf, isoOrNull } from './operations.ts'
import { timerItem, timerSchema } from './timer-view.ts'

/** Lines of history that are shown: a group of the largest size has one per member. */
const HISTORY_MAX = 200

const common = {
  id: z.string(),
  type: z.string(),
  version: z.int(),
  status: z.string(),
  createdAt: z.string(),
  changedAt: z.string(),
  endedAt: z.string().nullable(),
}

/** A conversation in a list. */
export const summarySchema = z.object({ ...common, tenant: z.string().nullable(), correlationId: z.string() })

/** A conversation with everything: members or calls by its kind, history, what it waits for. */
export const viewSchema = z.looseObject({
  ...common,
  history: z.array(z.object({ at: z.string(), what: z.string(), detail: z.string().optional() })),
  timers: z.array(timerSchema),
})

export type View = z.infer<typeof viewSchema>

export const summaryOf = (one: Conversation): z.infer<typeof summarySchema> => ({
  ...commonOf(one),
  tenant: one.tenant,
  correlationId: one.correlationId,
})

/** How a conversation stands, undefined when there is none with this key. */
export async function findView(reader: ConversationReader, kind: AnyKind, about: { key: string; nowMs: number }) {
  const id = { kind: kind.name, key: about.key }
  const found = await reader.findConversation(id)
  if (!found) return undefined
  const [history, timers] = [await reader.historyOf(id, HISTORY_MAX), await reader.timersOf(id)]
  return viewOf(kind, { found, history, timers, nowMs: about.nowMs })
}

type Parts = {
  readonly found: Conversation
  readonly history: readonly HistoryEntry[]
  readonly timers: readonly Timer[]
  readonly nowMs: number
}

const viewOf = (kind: AnyKind, { found, history, timers, nowMs }: Parts): View => ({
  // First, because that is what a person looks for; and once more, because no kind may say otherwise.
  ...commonOf(found),
  ...kind.read(found.state).view(nowMs),
  ...commonOf(found),
  history: history.map(({ atMs, what, detail }) => ({ at: isoOf(atMs), what, ...(detail !== null && { detail }) })),
  timers: timers.map((timer) => timerItem(timer, nowMs)),
})

const commonOf = ({ key, kind, version, status, createdAtMs, changedAtMs, endedAtMs }: Conversation) => ({
  id: key,
  type: kind,
  version,
  status,
  createdAt: isoOf(createdAtMs),
  changedAt: isoOf(changedAtMs),
  endedAt: isoOrNull(endedAtMs),
})
