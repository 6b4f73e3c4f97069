import { z } from 'zod'
import type { Http } from '../../shared/service/http.ts'
import type { SqliteReader } from '../../shared/store/sqlite-store.ts'
import { readEventsByType, readStatistics, readThroughput, readUnheard } from './store.ts'

const ROWS_MAX = 1_000
const limited = { querystring: z.object({ limit: z.coerce.number().int().min(1).max(ROWS_MAX).default(100) }).strict() }

/** The views of `stats.db` as JSON. */
export function serveStatistics(http: Http, read: SqliteReader): void {
  http.get('/api/statistics', { schema: { summary: 'All totals, durations in ms' } }, async () => readStatistics(read))
  http.get('/api/events', { schema: { ...limited, summary: 'Events by type and routing key' } }, async ({ query }) => ({
    items: readEventsByType(read, query.limit),
  }))
  http.get(
    '/api/throughput',
    { schema: { ...limited, summary: 'Totals per minute, latest first' } },
    async ({ query }) => ({
      items: readThroughput(read, query.limit),
    }),
  )
  http.get(
    '/api/unheard',
    { schema: { ...limited, summary: 'Events that nobody was there for' } },
    async ({ query }) => ({
      items: readUnheard(read, query.limit),
    }),
  )
}
