import { createHash } from 'node:crypto'
import { z } from 'zod'
import { type EbsObject, objectSchema } from '../../shared/events.ts'
import { HttpProblem, unavailable } from '../../shared/service/errors.ts'
import type { Http } from '../../shared/service/http.ts'
import type { SqliteStore } from '../../shared/store/sqlite-store.ts'
import type { SqliteTransaction } from '../../shared/store/sqlite-transaction.ts'
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
        if (api.store.countPending() >= api.outboxRowsMax)
          throw unavailable(
            'Too many objects wait for the message broker; look at /health/ready and come back.',
            RETRY_AFTER_S,
          )
        const order = { wish: body, count: query.count, traceparent: headers.traceparent }
        const made = await api.store.write((tx) =>
          answerOnce(tx, headers['idempotency-key'], { order, nowMs: api.now() }),
        )
        return reply.code(201).header('location', `/api/objects/${made.location}`).send(made.answer)
      },
    )

  http.get(
    '/api/objects',
    { schema: { ...page, summary: 'List objects in the order they were made' } },
    async ({ query }) => {
      const rows = listObjects(api.store.read, Number(query.cursor), query.limit)
      const last = rows.at(-1)
      return { items: rows.map(withoutSeq), ...(last && rows.length === query.limit && { next: String(last.seq) }) }
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

/** Makes what was ordered, or gives the earlier answer to the same key. Throws HttpProblem 422 when the key was used for something else. */
function answerOnce(
  tx: SqliteTransaction,
  key: string | undefined,
  { order, nowMs }: { order: Order; nowMs: number },
): Made {
  if (key === undefined) return makeOrdered(tx, order, nowMs)
  const request = createHash('sha256')
    .update(JSON.stringify([order.wish.tenant, order.wish.name, order.wish.content, order.count]))
    .digest('hex')
  const earlier = findAnswer(tx, key)
  if (earlier && earlier.request !== request)
    throw new HttpProblem(422, {
      detail: 'This Idempotency-Key was used for a different request: take a new key, or send the same request.',
    })
  if (earlier) return made.parse(JSON.parse(earlier.answer))
  const answer = makeOrdered(tx, order, nowMs)
  rememberAnswer(tx, key, { request, answer: JSON.stringify(answer) }, nowMs)
  return answer
}

function makeOrdered(tx: SqliteTransaction, { wish, count, traceparent }: Order, nowMs: number): Made {
  const objects = Array.from({ length: count ?? 1 }, () => makeObject(wish, nowMs))
  for (const object of objects) insertObject(tx, object)
  tx.enqueue(objects.map((object) => announce(object, nowMs, traceparent)))
  const [first, last] = [objects[0], objects.at(-1)]
  if (!first || !last) throw new RangeError('count is at least 1')
  return { location: first.id, answer: count === undefined ? first : { count, first: first.id, last: last.id } }
}

const withoutSeq = ({ seq: _, ...object }: Listed): EbsObject => object
