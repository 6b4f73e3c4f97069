import { z } from 'zod'
import { definitionJsonSchema } from '../../../shared/flow/journey/definition-document.ts'
import { HttpProblem } from '../../../shared/service/errors.ts'
import type { Http } from '../../../shared/service/http.ts'
import { type Operations, pageOf, pageSchema, paging, yesOrNo } from '../operations.ts'
import { definitionItem, definitionItemSchema, definitionSchema, definitionView } from './definition-view.ts'
import { differencesOf } from './document-differences.ts'
import type { Registration } from './journey-operations.ts'

const tags = ['definitions']
const NAME_CHARS_MAX = 128
/** The document is the body, so that a file can be posted as it is; who registers it, and why, is said beside it. */
const saying = z.looseObject({ 'x-ebs-actor': said(128), 'x-ebs-reason': said(1_024) })
const versionNumber = z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER)
const typeName = z.string().min(1).max(NAME_CHARS_MAX)

const registered = z.object({ type: z.string(), version: z.int(), warnings: z.array(z.string()) })
const register = { headers: saying, body: z.unknown(), response: { 200: registered, 201: registered } }
const list = {
  querystring: z.object({ ...paging, type: typeName.optional(), latest: yesOrNo.optional() }).strict(),
  response: { 200: pageSchema(definitionItemSchema) },
}
const newest = { params: z.object({ type: typeName }), response: { 200: definitionSchema } }
const one = { params: z.object({ type: typeName, version: versionNumber }), response: { 200: definitionSchema } }
const diff = {
  params: z.object({ type: typeName }),
  querystring: z.object({ from: versionNumber, to: versionNumber }).strict(),
  response: {
    200: z.object({
      type: z.string(),
      from: z.int(),
      to: z.int(),
      differences: z.array(z.object({ field: z.string(), from: z.unknown().optional(), to: z.unknown().optional() })),
    }),
  },
}

/** `POST /api/definitions`, `GET /api/definitions`, `GET /api/definitions/schema`, `.../:type`, `.../:type/:version`, `.../:type/diff`. */
export function serveDefinitions(http: Http, { journeys }: Pick<Operations, 'journeys'>): void {
  const { definitions } = journeys
  const find = async (type: string, version?: number) =>
    (await definitions.find(type, version)) ?? unknown(type, version)

  http.post(
    '/api/definitions',
    { schema: { ...register, tags, summary: 'Register a version of a journey type: the document is the body' } },
    async ({ actor, body, headers }, reply) => {
      // Who is known by a token cannot act in another's name.
      const by = { actor: actor ?? headers['x-ebs-actor'], reason: headers['x-ebs-reason'] }
      const { outcome, type, version, warnings } = accepted(await journeys.register(body, by))
      return reply
        .code(outcome === 'registered' ? 201 : 200)
        .header('location', `/api/definitions/${encodeURIComponent(type)}/${version}`)
        .send({ type, version, warnings: [...warnings] })
    },
  )

  http.get(
    '/api/definitions',
    { schema: { ...list, tags, summary: 'List definitions, by type, newest version first' } },
    ({ query }) => {
      const { type, latest, limit, cursor } = query
      return pageOf(() => definitions.list({ type, latest }, { limit, cursor }), definitionItem)
    },
  )

  http.get(
    '/api/definitions/schema',
    { schema: { tags, summary: 'JSON Schema of definitions, for editors' } },
    async () => definitionJsonSchema(),
  )

  http.get(
    '/api/definitions/:type',
    { schema: { ...newest, tags, summary: 'Show the newest version of a journey type' } },
    async ({ params }) => definitionView(await find(params.type)),
  )

  http.get(
    '/api/definitions/:type/diff',
    { schema: { ...diff, tags, summary: 'Where two versions of a journey type differ' } },
    async ({ params: { type }, query: { from, to } }) => {
      const [before, after] = [await find(type, from), await find(type, to)]
      const differences = differencesOf(JSON.parse(before.document), JSON.parse(after.document))
      return { type, from, to, differences: [...differences] }
    },
  )

  http.get(
    '/api/definitions/:type/:version',
    { schema: { ...one, tags, summary: 'Show one version of a journey type' } },
    async ({ params: { type, version } }) => definitionView(await find(type, version)),
  )
}

/** Text of a header: node reads its bytes as Latin-1, and clients write UTF-8. */
function said(charsMax: number) {
  const text = z.string().trim().min(1).max(charsMax)
  return z
    .string()
    .transform((bytes) => Buffer.from(bytes, 'latin1').toString())
    .pipe(text)
    .default('api')
}

/** Throws HttpProblem 409 or 422, which say that nothing was registered, and why. */
function accepted(registration: Registration) {
  switch (registration.outcome) {
    case 'registered':
    case 'same':
      return registration
    case 'changed': {
      const { type, version, differences } = registration
      const fields = differences.map(({ field }) => field).join(', ')
      throw new HttpProblem(409, {
        title: 'Versions never change',
        detail: `Version ${version} of ${type} is registered and differs in ${fields}: register what has changed as version ${version + 1}.`,
        extensions: { differences },
      })
    }
    case 'drift':
      throw new HttpProblem(409, {
        title: 'Another queue is there',
        detail: `${registration.reason} Nothing was registered.`,
      })
    case 'invalid': {
      const { faults } = registration
      const count = faults.length === 1 ? 'one fault' : `${faults.length} faults`
      throw new HttpProblem(422, {
        title: 'Invalid definition',
        detail: `The definition has ${count}: ${faults.join('; ')}`,
        extensions: { errors: faults.map(violationOf) },
      })
    }
  }
}

/** A fault as other routes tell of theirs. */
function violationOf(fault: string) {
  const [, field = 'document', message = fault] = /^([^\s:]+): (.+)$/s.exec(fault) ?? []
  return { field, message, in: 'body' }
}

function unknown(type: string, version?: number): never {
  throw new HttpProblem(404, {
    detail: `There is no ${version === undefined ? '' : `version ${version} of the `}definition ${type}. GET /api/definitions lists what there is.`,
  })
}
