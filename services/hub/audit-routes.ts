import { z } from 'zod'
import type { Http } from '../../shared/service/http.ts'
import type { AuditEntry } from '../../shared/store/audit.ts'
import { type AuditOptions, keepAudit } from './audit.ts'
import { isoOf, pageOf, pageSchema, paging } from './operations.ts'

const entrySchema = z.object({
  /** The request's id, as its answer and the log have it. */
  id: z.string(),
  at: z.string(),
  actor: z.string().nullable(),
  /** A token says who it was; otherwise it is what he called himself. */
  proven: z.boolean(),
  address: z.string(),
  act: z.string(),
  target: z.string().nullable(),
  reason: z.string().nullable(),
  status: z.int(),
  correlationId: z.string(),
})
const text = z.string().min(1).max(256).optional()
const list = {
  querystring: z
    .object({ ...paging, actor: text, act: text, since: z.iso.datetime({ offset: true }).optional() })
    .strict(),
  response: { 200: pageSchema(entrySchema) },
}
const summary = 'List what operators did, or were refused, newest first'

/** Keeps the audit of every act from here on, and serves `GET /api/audit`. */
export function serveAudit(http: Http, options: AuditOptions): void {
  keepAudit(http, options)
  http.get('/api/audit', { schema: { ...list, tags: ['audit'], summary } }, ({ query }) => {
    const { actor, act, since, limit, cursor } = query
    const filter = { actor, act, sinceMs: since === undefined ? undefined : Date.parse(since) }
    return pageOf(() => options.store.audit.list(filter, { limit, cursor }), entryItem)
  })
}

const entryItem = ({ atMs, isProven, isStranger: _, ...entry }: AuditEntry) => ({
  ...entry,
  at: isoOf(atMs),
  proven: isProven,
})
