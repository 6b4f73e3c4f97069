import { z } from 'zod'

/** The columns of `conversationRow`. */
export const CONVERSATION_COLUMNS = `kind, key, version, status, label, attention, state, correlation_id as correlationId, tenant, traceparent,
  created_at as createdAtMs, changed_at as changedAtMs, ended_at as endedAtMs`
export const FIND_CONVERSATION = `select ${CONVERSATION_COLUMNS} from conversation_rows where key = ? and kind = ?`

/** A `Conversation`. */
export const conversationRow = z.object({
  kind: z.string(),
  key: z.string(),
  version: z.number(),
  status: z.string(),
  label: z.string().nullable(),
  attention: z.string().nullable(),
  state: z.string(),
  correlationId: z.string(),
  tenant: z.string().nullable(),
  traceparent: z.string().nullable(),
  createdAtMs: z.number(),
  changedAtMs: z.number(),
  endedAtMs: z.number().nullable(),
})

/** The columns of `timerRow`. */
export const TIMER_COLUMNS = 'kind, key, name, token, due as dueMs'

/** The columns of `frozenRow`. */
export const FROZEN_COLUMNS = 'kind, key, name, remaining as leftMs, since as sinceMs'

/** A `FrozenTimer`. */
export const frozenRow = z.object({
  kind: z.string(),
  key: z.string(),
  name: z.string(),
  leftMs: z.number(),
  sinceMs: z.number(),
})

/** A `Timer`. */
export const timerRow = z.object({
  kind: z.string(),
  key: z.string(),
  name: z.string(),
  token: z.number(),
  dueMs: z.number(),
})

/** What a change of a conversation needs to know of it. */
export const storedRow = z.object({
  seq: z.number(),
  version: z.number(),
  status: z.string(),
  label: z.string().nullable(),
  attention: z.string().nullable(),
  tenant: z.string().nullable(),
  createdAtMs: z.number(),
  endedAtMs: z.number().nullable(),
  correlationId: z.string(),
  lines: z.number(),
})

/** Early events: how many of a conversation, their places, and as they are told. */
export const earlySize = z.object({ count: z.number(), bytes: z.number() })
export const earlySized = z.object({ seq: z.number(), bytes: z.number() })
const earlySeq = z.object({ seq: z.number(), kind: z.string(), key: z.string(), bytes: z.number() })
export const oldEarlyRow = earlySeq.extend({ rows: z.number() })
export const earlyRow = earlySeq.extend({ event: z.string(), atMs: z.number() })

/** One that ended, with what counts towards a slice. */
export const endedRow = z.object({
  seq: z.number(),
  kind: z.string(),
  key: z.string(),
  rows: z.number(),
  bytes: z.number(),
})
