import type { EventEmitter } from 'node:events'
import { z } from 'zod'
import { HttpProblem } from '../../shared/service/errors.ts'
import { type Asking, askHub } from './asking.ts'
import type { EndWatches } from './end-watch.ts'
import { CONFIRM_MS_MAX, order } from './order.ts'
import { waitSecondsOf } from './prefer.ts'
import { nameOf, type Startable } from './startable.ts'

export type StartApi = Asking & {
  readonly watches: EndWatches
  /** The longest that a request waits for the end of what it started, whatever it prefers. */
  readonly waitMsMax: number
}

/** Whether an id is taken is asked for the sake of a better answer: a hub that is away must not hold up the request. */
const TAKEN_MS_MAX = 500
/** As nginx has it: no standard has a number for it. */
const CLIENT_GONE = 499
/** What a request takes besides waiting and the confirm; beyond, something hangs. */
const ANSWERING_MS = 30_000

/** For a route that starts something: no answer takes longer. */
export const startMsMax = ({ waitMsMax }: StartApi) => waitMsMax + CONFIRM_MS_MAX + ANSWERING_MS

/** Headers of a request that starts something. */
export const startHeaders = {
  prefer: z.string().optional().describe('`wait=N`: wait for the end, N seconds at most (RFC 7240)'),
  traceparent: z
    .string()
    .optional()
    .describe('W3C trace context: what follows belongs to this trace; nonsense is ignored'),
}

/** Of a request, and of the reply to it. */
export type StartRequest = {
  readonly correlationId: string
  readonly headers: { readonly prefer?: string | undefined }
  readonly traceparent: string | undefined
}
export type StartReply = {
  /** Destroyed once the client has hung up. */
  readonly raw: EventEmitter & { readonly destroyed: boolean }
  header(name: string, value: string): unknown
}

/**
 * Has something started, once the broker has confirmed the order. Gives how it ended, when the client prefers to wait and it ends within
 * that time, or that there is another one with its id, if the hub tells so in time. Throws HttpProblem: 503, or 499 for a client that is
 * gone before anything was ordered.
 */
export async function start<E>(
  { watches, waitMsMax, ...asking }: StartApi,
  startable: Startable<E>,
  { correlationId, traceparent, headers: { prefer } }: StartRequest,
  reply: StartReply,
): Promise<E | undefined> {
  const conflict = startable.mayBeTaken ? await findTaken(asking, startable) : undefined
  if (conflict !== undefined) return conflict
  // Nobody would stop a wait that begins now: the response has said that it is closed.
  if (reply.raw.destroyed) throw gone(startable)
  const waitMs = Math.min(waitSecondsOf(prefer) * 1_000, waitMsMax)
  using watch = waitMs > 0 ? watches.begin(startable, { correlationId, waitMs, client: reply.raw }) : undefined
  await order(asking, startable, { correlationId, traceparent, isAwaited: watch !== undefined })
  if (watch) reply.header('preference-applied', `wait=${Math.ceil(waitMs / 1_000)}`)
  return await watch?.end
}

/** Nobody reads it but the log. */
const gone = (startable: Startable<unknown>) =>
  new HttpProblem(CLIENT_GONE, {
    title: 'Client Closed Request',
    detail: `The client has hung up: ${nameOf(startable)} was not started.`,
  })

/**
 * Whoever does not wait would take another one for the one that was ordered. When the hub does not answer in time, the order goes its
 * way; it never starts anything twice.
 */
async function findTaken<E>(asking: Asking, { subject, findConflict }: Startable<E>): Promise<E | undefined> {
  const told = await askHub(asking, subject, TAKEN_MS_MAX)
  return told?.view && findConflict(told.view)
}
