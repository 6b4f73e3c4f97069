import { z } from 'zod'
import { operationEvents, pacing } from '../../shared/operation-events.ts'
import type { Http } from '../../shared/service/http.ts'
import { heldItem, heldSchema, heldStates } from './held-view.ts'
import { actBy, acting, type Operations, pageOf, pageSchema, paging, SIDELINE, yesOrNo } from './operations.ts'
import { actOnSideline, startSideline } from './sideline-acts.ts'
import { checkFilter, checkQueues } from './sideline-checks.ts'
import {
  countsOf,
  findSideline,
  findSidelineView,
  sidelineItem,
  sidelineItemSchema,
  sidelineSchema,
  unknownSideline,
} from './sideline-view.ts'

const SAMPLE_DEFAULT = 1_000
const tags = ['sidelines']
const { id, filter, queues, expiresAt, probeMs } = operationEvents.SIDELINE_COMMAND.body.shape
const { sample } = operationEvents.SIDELINE_TRIAL.body.shape
const params = z.object({ id: z.string() })

const list = {
  querystring: z.object({ ...paging, status: z.string().min(1).max(64).optional(), open: yesOrNo.optional() }).strict(),
  response: { 200: pageSchema(sidelineItemSchema) },
}
const one = { params, response: { 200: sidelineSchema } }
const messages = {
  params,
  querystring: z.object({ ...paging, state: z.enum(heldStates).optional() }).strict(),
  response: { 200: pageSchema(heldSchema) },
}
const start = {
  body: z.object({ id, filter: filter.unwrap(), queues, ...acting, expiresAt, probeMs }).strict(),
  response: { 200: sidelineItemSchema, 201: sidelineItemSchema, 202: sidelineItemSchema },
}
const begun = z.object({
  id: z.string(),
  status: z.string(),
  parked: z.int(),
  /** The job that brings its messages back, or drops them; none when there is nothing to bring back, or not yet. */
  replay: z.string().optional(),
  waitsFor: z.string().optional(),
})
const pacedAct = { params, body: z.object({ ...acting, ...pacing }).strict(), response: { 202: begun } }
const act = { params, body: z.object(acting).strict(), response: { 202: begun } }
const counted = { sampled: z.int(), matched: z.int(), unclear: z.int() }
const dryRun = {
  body: z.object({ filter: filter.unwrap(), queues, sample: sample.default(SAMPLE_DEFAULT) }).strict(),
  response: {
    200: z.object({
      ...counted,
      queues: z.array(z.object({ queue: z.string(), ...counted })),
      answered: z.int(),
      missing: z.array(z.string()),
      examples: z.array(z.string()),
    }),
  },
}

/** `GET /api/sidelines`, `GET /api/sidelines/:id`, `GET /api/sidelines/:id/messages`, and the acts. */
export function serveSidelines(http: Http, operations: Operations): void {
  const { store, held } = operations

  http.get('/api/sidelines', { schema: { ...list, tags, summary: 'List sideline rules' } }, async ({ query }) => {
    const { limit, cursor, status, open: isOpen } = query
    const counts = await countsOf(operations)
    return pageOf(
      () => store.reader.listConversations({ kind: SIDELINE, status, isOpen }, { limit, cursor }),
      (found) => sidelineItem(operations, found, counts),
    )
  })

  http.get(
    '/api/sidelines/:id',
    { schema: { ...one, tags, summary: 'Show one sideline rule, who did what with it and why' } },
    async ({ params }) => (await findSidelineView(operations, params.id)) ?? unknownSideline(params.id),
  )

  http.get(
    '/api/sidelines/:id/messages',
    {
      schema: {
        ...messages,
        tags,
        summary: 'List what a sideline rule has set aside since it was started, newest first',
      },
    },
    async ({ params, query: { limit, cursor, state } }) => {
      const { item } = (await findSideline(operations, params.id)) ?? unknownSideline(params.id)
      const filter = { rule: item.use, ...(state && { states: [state] }) }
      return pageOf(() => held.listHeld(filter, { limit, cursor }), heldItem)
    },
  )
  serveActs(http, operations)
}

function serveActs(http: Http, operations: Operations): void {
  http.post(
    '/api/sidelines',
    {
      schema: {
        ...start,
        tags,
        summary: 'Set aside what matches: 201 when no consumer handles such a message any more',
      },
    },
    async (request, reply) => {
      const { code, item } = await startSideline(operations, actBy(request))
      return reply.code(code).header('location', `/api/sidelines/${item.id}`).send(item)
    },
  )

  const acts = [
    ['resume', 'Bring back what is parked, while the rule goes on'],
    ['resolve', 'Lift the rule, bring back what is parked, and close it'],
  ] as const
  for (const [action, summary] of acts)
    http.post(`/api/sidelines/:id/${action}`, { schema: { ...pacedAct, tags, summary } }, async (request, reply) =>
      reply.code(202).send(await actOnSideline(operations, { action, id: request.params.id, ...actBy(request) })),
    )
  http.post(
    '/api/sidelines/:id/discard',
    { schema: { ...act, tags, summary: 'Lift the rule and drop what is parked' } },
    async (request, reply) =>
      reply
        .code(202)
        .send(await actOnSideline(operations, { action: 'discard', id: request.params.id, ...actBy(request) })),
  )

  http.post(
    '/api/sidelines/dry-run',
    { schema: { ...dryRun, tags, summary: 'How many of the last messages would a filter match?' } },
    async ({ body: { filter, queues, sample } }) => {
      checkFilter('filter', filter)
      checkQueues(operations, queues)
      const { defaultQueues } = operations.sidelineTerms
      const found = await operations.trials.run({ filter, queues: queues ?? defaultQueues, sample })
      const { missing, examples } = found
      return { ...found, queues: [...found.queues], missing: [...missing], examples: [...examples] }
    },
  )
}
