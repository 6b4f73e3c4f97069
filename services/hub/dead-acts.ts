import { z } from 'zod'
import { pacing } from '../../shared/operation-events.ts'
import { HttpProblem } from '../../shared/service/errors.ts'
import type { Http } from '../../shared/service/http.ts'
import { deadFilterOf, deadFilterShape, where } from './dead-filter.ts'
import { type EditAnswer, type HeldAct, heldActs, type ReplayAnswer } from './held-operations.ts'
import { actBy, acting, type Operations } from './operations.ts'
import { checkFilter } from './sideline-checks.ts'

const tags = ['dead']
const bulk = {
  body: z
    .object({
      filter: z.object({ ...deadFilterShape, where }).strict(),
      /** Said on purpose by whoever means everything. */
      all: z.literal(true).optional(),
      ...acting,
      ...pacing,
      /** Also what died longer ago than the inbox remembers: it may have been handled before. */
      force: z.boolean().default(false),
      dryRun: z.boolean().default(false),
    })
    .strict(),
  response: {
    200: z.object({ count: z.int(), needForce: z.int() }),
    202: z.object({ replay: z.string(), count: z.int() }),
  },
}
const edit = {
  params: z.object({ id: z.string() }),
  body: z.object({ body: z.record(z.string(), z.unknown()), ...acting }).strict(),
  response: { 200: z.object({ id: z.string(), edited: z.string() }) },
}

const summaries: Readonly<Record<HeldAct, string>> = {
  replay: 'Bring messages back to their queues: a few first, the rest when those were handled',
  discard: 'Drop messages for good',
  archive: "Take messages out of the broker, into the hub's archive",
}

/** `POST /api/dead/replay|discard|archive`, `POST /api/dead/:id/edit`. */
export function serveDeadActs(http: Http, operations: Operations): void {
  for (const act of heldActs)
    http.post(`/api/dead/${act}`, { schema: { ...bulk, tags, summary: summaries[act] } }, async (request, reply) => {
      const { filter: given, all, actor, reason, force, dryRun, ...pace } = actBy(request)
      const { where, ...rest } = given
      if (all === undefined && Object.values(given).every((value) => value === undefined)) refuseEverything(act)
      if (where !== undefined) checkFilter('filter.where', where)
      const filter = { ...(await deadFilterOf(operations, rest)), states: ['held'] as const }
      const answer = await operations.replays.request({
        ...{ act, filter, where, force, dryRun },
        by: { actor, reason },
        pacing: pace,
      })
      if (answer.outcome === 'requested')
        return reply
          .code(202)
          .header('location', `/api/replays/${answer.id}`)
          .send({ replay: answer.id, count: answer.count })
      if (answer.outcome === 'counted') return reply.code(200).send({ count: answer.count, needForce: answer.old })
      throw refusalOf(answer, act)
    })

  http.post(
    '/api/dead/:id/edit',
    { schema: { ...edit, tags, summary: 'Give one message another body, for when it is replayed' } },
    async (request) => {
      const { id } = request.params
      const { body, ...by } = actBy(request)
      const answer = await operations.edit(id, body, by)
      if (answer.outcome !== 'edited') throw editRefused(id, answer)
      return { id, edited: answer.edited }
    },
  )
}

function refuseEverything(act: HeldAct): never {
  throw new HttpProblem(400, {
    title: 'Everything?',
    detail: `The filter is empty: this would ${act} every dead and unrouted message. Name ids, queue, fingerprint, type, tenant or where; or say "all": true beside the filter.`,
    extensions: { errors: [{ field: 'filter', message: 'is empty', in: 'body' }] },
  })
}

function refusalOf(answer: Exclude<ReplayAnswer, { outcome: 'requested' | 'counted' }>, act: HeldAct): HttpProblem {
  switch (answer.outcome) {
    case 'empty':
      return new HttpProblem(409, {
        title: 'Nothing matches',
        detail: `nothing matches: no message in a dead queue fits this filter, so there is nothing to ${act}. GET /api/dead shows what there is.`,
      })
    case 'too-old':
      return new HttpProblem(409, {
        title: 'Too old',
        detail: `${answer.old} of ${answer.count} messages are older than ${answer.olderThanDays} days: whether they were handled before is forgotten by now, and replaying them may do their work twice. Leave them out, or say "force": true.`,
        extensions: { count: answer.count, needForce: answer.old },
      })
    case 'refused':
      return new HttpProblem(409, { title: 'Refused', detail: answer.reason })
  }
}

function editRefused(id: string, answer: Exclude<EditAnswer, { outcome: 'edited' }>): HttpProblem {
  switch (answer.outcome) {
    case 'unknown':
      return new HttpProblem(404, { detail: `There is no message held under ${id}. GET /api/dead lists them.` })
    case 'not-held':
      return new HttpProblem(409, {
        title: 'Not now',
        detail: `The message ${id} is ${answer.state}: only one that lies in its queue and that no job has chosen can be edited.`,
        extensions: { state: answer.state },
      })
    case 'invalid':
      return new HttpProblem(422, {
        title: 'Invalid body',
        detail: `The body is not what its type wants: ${answer.errors.map(({ field, message }) => `${field}: ${message}`).join('; ')}. Nothing was changed.`,
        extensions: { errors: answer.errors },
      })
  }
}
