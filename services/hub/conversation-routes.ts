import { z } from 'zod'
import type { AnyKind } from '../../shared/flow/any-kind.ts'
import { HttpProblem } from '../../shared/service/errors.ts'
import type { Http } from '../../shared/service/http.ts'
import type { ConversationFilter } from '../../shared/store/conversations.ts'
import { findView, summaryOf, summarySchema, viewSchema } from './conversation-view.ts'
import { actBy, acting, JOURNEY, type Operations, pageOf, pageSchema, paging, yesOrNo } from './operations.ts'

const word = z.string().min(1).max(64).optional()
const filters = {
  ...paging,
  status: word,
  tenant: word,
  open: yesOrNo.optional(),
  createdBefore: z.iso.datetime({ offset: true }).optional(),
}
const response = { 200: pageSchema(summarySchema) }
const list = { querystring: z.object(filters).strict(), response }
/** `attention`: why a person should look at it, or `any`. */
const listOfTypes = { querystring: z.object({ ...filters, type: word, attention: word }).strict(), response }
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

  const schema = kind.name === JOURNEY ? listOfTypes : list
  http.get(url, { schema: { ...schema, tags, summary: `List ${kind.name}s, newest first` } }, async ({ query }) => {
    const { limit, cursor, ...given } = query
    return pageOf(() => reader.listConversations(filterOf(kind, given), { limit, cursor }), summaryOf)
  })

  http.get(`${url}/:id`, { schema: { ...one, tags, summary: `Show one ${kind.name}` } }, ({ params }) =>
    view(params.id),
  )

  http.post(
    `${url}/:id/cancel`,
    { schema: { ...cancel, tags, summary: `End one ${kind.name} now, with an error` } },
    async (request) => {
      const { id: key } = request.params
      const act = { act: 'cancel' as const, ...actBy(request) }
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

type Given = Omit<z.infer<typeof list.querystring>, 'limit' | 'cursor'> & {
  readonly type?: string | undefined
  readonly attention?: string | undefined
}

const filterOf = ({ name }: AnyKind, given: Given): ConversationFilter => ({
  kind: name,
  status: given.status,
  tenant: given.tenant,
  isOpen: given.open,
  createdBeforeMs: given.createdBefore === undefined ? undefined : Date.parse(given.createdBefore),
  label: given.type,
  attention: given.attention === 'any' ? true : given.attention,
})

function unknown(kind: AnyKind, key: string): never {
  throw new HttpProblem(404, { detail: `There is no ${kind.name} ${key}.` })
}
