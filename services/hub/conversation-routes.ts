import { z } from 'zod'
import type { AnyKind } from '../../shared/flow/any-kind.ts'
import { HttpProblem } from '../../shared/service/errors.ts'
import type { Http } from '../../shared/service/http.ts'
import { findView, summaryOf, summarySchema, viewSchema } from './conversation-view.ts'
import { acting, type Operations, pageOf, pageSchema, paging, yesOrNo } from './operations.ts'

const STATUS_CHARS_MAX = 64

const list = {
  querystring: z
    .object({
      ...paging,
      status: z.string().min(1).max(STATUS_CHARS_MAX).optional(),
      tenant: z.string().min(1).max(STATUS_CHARS_MAX).optional(),
      open: yesOrNo.optional(),
      createdBefore: z.iso.datetime({ offset: true }).optional(),
    })
    .strict(),
  response: { 200: pageSchema(summarySchema) },
}
const params = z.object({ id: z.string() })
const one = { params, response: { 200: viewSchema } }
const cancel = { params, body: z.object(acting).strict(), response: { 200: viewSchema } }

/** `GET /api/<kind>s`, `GET /api/<kind>s/:id`, `POST /api/<kind>s/:id/cancel`. */
export function serveConversations(http: Http, kind: AnyKind, operations: Operations): void {
  const { store, kernel } = operations
  const { reader } = store
  const url = `/api/${kind.name}s`
  const tags = [`${kind.name}s`]
  const view = async (key: string) => (await findView(operations, kind, key)) ?? unknown(kind, key)

  http.get(url, { schema: { ...list, tags, summary: `List ${kind.name}s, newest first` } }, async ({ query }) => {
    const { limit, cursor, open: isOpen, status, tenant, createdBefore } = query
    const createdBeforeMs = createdBefore === undefined ? undefined : Date.parse(createdBefore)
    const filter = { kind: kind.name, status, tenant, isOpen, createdBeforeMs }
    return pageOf(() => reader.listConversations(filter, { limit, cursor }), summaryOf)
  })

  http.get(`${url}/:id`, { schema: { ...one, tags, summary: `Show one ${kind.name}` } }, ({ params }) =>
    view(params.id),
  )

  http.post(
    `${url}/:id/cancel`,
    { schema: { ...cancel, tags, summary: `End one ${kind.name} now, with an error` } },
    async ({ params: { id: key }, body: { actor, reason } }) => {
      const act = { act: 'cancel', actor, reason } as const
      const outcome = await store.write((tx) => kernel.act(tx, { kind: kind.name, key }, act))
      if (outcome === 'not-found') return unknown(kind, key)
      const stands = await view(key)
      if (outcome === 'ended')
        throw new HttpProblem(409, {
          title: 'Already ended',
          detail: `The ${kind.name} ${key} is ${stands.status} since ${stands.endedAt ?? stands.changedAt}; there is nothing to cancel.`,
          extensions: { ended: { status: stands.status, at: stands.endedAt } },
        })
      return stands
    },
  )
}

function unknown(kind: AnyKind, key: string): never {
  throw new HttpProblem(404, { detail: `There is no ${kind.name} ${key}.` })
}
