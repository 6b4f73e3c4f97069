import { z } from 'zod'
import { journeyEvents, sagaId } from '../../../shared/journey-events.ts'
import { HttpProblem } from '../../../shared/service/errors.ts'
import type { Http } from '../../../shared/service/http.ts'
import { actBy, acting, type Operations, pageOf, pageSchema, paging, REMEDIATION_JOB, yesOrNo } from '../operations.ts'
import { givenValues } from './given-value.ts'
import { itemFilterOf, itemFilterShape } from './item-filter.ts'
import { choose, JOURNEYS_MAX } from './journey-choice.ts'
import { itemSchema } from './remediation-item.ts'
import { cancelJob, jobBy, jobOf, jobSchema, requestJob } from './remediation-jobs.ts'

const tags = ['remediation']
const { act } = journeyEvents.REMEDIATION_REQUESTED.body.shape
const counted = {
  count: z.int(),
  /** More match than one job takes: do it again when this one is done. */
  more: z.literal(true).optional(),
  /** Ids in the filter that no journey has. */
  unknown: z.array(z.string()).optional(),
}
const bulk = {
  body: z
    .object({
      act,
      filter: z.object({ ...itemFilterShape, ids: z.array(sagaId).min(1).max(JOURNEYS_MAX).optional() }).strict(),
      /** Said on purpose by whoever means every journey that needs a person. */
      all: z.literal(true).optional(),
      ...givenValues,
      ...acting,
      /** Only counts. */
      dryRun: z.boolean().default(false),
    })
    .strict(),
  response: {
    200: z.object({ ...counted, examples: z.array(itemSchema) }),
    202: z.object({ job: z.string(), ...counted }),
  },
}
const params = z.object({ id: z.string() })
const list = {
  querystring: z.object({ ...paging, status: z.string().min(1).max(64).optional(), open: yesOrNo.optional() }).strict(),
  response: { 200: pageSchema(jobSchema) },
}
const one = { params, response: { 200: jobSchema } }
const cancel = { params, body: z.object(acting).strict(), response: { 200: jobSchema } }

/** `POST /api/remediation/bulk`, `GET /api/remediation/jobs`, `GET /api/remediation/jobs/:id`, `POST /api/remediation/jobs/:id/cancel`. */
export function serveRemediationJobs(http: Http, operations: Operations): void {
  http.post(
    '/api/remediation/bulk',
    { schema: { ...bulk, tags, summary: 'Decide the same about many journeys, as a job; or only count them' } },
    async (request, reply) => {
      const { filter, all, dryRun, ...wish } = actBy(request)
      const { ids, ...given } = filter
      if (all === undefined && Object.values(filter).every((value) => value === undefined)) refuseEverything(wish.act)
      const choice = await choose(operations, { ids, ...itemFilterOf(given) })
      const count = {
        count: choice.journeys.length,
        ...(choice.isCut && { more: true as const }),
        ...(choice.unknown.length > 0 && { unknown: choice.unknown }),
      }
      if (dryRun) return reply.code(200).send({ ...count, examples: choice.examples })
      if (choice.journeys.length === 0) throw nothingMatches(wish.act)
      const job = await requestJob(operations, {
        ...wish,
        journeys: choice.journeys,
        // Of journeys chosen by a step that failed, it is this step that is decided about.
        ...(isAboutSteps(wish.act) && { step: given.step }),
      })
      return reply
        .code(202)
        .header('location', `/api/remediation/jobs/${job}`)
        .send({ job, ...count })
    },
  )

  http.get(
    '/api/remediation/jobs',
    { schema: { ...list, tags, summary: 'List jobs that decide about many journeys, newest first' } },
    ({ query: { limit, cursor, status, open: isOpen } }) =>
      pageOf(
        () => operations.store.reader.listConversations({ kind: REMEDIATION_JOB, status, isOpen }, { limit, cursor }),
        (found) => jobOf(operations, found),
      ),
  )

  http.get(
    '/api/remediation/jobs/:id',
    { schema: { ...one, tags, summary: 'Show how far a job is, and which journeys refused, and why' } },
    ({ params }) => jobBy(operations, params.id),
  )

  http.post(
    '/api/remediation/jobs/:id/cancel',
    { schema: { ...cancel, tags, summary: 'End a job; what it has decided stays decided' } },
    (request) => cancelJob(operations, request.params.id, actBy(request)),
  )
}

const isAboutSteps = (name: z.infer<typeof act>) => name === 'retry' || name === 'skip'

function refuseEverything(name: string): never {
  throw new HttpProblem(400, {
    title: 'Everything?',
    detail: `The filter is empty: this would ${name} every journey that needs a person. Name type, tenant, attention, cause, step, olderThan or ids; or say "all": true beside the filter.`,
    extensions: { errors: [{ field: 'filter', message: 'is empty', in: 'body' }] },
  })
}

const nothingMatches = (name: string) =>
  new HttpProblem(409, {
    title: 'Nothing matches',
    detail: `No journey that needs a person fits this filter, so there is nothing to ${name}. GET /api/remediation shows what there is.`,
  })
