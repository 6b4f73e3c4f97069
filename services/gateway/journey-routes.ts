import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { contentId, newId } from '../../shared/bus/ids.ts'
import { catalogue } from '../../shared/events.ts'
import { FORMAT_VERSION, journeyKey } from '../../shared/journey-events.ts'
import type { Scope } from '../../shared/service/auth.ts'
import { HttpProblem } from '../../shared/service/errors.ts'
import type { Http } from '../../shared/service/http.ts'
import { invalidRequest } from '../../shared/service/problem.ts'
import { violationsIn } from '../../shared/service/violations.ts'
import { answerIn } from './answer-type.ts'
import { type JourneyEnd, startableJourney } from './journey-end.ts'
import { type JourneyFormat, journeyFormats, newestJourney } from './journey-formats.ts'
import { type StartApi, start, startHeaders, startMsMax } from './start.ts'

export type JourneysApi = StartApi & {
  /** Part of every id that is made here. */
  readonly site: string
  /** Missing: those that there are. */
  readonly formats?: readonly [JourneyFormat, ...JourneyFormat[]]
}

const headers = z.object({
  ...startHeaders,
  'idempotency-key': journeyKey.optional().describe('The same as `key` in the body'),
})
const { output, tenant, durationMs } = catalogue.JOURNEY_COMPLETED.body.shape
const started = {
  // Nothing at all is told what is missing in it.
  body: z.preprocess((body) => body ?? {}, newestJourney),
  headers,
  response: {
    200: z.object({
      id: z.string(),
      type: z.string(),
      version: z.int(),
      status: z.literal('COMPLETED'),
      tenant,
      output,
      durationMs: durationMs.optional(),
    }),
    202: z.object({ id: z.string(), status: z.enum(['ACCEPTED', 'NEEDS_REMEDIATION']) }),
  },
}

/** `POST /api/journeys`. */
export function serveJourneys(http: Http, { site, formats = journeyFormats, ...api }: JourneysApi): void {
  const mediaTypes = formats.map(({ mediaType }) => mediaType)
  const types = ['application/json', ...mediaTypes]
  const schema = {
    ...started,
    summary: 'Start a journey; with `Prefer: wait=N`, wait for its end',
    consumes: types,
    produces: types,
  }
  const route = {
    schema,
    config: { scopes: ['journeys:write'] satisfies Scope[], mediaTypes },
    handlerTimeout: startMsMax(api),
    preValidation: [answerIn(mediaTypes), raiseTo(formats)],
  }
  http.post('/api/journeys', route, async (request, reply) => {
    const { type: journeyType, payload, tenant, key: named } = request.body
    const key = oneKey(named, request.headers['idempotency-key'])
    const uuid = key === undefined ? newId(api.bus.clock.now()) : idOfKey(tenant, journeyType, key)
    const id = `${uuid}.${site}`
    const meta = { ...(key !== undefined && { key }), ...(request.actor !== undefined && { actor: request.actor }) }
    const order = { sagaId: id, journeyType, formatVersion: FORMAT_VERSION, tenant, payload, meta }
    const end = await start(api, startableJourney(order, key !== undefined), request, reply)
    if (end?.status === 'COMPLETED') return { id, status: end.status, ...end.shown }
    const status = end ? waitingAt(end, id) : 'ACCEPTED'
    return reply
      .code(202)
      .header('location', `/api/journeys/${encodeURIComponent(id)}`)
      .send({ id, status })
  })
}

/** What a client says in an older version, in the newest one, before it is validated. Throws HttpProblem 400 with every violation. */
const raiseTo = ([newest, ...older]: readonly [JourneyFormat, ...JourneyFormat[]]) => {
  const byType = new Map(older.map((format) => [format.mediaType, format]))
  return async (request: FastifyRequest) => {
    const format = byType.get(request.mediaType ?? newest.mediaType)
    if (!format) return
    const raised = format.raise(request.body ?? {})
    if (!('issues' in raised)) request.body = raised.body
    else
      throw invalidRequest([
        ...violationsIn('body', raised.issues),
        ...violationsIn('headers', headers.safeParse(request.headers).error?.issues ?? []),
      ])
  }
}

/** A client says it where it likes, but only once. */
function oneKey(inBody: string | undefined, inHeader: string | undefined): string | undefined {
  if (inBody !== undefined && inHeader !== undefined && inBody !== inHeader)
    throw invalidRequest([{ field: 'key', message: 'is not what the header Idempotency-Key says', in: 'body' }])
  return inBody ?? inHeader
}

/** The same for every request with this key, whichever replica it comes to. */
const idOfKey = (tenant: string, type: string, key: string) =>
  contentId('INITIATE_WORKFLOW', Buffer.from(JSON.stringify([tenant, type, key])))

/** Where a journey stands that has not ended. Throws HttpProblem for one that ended badly, or was not started. */
function waitingAt(end: Exclude<JourneyEnd, { status: 'COMPLETED' }>, id: string) {
  switch (end.status) {
    case 'ACCEPTED':
    case 'NEEDS_REMEDIATION':
      return end.status
    case 'REJECTED':
      throw new HttpProblem(409, { detail: end.error, extensions: { kind: 'conflict', id } })
    default: {
      // A problem has a type of its own.
      const { type: journeyType, ...shown } = end.shown
      const kind = `journey-${end.status.toLowerCase()}`
      throw new HttpProblem(502, { detail: end.error, extensions: { kind, id, journeyType, ...shown } })
    }
  }
}
