import { z } from 'zod'
import type { Json } from '../../../shared/events.ts'
import { parseFiniteJson } from '../../../shared/finite-json.ts'
import { type ActivityContext, ActivityError, activity, CarriedOutError } from '../../../shared/flow/activity.ts'
import { type HttpAnswer, type HttpRequest, isSuccess, spell } from '../http-client.ts'
import type { Systems } from './systems.ts'

const URL_CHARS_MAX = 8_192
const HEADERS_MAX = 50
const HEADER_CHARS_MAX = 8_192
const TIMEOUT_MS_DEFAULT = 30_000
const TIMEOUT_MS_MAX = 600_000
/** What was said with a refusal, as much as helps a person. */
const SAID_CHARS_MAX = 500

/** What the connection, the host or this activity itself decides. */
const OWN_HEADERS =
  /^(?:host|connection|content-length|transfer-encoding|upgrade|expect|te|trailer|keep-alive|proxy-.*|accept-encoding|idempotency-key)$/
const headerName = z
  .string()
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/, 'not the name of a header')
  .transform((name) => name.toLowerCase())
  .refine((name) => !OWN_HEADERS.test(name), 'this header is set by the activity, or by the connection')
/** Printable, so that a value cannot begin another header. */
const headerValue = z
  .string()
  .max(HEADER_CHARS_MAX)
  .regex(/^[\t\x20-\x7e\x80-\xff]*$/, 'not the value of a header')

const input = z
  .strictObject({
    method: z.enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']).optional(),
    url: z
      .string()
      .max(URL_CHARS_MAX)
      .refine((text) => URL.canParse(text), 'expected a url such as https://api.example.com/orders'),
    headers: z
      .record(headerName, headerValue)
      .refine((headers) => Object.keys(headers).length <= HEADERS_MAX, `at most ${HEADERS_MAX} headers`)
      .default({}),
    /** Text as it is, anything else as JSON. */
    body: z.custom<Json>().optional(),
    query: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({}),
    timeoutMs: z.int().min(1).max(TIMEOUT_MS_MAX).default(TIMEOUT_MS_DEFAULT),
  })
  .refine(({ method, body }) => body === undefined || (method !== 'GET' && method !== 'HEAD'), {
    message: 'a GET or HEAD has no body',
    path: ['body'],
  })

const output = z.object({ status: z.int(), headers: z.record(z.string(), z.string()), body: z.custom<Json>() })

/**
 * Calls another system over HTTP, with the idempotency key as `Idempotency-Key`: a status of the 200 family is done, one of the 400 family
 * is for good except for those that ask for another attempt, and everything else is tried again.
 */
export const httpCall = ({ http, clock }: Systems) =>
  activity({
    name: 'http',
    input,
    output,
    async run(wanted, context) {
      const request = requestOf(wanted, context)
      const limit = new AbortController()
      const timeout = new ActivityError(TIMED_OUT, `${spell(request)} got no answer within ${wanted.timeoutMs} ms.`)
      const cancel = clock.after(wanted.timeoutMs, () => limit.abort(timeout))
      try {
        return outputOf(await http.send(request, AbortSignal.any([limit.signal, context.signal])), request)
      } finally {
        cancel()
      }
    },
  })

const TIMED_OUT = 504

function requestOf(wanted: z.output<typeof input>, { idempotencyKey, traceparent }: ActivityContext): HttpRequest {
  const { body, method = body === undefined ? 'GET' : 'POST' } = wanted
  const url = new URL(wanted.url)
  for (const [name, value] of Object.entries(wanted.query)) url.searchParams.append(name, String(value))
  const isText = typeof body === 'string'
  return {
    method,
    url,
    headers: {
      accept: 'application/json, text/*;q=0.9, */*;q=0.1',
      ...(body !== undefined && { 'content-type': isText ? 'text/plain; charset=utf-8' : 'application/json' }),
      ...(traceparent !== undefined && { traceparent }),
      ...wanted.headers,
      // What is kept of an answer is its text.
      'accept-encoding': 'identity',
      'idempotency-key': idempotencyKey,
    },
    body: body === undefined || isText ? body : JSON.stringify(body),
  }
}

/** Of the 400 family, and yet another attempt may succeed: the other system was too slow, too early or too busy. */
const PASSING = new Set([408, 425, 429])
const BUSY = 503
const REFUSED = 400
const STATUS_MAX = 599
/** What a later step may need; cookies and the like are nobody's business. */
const KEPT_HEADERS = ['content-type', 'location', 'etag', 'last-modified', 'retry-after']

/** Throws ActivityError when the answer is no success. */
function outputOf(answer: HttpAnswer, request: HttpRequest): z.input<typeof output> {
  const { status, headers } = answer
  if (isSuccess(status)) {
    const kept = KEPT_HEADERS.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]] as const]))
    return { status, headers: Object.fromEntries(kept), body: contentOf(answer, request) }
  }
  const again = headers['retry-after'] === undefined ? '' : ` (Retry-After: ${headers['retry-after']})`
  const said = findText(answer)?.slice(0, SAID_CHARS_MAX).trim() ?? ''
  const text = `${spell(request)} was answered ${status}${again}${said === '' ? '' : `: ${said}`}`
  if (PASSING.has(status)) throw new ActivityError(BUSY, text)
  throw new ActivityError(status >= 400 && status <= STATUS_MAX ? status : REFUSED, text)
}

const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i

/** JSON when it says so and is, else text; null when there is nothing. Throws CarriedOutError for what is neither. */
function contentOf(answer: HttpAnswer, request: HttpRequest): Json {
  const { status, headers, body } = answer
  if (body.length === 0) return null
  const text = findText(answer)
  const unkept = (what: string) =>
    new CarriedOutError(`${spell(request)} was answered ${status} with ${what}, which is not kept. It was carried out.`)
  const { 'content-encoding': encoding, 'content-type': type = '' } = headers
  if (text === undefined) throw unkept(isPlain(encoding) ? `text in ${charsetOf(type)}` : `an encoding, ${encoding}`)
  if (!JSON_TYPE.test(type)) return text
  try {
    return parseFiniteJson(text)
  } catch (error) {
    if (error instanceof RangeError) throw unkept(`what JSON cannot hold (${error.message})`)
    // It succeeded all the same: what it said is kept as it came.
    return text
  }
}

/** What was said, as text; undefined when it is in an encoding or a charset that is not known here. */
function findText({ headers, body }: HttpAnswer): string | undefined {
  const { 'content-encoding': encoding, 'content-type': type = '' } = headers
  if (!isPlain(encoding)) return undefined
  try {
    return new TextDecoder(charsetOf(type)).decode(body)
  } catch {
    return undefined
  }
}

const isPlain = (encoding = 'identity') => /^(?:identity)?$/i.test(encoding.trim())

/** As the header Content-Type says. */
const charsetOf = (type: string) => /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(type)?.[1] ?? 'utf-8'
