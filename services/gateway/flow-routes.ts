import { z } from 'zod'
import { contentId, newId } from '../../shared/bus/ids.ts'
import { type Body, catalogue } from '../../shared/events.ts'
import { HttpProblem } from '../../shared/service/errors.ts'
import type { Http } from '../../shared/service/http.ts'
import { type Asking, askHub } from './asking.ts'
import { type FlowEnd, findConflict } from './flow-end.ts'
import { CONFIRM_MS_MAX, type FlowOrder, requestFlow } from './flow-order.ts'
import type { FlowWatches } from './flow-watch.ts'
import { waitSecondsOf } from './prefer.ts'

export type FlowsApi = Asking & {
  readonly watches: FlowWatches
  /** The longest that a request waits for the end of its flow, whatever it prefers. */
  readonly waitMsMax: number
}

/** It becomes a part of urls, in which `.` and `..` alone mean something else. */
const FLOW_ID = /^(?!\.{1,2}$)[A-Za-z0-9._~:@+=-]+$/
/** Whether an id is taken is asked for the sake of a better answer: a hub that is away must not hold up the request. */
const TAKEN_MS_MAX = 500
/** What a request takes besides waiting and the confirm; beyond, something hangs. */
const ANSWERING_MS = 30_000

const requested = catalogue.FLOW_REQUESTED.body
const wanted = requested
  .pick({ length: true, mode: true, error: true })
  .extend({
    flowId: requested.shape.flowId
      .regex(FLOW_ID, 'letters, digits and . _ ~ : @ + = - only, because it becomes a part of urls')
      .optional(),
  })
  .strict()
const order = {
  // Nothing at all is told what is missing in it.
  body: z.preprocess((body) => body ?? {}, wanted),
  headers: z.object({
    prefer: z.string().optional().describe('`wait=N`: wait for the end of the flow, N seconds at most (RFC 7240)'),
    'idempotency-key': requested.shape.requestKey.describe(
      'Requests with the same key are one flow; without a flowId its id follows from the key',
    ),
    traceparent: z.string().max(255).optional(),
  }),
  response: {
    200: z.object({
      id: z.string(),
      status: z.literal('success'),
      ...catalogue.FLOW_SUCCEEDED.body.omit({ flowId: true }).shape,
    }),
    202: z.object({ id: z.string(), status: z.literal('accepted') }),
  },
}

/** `POST /api/flows`. */
export function serveFlows(http: Http, { watches, waitMsMax, ...asking }: FlowsApi): void {
  const handlerTimeout = waitMsMax + CONFIRM_MS_MAX + ANSWERING_MS
  const schema = { ...order, summary: 'Start a flow; with `Prefer: wait=N`, wait for its end' }
  http.post('/api/flows', { schema, handlerTimeout }, async (request, reply) => {
    const { body, headers, correlationId } = request
    const { flowId, ...wish } = body
    const requestKey = headers['idempotency-key']
    const id = flowId ?? (requestKey === undefined ? newId(asking.bus.clock.now()) : idOfKey(requestKey))
    const flow = { ...wish, flowId: id, requestKey }
    if (flowId !== undefined) await refuseTaken(asking, flow)
    const waitMs = Math.min(waitSecondsOf(headers.prefer) * 1_000, waitMsMax)
    using watch = waitMs > 0 ? watches.begin(flow, { correlationId, waitMs, client: reply.raw }) : undefined
    const { traceparent } = headers
    await requestFlow(asking, flow, { correlationId, traceparent, isAwaited: watch !== undefined })
    const end = await watch?.end
    if (watch) reply.header('preference-applied', `wait=${Math.ceil(waitMs / 1_000)}`)
    if (end) return succeeded(end)
    return reply
      .code(202)
      .header('location', `/api/flows/${encodeURIComponent(id)}`)
      .send({ id, status: 'accepted' })
  })
}

/** The same for every request with this key, whichever replica it comes to. */
const idOfKey = (key: string) => contentId('FLOW_REQUESTED', Buffer.from(key))

/**
 * Throws HttpProblem 409 when another flow has this id: whoever does not wait would take it for the one that was ordered. When the hub
 * does not answer in time, the request goes its way; it never starts a flow twice.
 */
async function refuseTaken(asking: Asking, flow: FlowOrder): Promise<void> {
  const told = await askHub(asking, { kind: 'flow', id: flow.flowId }, TAKEN_MS_MAX)
  const refused = told?.view && findConflict(told.view, flow)
  if (refused) throw conflictOf(refused)
}

const conflictOf = ({ flowId: id, error: detail }: Body<'FLOW_REFUSED'>) =>
  new HttpProblem(409, { detail, extensions: { kind: 'conflict', id } })

const failures: Readonly<Record<Body<'FLOW_FAILED'>['kind'], number>> = {
  'worker-error': 502,
  'hub-timeout': 504,
  cancelled: 409,
}

/** The answer to a flow that went well. Throws HttpProblem for one that did not. */
function succeeded(end: FlowEnd) {
  if (end.type === 'FLOW_SUCCEEDED') {
    const { type: _, flowId: id, ...rest } = end
    return { id, status: 'success' as const, ...rest }
  }
  if (end.type === 'FLOW_REFUSED') throw conflictOf(end)
  const { type: _, flowId: id, error, ...rest } = end
  throw new HttpProblem(failures[end.kind], { detail: error, extensions: { ...rest, id } })
}
