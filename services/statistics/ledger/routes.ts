import { z } from 'zod'
import { filterLedger } from '../../../shared/ledger-view.ts'
import type { Http } from '../../../shared/service/http.ts'
import type { SqliteReader } from '../../../shared/store/sqlite-store.ts'
import { subjectKinds } from '../../../shared/subject.ts'
import { type Pace, readImbalances, readLedger } from './view.ts'

const ROWS_MAX = 1_000
const FIRST = ['', '', ''] as const

/** Where the last page ended. */
const cursor = z.string().transform((text, context) => {
  try {
    return z.tuple([z.string(), z.string(), z.string()]).parse(JSON.parse(Buffer.from(text, 'base64url').toString()))
  } catch {
    context.addIssue({ code: 'custom', message: "is no cursor of this list: pass on what 'next' gives" })
    return z.NEVER
  }
})
const filter = z.object({ kind: z.enum(subjectKinds).optional(), tenant: z.string().max(255).optional() }).strict()
const page = z
  .object({ limit: z.coerce.number().int().min(1).max(ROWS_MAX).default(100), cursor: cursor.optional() })
  .strict()

/** The ledger as JSON. */
export function serveLedger(
  http: Http,
  { read, now, ...pace }: Pace & { readonly read: SqliteReader; readonly now: () => number },
): void {
  http.get(
    '/api/ledger',
    { schema: { querystring: filter, summary: 'What was accepted, and where it is' } },
    async ({ query }) => filterLedger(readLedger(read, { ...pace, nowMs: now() }), query),
  )
  http.get(
    '/api/ledger/imbalances',
    { schema: { querystring: page, summary: 'What was accepted and is nowhere to be found' } },
    async ({ query: { limit, cursor: after = FIRST } }) => {
      const rows = readImbalances(read, after, limit + 1)
      const last = rows.length > limit ? rows[limit - 1] : undefined
      const next = last && Buffer.from(JSON.stringify([last.place, last.kind, last.id])).toString('base64url')
      return { items: rows.slice(0, limit), ...(next !== undefined && { next }) }
    },
  )
}
