import { z } from 'zod'
import { HttpProblem } from '../../shared/service/errors.ts'
import type { Http } from '../../shared/service/http.ts'
import { heldItem, heldSchema, heldStates } from './held-view.ts'
import { actBy, acting, type Operations, pageOf, pageSchema, paging, REPLAY, yesOrNo } from './operations.ts'
import { findReplay, replayItem, replayItemSchema, replaySchema } from './replay-view.ts'

const tags = ['replays']
const params = z.object({ id: z.string() })
const list = {
  querystring: z.object({ ...paging, status: z.string().min(1).max(64).optional(), open: yesOrNo.optional() }).strict(),
  response: { 200: pageSchema(replayItemSchema) },
}
const one = { params, response: { 200: replaySchema } }
const messages = {
  params,
  querystring: z.object({ ...paging, state: z.enum(heldStates).optional() }).strict(),
  response: { 200: pageSchema(heldSchema) },
}
const act = { params, body: z.object(acting).strict(), response: { 200: replaySchema } }

const acts = {
  pause: 'Send nothing more for now; what was sent is handled',
  resume: 'Go on with a job that was paused, or has stopped by itself',
  cancel: 'End a job; what it has not sent stays where it is',
} as const
const actions = ['pause', 'resume', 'cancel'] as const

/** `GET /api/replays`, `GET /api/replays/:id`, `GET /api/replays/:id/messages`, `POST /api/replays/:id/pause|resume|cancel`. */
export function serveReplays(http: Http, operations: Operations): void {
  const { store, held } = operations
  const find = async (id: string) => (await findReplay(operations, id)) ?? unknown(id)

  http.get(
    '/api/replays',
    { schema: { ...list, tags, summary: 'List jobs that bring messages back, or drop or archive them, newest first' } },
    ({ query: { limit, cursor, status, open: isOpen } }) =>
      pageOf(
        () => store.reader.listConversations({ kind: REPLAY, status, isOpen }, { limit, cursor }),
        (found) => replayItem(operations, found),
      ),
  )

  http.get(
    '/api/replays/:id',
    { schema: { ...one, tags, summary: 'Show one job: how far it is, and what came of what it sent' } },
    async ({ params }) => (await find(params.id)).view,
  )

  http.get(
    '/api/replays/:id/messages',
    { schema: { ...messages, tags, summary: 'List the messages of a job and what became of each, newest first' } },
    async ({ params, query: { limit, cursor, state } }) => {
      await find(params.id)
      const filter = { job: params.id, ...(state && { states: [state] }) }
      return pageOf(() => held.listHeld(filter, { limit, cursor }), heldItem)
    },
  )

  for (const action of actions)
    http.post(`/api/replays/:id/${action}`, { schema: { ...act, tags, summary: acts[action] } }, async (request) => {
      const { id } = request.params
      const before = await find(id)
      const { refused } = await operations.tell({ type: 'REPLAY_COMMAND', id, action, ...actBy(request) })
      const told = await find(id)
      if (refused !== undefined) throw notNow(told, refused)
      if (told.version === before.version)
        throw notNow(told, `The replay ${id} is ${told.view.status}: there is nothing to ${action}.`)
      return told.view
    })
}

type Found = NonNullable<Awaited<ReturnType<typeof findReplay>>>

function notNow({ view, hasEnded }: Found, detail: string): HttpProblem {
  const { id, status, endedAt, stopReason } = view
  return new HttpProblem(409, {
    title: hasEnded ? 'Already ended' : 'Not now',
    detail,
    extensions: { replay: { id, status, endedAt, ...(stopReason !== undefined && { stopReason }) } },
  })
}

function unknown(id: string): never {
  throw new HttpProblem(404, { detail: `There is no replay ${id}. GET /api/replays lists them.` })
}
