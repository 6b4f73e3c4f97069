import { createHash } from 'node:crypto'
import { z } from 'zod'
import { objectSchema } from '../../shared/events.ts'
import { HttpProblem, unavailable } from '../../shared/service/errors.ts'
import type { SqliteTransaction } from '../../shared/store/sqlite-transaction.ts'
import { announce, makeObject, type ObjectWish } from './objects.ts'
import { findAnswer, insertObject, rememberAnswer } from './store.ts'

/** Between tries of a client that was told to come back. */
export const RETRY_AFTER_S = 5

export type Order = {
  readonly wish: ObjectWish
  readonly count: number | undefined
  readonly traceparent: string | undefined
}

/** The one object that was asked for without a count, otherwise how many and which. */
export const madeAnswer = z.union([objectSchema, z.object({ count: z.int(), first: z.string(), last: z.string() })])
const made = z.object({ location: z.string(), answer: madeAnswer })
type Made = z.infer<typeof made>

export type Making = {
  readonly order: Order
  /** Announcements that wait for the broker; from here on a client is told to come back later. */
  readonly outboxRowsMax: number
  readonly nowMs: number
}

/** Makes what was ordered, or gives the earlier answer to the same key. Throws HttpProblem 422 when the key was used for something else. */
export function makeOnce(tx: SqliteTransaction, key: string | undefined, making: Making): Made {
  if (key === undefined) return makeOrdered(tx, making)
  const { wish, count } = making.order
  const request = createHash('sha256')
    .update(JSON.stringify([wish.tenant, wish.name, wish.content, count]))
    .digest('hex')
  const earlier = findAnswer(tx, key)
  if (earlier && earlier.request !== request)
    throw new HttpProblem(422, {
      detail: 'This Idempotency-Key was used for a different request: take a new key, or send the same request.',
    })
  if (earlier) return made.parse(JSON.parse(earlier.answer))
  const answer = makeOrdered(tx, making)
  rememberAnswer(tx, key, { request, answer: JSON.stringify(answer) }, making.nowMs)
  return answer
}

function makeOrdered(tx: SqliteTransaction, { order, outboxRowsMax, nowMs }: Making): Made {
  const { wish, count, traceparent } = order
  // Asked here, where requests come one after another: many at once could not all see the room that is left.
  if (tx.countPending() + (count ?? 1) > outboxRowsMax)
    throw unavailable(
      'Too many objects wait for the message broker; look at /health/ready and come back.',
      RETRY_AFTER_S,
    )
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
