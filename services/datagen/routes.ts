import { createHash } from 'node:crypto'
import { z } from 'zod'
import { type EbsObject, objectSchema } from '../../shared/events.ts'
import { HttpProblem, unavailable } from '../../shared/service/errors.ts'
import type { Http } from '../../shared/service/http.ts'
import type { SqliteReader, SqliteStore } from '../../shared/store/sqlite-store.ts'
import type { SqliteTransaction } from '../../shared/store/sqlite-transaction.ts'
import { StoreUnavailableError } from '../../shared/store/store.ts'
import { announce, makeObject, type ObjectWish } from './objects.ts'
import { findAnswer, findObject, insertObject, type Listed, listObjects, rememberAnswer } from './store.ts'

export type ObjectsApi = {
  readonly store: SqliteStore
  /** Announcements that wait for the broker; from here on a client is told to come back later. */
  readonly outboxRowsMax: number
  readonly now: () => number
}

const COUNT_MAX = 10_000
const PAGE_MAX = 1_000
/** Of content in one request: what is made is held in memory until it is stored, and a page until it is sent. */
const CONTENT_CHARS_MAX = 4_194_304
const PAGE_STEP = 50
const RETRY_AFTER_S = 5

const wish = objectSchema.pick({ tenant: true, name: true, content: true }).partial().strict()
const creation = {
  body: wish.optional(),
  querystring: z.object({ count: z.coerce.number().int().min(1).max(COUNT_MAX).optional() }).strict(),
  headers: z.object({
    'idempotency-key': z.string().min(1).max(255).optional(),
    traceparent: z.string().max(255).optional(),
  }),
  response: {
    201: z.union([objectSchema, z.object({ count: z.int(), first: z.string(), last: z.string() })]),
  },
}
const page = {
  querystring: z
    .object({
      limit: z.coerce.number().int().min(1).max(PAGE_MAX).default(100),
      cursor: z
        .string()
        .regex(/^\d{1,15}$/)
        .default('0'),
    })
    .strict(),
  response: { 200: z.object({ items: z.array(objectSchema), next: z.string().optional() }) },
}
const one = { params: z.object({ id: z.string() }), response: { 200: objectSchema } }

/** `POST /api/objects` (alias `/objects`), `GET /api/objects`, `GET /api/objects/:id`. */
export function serveObjects(http: Http, api: ObjectsApi): void {
  for (const url of ['/api/objects', '/objects'])
    http.post(
      url,
      { schema: { ...creation, summary: 'Make objects and announce them', hide: url === '/objects' } },
      async (request, reply) => {
        const { headers, query, body = {} } = request
        const chars = (body.content?.length ?? 0) * (query.count ?? 1)
        if (chars > CONTENT_CHARS_MAX)
          throw new HttpProblem(413, {
            detail: `count × content is ${chars} characters, at most ${CONTENT_CHARS_MAX} are taken at once: send several requests.`,
          })
        const order = { wish: body, count: query.count, traceparent: headers.traceparent }
        const made = await api.store
          .write((tx) => answerOnce(tx, headers['idempotency-key'], { order, api }))
          .catch(storeTrouble)
        return reply.code(201).header('location', `/api/objects/${made.location}`).send(made.answer)
      },
    )

  http.get(
    '/api/objects',
    { schema: { ...page, summary: 'List objects in the order they were made' } },
    async ({ query }) => {
      const rows = readPage(api.store.read, Number(query.cursor), query.limit)
      const last = rows.at(-1)
      const isMore = last !== undefined && listObjects(api.store.read, last.seq, 1).length > 0
      return { items: rows.map(withoutSeq), ...(isMore && { next: String(last.seq) }) }
    },
  )

  http.get('/api/objects/:id', { schema: { ...one, summary: 'Show one object' } }, async ({ params }) => {
    const found = findObject(api.store.read, params.id)
    if (!found) throw new HttpProblem(404, { detail: `There is no object ${params.id}.` })
    return withoutSeq(found)
  })
}

type Order = { readonly wish: ObjectWish; readonly count: number | undefined; readonly traceparent: string | undefined }
const made = z.object({
  location: z.string(),
  answer: z.union([objectSchema, z.object({ count: z.int(), first: z.string(), last: z.string() })]),
})
type Made = z.infer<typeof made>

type Making = { readonly order: Order; readonly api: ObjectsApi }

/** Makes what was ordered, or gives the earlier answer to the same key. Throws HttpProblem 422 when the key was used for something else. */
function answerOnce(tx: SqliteTransaction, key: string | undefined, { order, api }: Making): Made {
  if (key === undefined) return makeOrdered(tx, { order, api })
  const request = createHash('sha256')
    .update(JSON.stringify([order.wish.tenant, order.wish.name, order.wish.content, order.count]))
    .digest('hex')
  const earlier = findAnswer(tx, key)
  if (earlier && earlier.request !== request)
    throw new HttpProblem(422, {
      detail: 'This Idempotency-Key was used for a different request: take a new key, or send the same request.',
    })
  if (earlier) return made.parse(JSON.parse(earlier.answer))
  const answer = makeOrdered(tx, { order, api })
  rememberAnswer(tx, key, { request, answer: JSON.stringify(answer) }, api.now())
  return answer
}

function makeOrdered(tx: SqliteTransaction, { order: { wish, count, traceparent }, api }: Making): Made {
  // Asked here, where requests come one after another: many at once could not all see the room that is left.
  if (tx.countPending() + (count ?? 1) > api.outboxRowsMax)
    throw unavailable(
      'Too many objects wait for the message broker; look at /health/ready and come back.',
      RETRY_AFTER_S,
    )
  const nowMs = api.now()
  const makeOne = () => {
    const object = makeObject(wish, nowMs)
    insertObject(tx, object)
    tx.enqueue([announce(object, nowMs, traceparent)])
    return object
  }
  const first = makeOne()
  if (count === undefined) return { location: first.id, answer: first }
  let last = first
  for (let i = 1; i < count; i++) last = makeOne()
  return { location: first.id, answer: { count, first: first.id, last: last.id } }
}

/** A page of at most `limit` objects, cut where its content becomes too large; at least one object, if there is one. */
function readPage(read: SqliteReader, afterSeq: number, limit: number): Listed[] {
  const page: Listed[] = []
  let chars = 0
  for (;;) {
    const step = listObjects(read, page.at(-1)?.seq ?? afterSeq, Math.min(PAGE_STEP, limit - page.length))
    page.push(...step)
    chars += step.reduce((sum, { content }) => sum + content.length, 0)
    if (step.length < PAGE_STEP || page.length >= limit || chars > CONTENT_CHARS_MAX) return page
  }
}

/** The disk's trouble is not the client's: it may come back. */
function storeTrouble(error: unknown): never {
  if (error instanceof StoreUnavailableError)
    throw unavailable('The database takes no writes just now; come back later.', RETRY_AFTER_S)
  throw error
}

const withoutSeq = ({ seq: _, ...object }: Listed): EbsObject => object
