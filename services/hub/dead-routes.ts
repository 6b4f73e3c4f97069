import { z } from 'zod'
import { HttpProblem } from '../../shared/service/errors.ts'
import type { Http } from '../../shared/service/http.ts'
import { serveDeadActs } from './dead-acts.ts'
import { deadFilterOf, deadFilterShape, where } from './dead-filter.ts'
import { conversationUrls, deadGroupItem, deadGroupSchema } from './dead-view.ts'
import { contentItem, contentSchema, heldItem, heldSchema, heldStates } from './held-view.ts'
import { type Operations, pageOf, pageSchema, paging } from './operations.ts'
import { checkFilter } from './sideline-checks.ts'

const tags = ['dead']
const params = z.object({ id: z.string() })
const { queue, fingerprint, type, tenant } = deadFilterShape
const list = {
  querystring: z
    .object({
      ...paging,
      ...{ queue, fingerprint, type, tenant, where },
      /** Missing: those that lie in their queue, waiting for a person or for a job. */
      state: z.enum([...heldStates, 'all']).optional(),
    })
    .strict(),
  response: { 200: pageSchema(heldSchema) },
}
const groups = {
  querystring: z.object({ ...paging, queue, type, tenant }).strict(),
  response: { 200: pageSchema(deadGroupSchema) },
}
const one = {
  params,
  response: {
    200: heldSchema.extend(contentSchema.shape).extend({
      /** Urls of the conversations that it belongs to, as far as they are known. */
      conversations: z.array(z.string()),
    }),
  },
}

/** `GET /api/dead`, `GET /api/dead/groups`, `GET /api/dead/:id`, and the acts. */
export function serveDead(http: Http, operations: Operations): void {
  const { held, contents } = operations

  http.get(
    '/api/dead',
    {
      schema: {
        ...list,
        tags,
        summary: 'List dead letters, and with `queue=ebs.unrouted` what no queue wanted, newest first',
      },
    },
    async ({ query: { limit, cursor, where, state, ...given } }) => {
      const filter = { ...(await deadFilterOf(operations, given)), states: statesOf(state) }
      if (where === undefined) return pageOf(() => held.listHeld(filter, { limit, cursor }), heldItem)
      checkFilter('where', where)
      return pageOf(() => operations.search({ filter, where }, { limit, cursor }), heldItem)
    },
  )

  http.get(
    '/api/dead/groups',
    {
      schema: {
        ...groups,
        tags,
        summary: 'What dead letters have in common: one line per queue, type and error, largest first',
      },
    },
    async ({ query: { limit, cursor, ...given } }) => {
      const filter = await deadFilterOf(operations, given)
      return pageOf(() => held.listGroups(filter, { limit, cursor }), deadGroupItem)
    },
  )

  http.get(
    '/api/dead/:id',
    { schema: { ...one, tags, summary: 'Show one message with its content, by the id under which it is held' } },
    async ({ params: { id } }) => {
      const row = (await held.findHeld(id)) ?? unknown(id)
      const content = (await contents.fetch([id])).get(id)
      return {
        ...heldItem(row),
        ...contentItem(content),
        conversations: await conversationUrls(operations, row, content),
      }
    },
  )
  serveDeadActs(http, operations)
}

const statesOf = (state: (typeof heldStates)[number] | 'all' | undefined) =>
  state === 'all' ? undefined : state === undefined ? (['held', 'chosen'] as const) : [state]

function unknown(id: string): never {
  throw new HttpProblem(404, {
    detail: `There is no message held under ${id}. GET /api/dead lists them; their id is not the message id.`,
  })
}
