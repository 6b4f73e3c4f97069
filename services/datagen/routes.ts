import { z } from 'zod'
import { objectSchema } from '../../shared/events.ts'
import type { Scope } from '../../shared/service/auth.ts'
import { HttpProblem, unavailable } from '../../shared/service/errors.ts'
import type { Http } from '../../shared/service/http.ts'
import type { SqliteReader, SqliteStore } from '../../shared/store/sqlite-store.ts'
import { StoreUnavailableError } from '../../shared/store/store.ts'
import { type Making, madeAnswer, makeOnce, RETRY_AFTER_S } from './making.ts'
import { type AskGroup, listedObject, show, shownObject, toListed } from './standing.ts'
import { type From, findObject, type Listed, listObjects, storedStates } from './store.ts'

export type ObjectsApi = Pick<Making, 'outboxRowsMax'> & {
  readonly store: SqliteStore
  readonly askGroup: AskGroup
  readonly now: () => number
}

const COUNT_MAX = 10_000
const PAGE_MAX = 1_000
/** Of content in one request: what is made is held in memory until it is stored, and a page until it is sent. */
const CONTENT_CHARS_MAX = 4_194_304
const PAGE_STEP = 50

const wish = objectSchema.pick({ tenant: true, name: true, content: true }).partial().strict()
const creation = {
  body: wish.optional(),
  querystring: z.object({ count: z.coerce.number().int().min(1).max(COUNT_MAX).optional() }).strict(),
  headers: z.object({
    'idempotency-key': z.string().min(1).max(255).optional(),
    traceparent: z
      .string()
      .optional()
      .describe('W3C trace context: what follows belongs to this trace; nonsense is ignored'),
  }),
  response: { 201: madeAnswer },
}
const page = {
  querystring: z
    .object({
      limit: z.coerce.number().int().min(1).max(PAGE_MAX).default(100),
      cursor: z
        .string()
        .regex(/^\d{1,15}$/)
        .default('0'),
      // Which ones are running only the hub knows, one by one.
      state: z.enum(storedStates).optional(),
    })
    .strict(),
  response: { 200: z.object({ items: z.array(listedObject), next: z.string().optional() }) },
}
const one = { params: z.object({ id: z.string() }), response: { 200: shownObject } }

/** Who makes objects may see what became of them. */
const readers: readonly Scope[] = ['objects:write', 'ops:read']

/** `POST /api/objects` (alias `/objects`), `GET /api/objects`, `GET /api/objects/:id`. */
export function serveObjects(http: Http, api: ObjectsApi): void {
  for (const url of ['/api/objects', '/objects'])
    http.post(
      url,
      {
        schema: { ...creation, summary: 'Make objects and announce them', hide: url === '/objects' },
        config: { scopes: ['objects:write'] },
      },
      async (request, reply) => {
        const { headers, query, body = {} } = request
        const chars = (body.content?.length ?? 0) * (query.count ?? 1)
        if (chars > CONTENT_CHARS_MAX)
          throw new HttpProblem(413, {
            detail: `count × content is ${chars} characters, at most ${CONTENT_CHARS_MAX} are taken at once: send several requests.`,
          })
        const order = { wish: body, count: query.count, traceparent: request.traceparent }
        const key = headers['idempotency-key']
        const made = await api.store
          .write((tx) => makeOnce(tx, key, { order, outboxRowsMax: api.outboxRowsMax, nowMs: api.now() }))
          .catch(storeTrouble)
        return reply.code(201).header('location', `/api/objects/${made.location}`).send(made.answer)
      },
    )

  http.get(
    '/api/objects',
    {
      schema: { ...page, summary: 'List objects in the order they were made, with what was heard of their ends' },
      config: { scopes: readers },
    },
    async ({ query: { cursor, limit, state } }) => {
      const rows = readPage(api.store.read, { afterSeq: Number(cursor), state }, limit)
      const last = rows.at(-1)
      const isMore = last !== undefined && listObjects(api.store.read, { afterSeq: last.seq, state }, 1).length > 0
      return { items: rows.map(toListed), ...(isMore && { next: String(last.seq) }) }
    },
  )

  http.get(
    '/api/objects/:id',
    { schema: { ...one, summary: 'Show one object, and how far it is or how it ended' }, config: { scopes: readers } },
    async ({ params }) => {
      const found = findObject(api.store.read, params.id)
      if (!found) throw new HttpProblem(404, { detail: `There is no object ${params.id}.` })
      return show(found, api.askGroup)
    },
  )
}

/** A page of at most `limit` objects, cut where its content becomes too large; at least one object, if there is one. */
function readPage(read: SqliteReader, { afterSeq, state }: From, limit: number): Listed[] {
  const page: Listed[] = []
  let chars = 0
  for (;;) {
    const from = { afterSeq: page.at(-1)?.seq ?? afterSeq, state }
    const step = listObjects(read, from, Math.min(PAGE_STEP, limit - page.length))
    page.push(...step)
    chars += step.reduce((sum, { content, error }) => sum + content.length + (error?.length ?? 0), 0)
    if (step.length < PAGE_STEP || page.length >= limit || chars > CONTENT_CHARS_MAX) return page
  }
}

/** The disk's trouble is not the client's: it may come back. */
function storeTrouble(error: unknown): never {
  if (error instanceof StoreUnavailableError)
    throw unavailable('The database takes no writes just now; come back later.', RETRY_AFTER_S)
  throw error
}
