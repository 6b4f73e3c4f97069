import { z } from 'zod'

/** The columns of `conversationRow`. */
export const CONVERSATION_COLUMNS = `kind, key, version, status, state, correlation_id as correlationId, tenant, traceparent,
  created_at as createdAtMs, changed_at as changedAtMs, ended_at as endedAtMs`
export const FIND_CONVERSATION = `select ${CONVERSATION_COLUMNS} from conversation_rows where key = ? and kind = ?`

/** A `Conversation`. */
export const conversationRow = z.object({
  kind: z.string(),
  key: z.string(),
  version: z.number(),
  status: z.string(),
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
