import type { Dispatcher } from 'undici'
import { ActivityError, CarriedOutError } from '../../shared/flow/activity.ts'
import { VALUE_BYTES_MAX } from '../../shared/flow/hub-state.ts'
import { messageOf } from '../../shared/flow/worker.ts'
import { HttpAgent } from '../../shared/service/http-agent.ts'
import { type AllowedHost, findForbidden } from './http-allow.ts'

export type HttpRequest = {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
}

export type HttpAnswer = {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  /** Where the answer came from in the end. */
  readonly url: URL
}

const REDIRECTS_MAX = 3
const REDIRECTS = new Set([301, 302, 303, 307, 308])
/** The answer to what was done is elsewhere: it is asked for. */
const SEE_OTHER = 303
/** These repeat the request as it was, whatever its method. */
const REPEATING = new Set([307, 308])
/** Names of headers by which a caller may prove who he is. */
const CREDENTIALS = /auth|cookie|token|secret|password|api-?key|signature/
/** An answer is kept whole in the journey, so a larger one is of no use. */
export const BODY_BYTES_MAX = VALUE_BYTES_MAX
const CONNECT_MS_MAX = 10_000
const HEADER_BYTES_MAX = 16_384
const REFUSED = 400
const UNREACHABLE = 503

/** Calls other systems, those on the list only. */
export class HttpClient {
  readonly #allowed: readonly AllowedHost[]
  readonly #agent = new HttpAgent({
    connect: { timeout: CONNECT_MS_MAX },
    maxHeaderSize: HEADER_BYTES_MAX,
    // Its own limits, 300 s, would come before what a caller has chosen.
    headersTimeout: 0,
    bodyTimeout: 0,
  })

  constructor(allowed: readonly AllowedHost[]) {
    this.#allowed = allowed
  }

  /**
   * Sends a request and reads the whole answer. A redirect is followed when it leads to the same host and need not be guessed at, three in
   * a row at most. Rejects with ActivityError: 400 for what may not be done and 503 when there was no answer; with CarriedOutError for a
   * success that cannot be taken; and with the reason of `signal` when that is aborted. There is no other limit of time.
   */
  async send(first: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    let wanted = first
    for (let redirects = 0; ; redirects++) {
      const forbidden = findForbidden(wanted.url, this.#allowed)
      if (forbidden !== undefined) throw new ActivityError(REFUSED, forbidden)
      const answer = await this.#exchange(wanted, signal)
      if (!REDIRECTS.has(answer.status)) return answer
      if (redirects === REDIRECTS_MAX)
        throw new ActivityError(REFUSED, `${spell(first)} was redirected more than ${REDIRECTS_MAX} times.`)
      wanted = redirected(wanted, answer)
    }
  }

  async close(): Promise<void> {
    // What is under way has had its time.
    await this.#agent.destroy()
  }

  async #exchange(wanted: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    const { method, url, headers, body = null } = wanted
    try {
      const answer = await this.#agent.request(url, { method, headers, body, signal })
      return { status: answer.statusCode, headers: single(answer.headers), body: await bodyOf(answer, wanted), url }
    } catch (error) {
      if (error instanceof ActivityError) throw error
      // Undici's own error says only that it was aborted.
      if (signal.aborted) throw signal.reason
      throw new ActivityError(UNREACHABLE, `${spell(wanted)} got no answer: ${messageOf(error)}`, { cause: error })
    }
  }
}

/** Without query and fragment, which may hold what is nobody's business. */
export const spell = ({ method, url }: Pick<HttpRequest, 'method' | 'url'>) => `${method} ${url.origin}${url.pathname}`

/** The whole of a success; of anything else what fits, because that it failed is what matters. */
async function bodyOf({ body, statusCode }: Dispatcher.ResponseData<unknown>, wanted: HttpRequest): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of body) {
    const piece = Buffer.from(chunk)
    bytes += piece.length
    if (bytes <= BODY_BYTES_MAX) chunks.push(piece)
    else if (isSuccess(statusCode)) throw new CarriedOutError(tooLarge(wanted, statusCode))
    else break
  }
  return Buffer.concat(chunks)
}

export const isSuccess = (status: number) => status >= 200 && status < 300

const tooLarge = (wanted: HttpRequest, status: number) =>
  `${spell(wanted)} was answered ${status} with more than ${BODY_BYTES_MAX} bytes, which are not kept. It was carried out; ` +
  'let it answer with a reference instead.'

const single = (headers: Dispatcher.ResponseData['headers']) =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => {
      if (value === undefined) return []
      return [[name, Array.isArray(value) ? value.join(', ') : value]]
    }),
  )

/** The request that a redirect asks for. Throws ActivityError when it leads elsewhere: whoever answers there was not meant. */
function redirected(wanted: HttpRequest, { status, headers: { location = '' } }: HttpAnswer): HttpRequest {
  const refuse = (why: string) => new ActivityError(REFUSED, `${spell(wanted)} was answered ${status} ${why}`)
  if (location === '' || !URL.canParse(location, wanted.url.href)) throw refuse('and did not say where to go instead.')
  const url = new URL(location, wanted.url)
  if (url.hostname !== wanted.url.hostname)
    throw refuse(`and leads to another host, ${url.hostname}: redirects are followed on the same host only.`)
  if (wanted.url.protocol === 'https:' && url.protocol !== 'https:')
    throw refuse('and leads from https to http, where everybody can read along.')
  const headers = url.origin === wanted.url.origin ? wanted.headers : withoutCredentials(wanted.headers)
  if (REPEATING.has(status) || wanted.method === 'GET' || wanted.method === 'HEAD') return { ...wanted, url, headers }
  // Of old, browsers make a GET of it, whose success would pass for what was to be done.
  if (status !== SEE_OTHER)
    throw refuse(
      `and leads to ${url.origin}${url.pathname}, which does not say whether to repeat it: nothing was done there. Call that address.`,
    )
  const { 'content-type': _, ...asking } = headers
  return { method: 'GET', url, headers: asking, body: undefined }
}

/** Another port or scheme is another server: who answers there was not meant to know them. */
const withoutCredentials = (headers: HttpRequest['headers']) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !CREDENTIALS.test(name)))
