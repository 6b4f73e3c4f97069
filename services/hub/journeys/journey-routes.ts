import { z } from 'zod'
import type { Http } from '../../../shared/service/http.ts'
import { findView, viewSchema } from '../conversation-view.ts'
import { JOURNEY, kindNamed, type Operations, pageOf, pageSchema, paging } from '../operations.ts'

/** Each comes with everything; a page of this size is a second's work at most. */
const EXPORTED_DEFAULT = 100

const exported = {
  querystring: z
    .object({
      ...paging,
      limit: paging.limit.default(EXPORTED_DEFAULT),
      /** Those that ended at this time or later. */
      since: z.iso.datetime({ offset: true }).default('1970-01-01T00:00:00Z'),
    })
    .strict(),
  response: { 200: pageSchema(viewSchema) },
}

/** `GET /api/journeys/export`, beside what all conversations have. */
export function serveJourneys(http: Http, operations: Operations): void {
  const kind = kindNamed(operations, JOURNEY)
  const { reader } = operations.store
  http.get(
    '/api/journeys/export',
    {
      schema: {
        ...exported,
        tags: ['journeys'],
        summary: 'Journeys that have ended, whole, in the order of their ends',
      },
    },
    async ({ query: { since, limit, cursor } }) => {
      const page = await pageOf(
        () => reader.listEnded({ kind: JOURNEY, sinceMs: Date.parse(since) }, { limit, cursor }),
        ({ key }) => key,
      )
      const items = []
      // One forgotten meanwhile is left out.
      for (const key of page.items) items.push(await findView(operations, kind, key))
      return { ...page, items: items.filter((item) => item !== undefined) }
    },
  )
}
