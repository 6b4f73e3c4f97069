import { STATUS_CODES } from 'node:http'
import { z } from 'zod'
import { redactUrl } from '../../shared/service/redact.ts'
import type { ServiceName } from '../services.ts'
import { linesOf } from './wording.ts'

/** The API of one service. Answers are given back as they came, checked against a schema. */
export type Api = {
  readonly service: ServiceName
  readonly url: string
  get<T>(path: string, schema: z.ZodType<T>, query?: Query): Promise<T>
  post<T>(path: string, schema: z.ZodType<T>, request?: Post): Promise<Answer<T>>
}

/** What is undefined is left out. */
export type Query = Readonly<Record<string, string | number | boolean | undefined>>
export type Post = {
  readonly body?: unknown
  readonly query?: Query
  readonly headers?: Readonly<Record<string, string>>
}
export type Answer<T> = { readonly status: number; readonly body: T }

/** Above the longest that a route of ours takes. */
const ANSWER_MS_MAX = 100_000

/** What a service refused, as it said it (RFC 9457). */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** Nobody answers: the service is down, or somewhere else. */
export class AwayError extends Error {
  override readonly name = 'AwayError'
}

/** `token`: sent with every request. */
export function openApi(service: ServiceName, url: string, token?: string): Api {
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const base = url.replace(/\/+$/, '')
  const call = async <T>(path: string, schema: z.ZodType<T>, { query = {}, ...init }: Call): Promise<Answer<T>> => {
    const search = new URLSearchParams()
    for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value))
    const target = `${base}${path}${search.size > 0 ? `?${search}` : ''}`
    const response = await send(target, { ...init, headers: { ...init.headers, ...authorization } }).catch(
      (error: unknown) => {
        throw new AwayError(awayText(service, base, error), { cause: error })
      },
    )
    const json = await readJson(response).catch((error: unknown) => {
      throw new AwayError(awayText(service, base, error), { cause: error })
    })
    if (!response.ok) throw new ApiError(response.status, problemText(response, json))
    const parsed = schema.safeParse(json)
    if (parsed.success) return { status: response.status, body: parsed.data }
    throw new AwayError(
      `What answers at ${redactUrl(base)} is not the ${service} of this version of ebs (${init.method} ${path}: ${z.prettifyError(parsed.error).replaceAll('\n', ' ')}).`,
    )
  }
  return {
    service,
    url: base,
    get: async (path, schema, query = {}) => (await call(path, schema, { method: 'GET', query })).body,
    post: (path, schema, { body, query, headers } = {}) =>
      call(path, schema, {
        method: 'POST',
        ...(query && { query }),
        headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
  }
}

type Call = {
  readonly method: 'GET' | 'POST'
  readonly query?: Query
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

const send = (url: string, init: Omit<Call, 'query'>): Promise<Response> =>
  fetch(url, { ...init, signal: AbortSignal.timeout(ANSWER_MS_MAX) })

/** The answer's JSON; undefined when it is none. Rejects when the connection is lost. */
async function readJson(response: Response): Promise<unknown> {
  const text = await response.text()
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const problem = z.looseObject({
  title: z.string().optional(),
  detail: z.string().optional(),
  errors: z.array(z.looseObject({ field: z.string(), message: z.string() })).optional(),
})

/** What a problem says, with every violation that its detail does not name, and when to try again. */
function problemText(response: Response, json: unknown): string {
  const { success, data } = problem.safeParse(json)
  const { title, detail, errors = [] } = success ? data : {}
  const text = detail ?? title ?? `The answer was ${response.status} ${STATUS_CODES[response.status] ?? ''}.`
  const unnamed = errors.filter(({ message }) => !text.includes(message))
  const seconds = response.headers.get('retry-after')
  return linesOf(
    [
      text,
      ...unnamed.map(({ field, message }) => `  ${field}: ${message}`),
      ...(seconds === null ? [] : [`Try again in ${seconds} s.`]),
      ...(response.status === 401 ? ['The token is taken from EBS_TOKEN.'] : []),
    ].join('\n'),
  )
}

const MEANS: Partial<Record<ServiceName, string>> = {
  hub: 'sideline rules hold but cannot change, nothing is replayed and nothing can be looked up until it is back',
  datagen: 'no objects can be made or looked up until it is back',
  gateway: 'no flows and no journeys can be started until it is back',
}

function awayText(service: ServiceName, url: string, error: unknown): string {
  const why =
    error instanceof Error && error.cause instanceof Error ? error.cause.message || codeOf(error.cause) : String(error)
  const means = MEANS[service] ?? 'it is down, or listens elsewhere'
  // What fetch says of a url may quote it.
  return `The ${service} does not answer at ${redactUrl(url)} (${redactUrl(why)}): ${means}. Start it (npm start), or name its address with --url or EBS_${service.toUpperCase()}_URL.`
}

/** Node gathers the failures of several addresses in an error without a message. */
const codeOf = (error: Error): string => ('code' in error ? String(error.code) : error.name)
