import { z } from 'zod'
import { journeyEvents, type remediationActs } from '../../../shared/journey-events.ts'
import type { Http } from '../../../shared/service/http.ts'
import { findView, viewSchema } from '../conversation-view.ts'
import { actBy, acting, JOURNEY, kindNamed, type Operations, pageOf, pageSchema, paging } from '../operations.ts'
import { givenValues } from './given-value.ts'
import { itemFilterOf, itemFilterShape } from './item-filter.ts'
import { searchItems } from './item-search.ts'
import { decide, noteTicket } from './remediation-acts.ts'
import { itemSchema, seenBy, unknownJourney } from './remediation-item.ts'
import { serveRemediationJobs } from './remediation-job-routes.ts'

const tags = ['remediation']
const params = z.object({ id: z.string() })
const list = {
  querystring: z.object({ ...paging, ...itemFilterShape }).strict(),
  response: { 200: pageSchema(itemSchema) },
}
const one = { params, response: { 200: itemSchema.extend({ journey: viewSchema }) } }

const { step, revision } = journeyEvents.REMEDIATION_COMMAND.body.shape
const { input, output } = givenValues
const deciding = { ...acting, revision }
const acts = [
  {
    act: 'retry',
    body: z.object({ ...deciding, step, input }).strict(),
    summary: 'Ask again for the steps that failed, or for one, with another input if one is given',
  },
  {
    act: 'skip',
    body: z.object({ ...deciding, step, output }).strict(),
    summary: 'Go on as if the step had given this output (null when there is none)',
  },
  { act: 'compensate', body: z.object(deciding).strict(), summary: 'Take back what was done, last step first' },
  { act: 'cancel', body: z.object(deciding).strict(), summary: 'End it, and leave what was done as it is' },
] as const satisfies readonly { readonly act: (typeof remediationActs)[number]; readonly [field: string]: unknown }[]

const { ticket } = journeyEvents.REMEDIATION_TICKET.body.shape
const noting = { params, body: z.object({ ...acting, ticket }).strict(), response: { 200: itemSchema } }

/** `GET /api/remediation`, `GET /api/remediation/:id`, `POST /api/remediation/:id/retry|skip|compensate|cancel|ticket`, and jobs for many. */
export function serveRemediation(http: Http, operations: Operations): void {
  http.get(
    '/api/remediation',
    { schema: { ...list, tags, summary: 'List journeys that need a person, those that began last first' } },
    ({ query: { limit, cursor, ...given } }) =>
      pageOf(
        () => searchItems(operations, itemFilterOf(given), { limit, cursor }),
        (item) => item,
      ),
  )

  http.get(
    '/api/remediation/:id',
    { schema: { ...one, tags, summary: 'Show what a journey needs, what may be decided now, and the journey' } },
    async ({ params: { id } }) => {
      const { item } = await seenBy(operations, id)
      const journey = (await findView(operations, kindNamed(operations, JOURNEY), id)) ?? unknownJourney(id)
      return { ...item, journey }
    },
  )

  for (const { act, body, summary } of acts)
    http.post(
      `/api/remediation/:id/${act}`,
      { schema: { params, body, response: { 202: itemSchema }, tags, summary } },
      async (request, reply) => {
        const command = { act, sagaId: request.params.id, ...actBy<typeof request.body>(request) }
        return reply.code(202).send(await decide(operations, command))
      },
    )

  http.post(
    '/api/remediation/:id/ticket',
    { schema: { ...noting, tags, summary: 'Note where people deal with a journey; an empty text removes it' } },
    async (request) => noteTicket(operations, { sagaId: request.params.id, ...actBy(request) }),
  )

  serveRemediationJobs(http, operations)
}
