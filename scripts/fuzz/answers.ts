import { Ajv2020 } from 'ajv/dist/2020.js'
import { z } from 'zod'
import type { Schema } from './json-schema.ts'
import type { Operation } from './operations.ts'
import type { Request } from './requests.ts'

export type Answer = {
  readonly status: number
  readonly contentType: string
  readonly retryAfter: string | undefined
  readonly body: string
}

const problem = z.looseObject({
  type: z.string(),
  title: z.string().min(1),
  status: z.int(),
  detail: z.string().min(1),
  instance: z.string(),
  requestId: z.string().min(1),
  kind: z.string().optional(),
})
type Problem = z.output<typeof problem>

/** What only a program's inside looks like: frames of a stack, source files, names of errors that are bugs, SQL. */
const INSIDES =
  /\n\s+at |node_modules|\/(?:dist|services|shared|scripts)\/[\w/.-]+\.[jt]s|\b(?:TypeError|ReferenceError|ZodError|SqliteError|RangeError|AssertionError)\b|SQLITE_|\bat Object\.<anonymous>/

const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: false })
const compiled = new WeakMap<Schema, ReturnType<typeof ajv.compile>>()

/** What is wrong with an answer; undefined when nothing is. */
export function complaintAbout(answer: Answer, request: Request, operation: Operation): string | undefined {
  const { status, body, contentType } = answer
  if (status < 200 || status > 599) return `the status ${status} is none`
  if (status < 400) return complaintAboutSuccess(answer, request, operation)
  if (request.method === 'HEAD') return undefined
  if (!contentType.startsWith('application/problem+json')) return `an error ${status} of the type '${contentType}'`
  const parsed = problem.safeParse(jsonOf(body))
  if (!parsed.success) return `a problem ${status} without its members: ${z.prettifyError(parsed.error)}`
  if (parsed.data.status !== status) return `a problem that says ${parsed.data.status} and is ${status}`
  const inside = insideOf(body, request)
  if (inside !== undefined) return `a problem that tells of our insides: ${inside}`
  if (status >= 500 && !isExplained(answer, parsed.data)) return `${status} ${parsed.data.title}: ${parsed.data.detail}`
  return undefined
}

function complaintAboutSuccess(
  { status, body, contentType }: Answer,
  { method, url }: Request,
  operation: Operation,
): string | undefined {
  // Another method, or a path that a client shortens, may be another operation, whose answers these are not.
  if (method !== operation.method || status >= 300 || SHORTENED.test(url)) return undefined
  if (!operation.statuses.has(status)) return `${status}, which the document does not have`
  const schema = operation.answers.get(status)
  if (schema === undefined) return undefined
  if (!/^application\/(?:[\w.+-]+\+)?json/.test(contentType)) return `${status} of the type '${contentType}'`
  const json = jsonOf(body)
  if (json === undefined) return `${status} without JSON: ${body.slice(0, TOLD_CHARS)}`
  const check = compiled.get(schema) ?? ajv.compile(schema)
  compiled.set(schema, check)
  if (check(json)) return undefined
  return `${status} is not as its schema says: ${ajv.errorsText(check.errors)}: ${body.slice(0, TOLD_CHARS)}`
}

/** Dots between slashes, also encoded, parts without a character, and what ends a path early. */
const SHORTENED = /(?:^|[/\\])(?:\.|%2e){1,2}(?:[/\\?#;]|$)|\/\/|\/(?:\?|$)|[#\\]/i
const TOLD_CHARS = 300

/** A bus that is full, and the bad end of what a client waited for: those that the contract has. */
function isExplained({ status, retryAfter }: Answer, { kind, detail }: Problem): boolean {
  if (status === 503) return retryAfter !== undefined && detail.startsWith('Too many objects wait')
  if (status === 504) return kind === 'hub-timeout'
  return status === 502 && (kind === 'worker-error' || (kind ?? '').startsWith('journey-'))
}

/** Something of our insides in an answer that the request had not in it itself. */
function insideOf(body: string, { url, body: sent = '', headers }: Request): string | undefined {
  const [found] = INSIDES.exec(body) ?? []
  if (found === undefined) return undefined
  const isTheirs = [url, decoded(url), sent, ...headers.flat()].some((text) => text.includes(found))
  return isTheirs ? undefined : found
}

function decoded(url: string): string {
  try {
    return decodeURIComponent(url)
  } catch {
    return url
  }
}

/** Undefined for what is none. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
