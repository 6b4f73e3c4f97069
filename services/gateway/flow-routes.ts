import { z } from 'zod'
import { contentId, newId } from '../../shared/bus/ids.ts'
import { type Body, catalogue } from '../../shared/events.ts'
import type { Scope } from '../../shared/service/auth.ts'
import { HttpProblem } from '../../shared/service/errors.ts'
import type { Http } from '../../shared/service/http.ts'
import { type FlowEnd, startableFlow } from './flow-end.ts'
import { type StartApi, start, startHeaders, startMsMax } from './start.ts'

/** It becomes a part of urls, in which `.` and `..` alone mean something else. */
const FLOW_ID = /^(?!\.{1,2}$)[A-Za-z0-9._~:@+=-]+$/

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
    ...startHeaders,
    'idempotency-key': requested.shape.requestKey.describe(
      'Requests with the same key are one flow; without a flowId its id follows from the key',
    ),
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
export function serveFlows(http: Http, api: StartApi): void {
  const schema = { ...order, summary: 'Start a flow; with `Prefer: wait=N`, wait for its end' }
  const config = { scopes: ['journeys:write'] satisfies Scope[] }
  http.post('/api/flows', { schema, config, handlerTimeout: startMsMax(api) }, async (request, reply) => {
    const { flowId, ...wish } = request.body
    const requestKey = request.headers['idempotency-key']
    const id = flowId ?? (requestKey === undefined ? newId(api.bus.clock.now()) : idOfKey(requestKey))
    const end = await start(
      api,
      startableFlow({ ...wish, flowId: id, requestKey }, flowId !== undefined),
      request,
      reply,
    )
    if (end) return succeeded(end)
    return reply
      .code(202)
      .header('location', `/api/flows/${encodeURIComponent(id)}`)
      .send({ id, status: 'accepted' })
  })
}

/** The same for every request with this key, whichever replica it comes to. */
const idOfKey = (key: string) => contentId('FLOW_REQUESTED', Buffer.from(key))

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
