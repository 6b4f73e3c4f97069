import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  fastify,
  LogController,
  type RawReplyDefaultExpression,
  type RawRequestDefaultExpression,
  type RawServerDefault,
} from 'fastify'
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod'
import type { z } from 'zod'
import { traceRequests } from '../tracing/http-span.ts'
import { traceFields } from '../tracing/log-fields.ts'
import { TRACEPARENT, traceparentOf } from '../tracing/trace-context.ts'
import { guard } from './auth.ts'
import type { CheckToken } from './auth-token.ts'
import { clientAddressOf, rememberClients } from './client-address.ts'
import { HttpProblem } from './errors.ts'
import type { Health } from './health.ts'
import { parseJsonBody } from './json-body.ts'
import type { Logger } from './log.ts'
import type { Metrics } from './metrics.ts'
import { serveOperations } from './operations-routes.ts'
import { sendProblem } from './problem.ts'
import { limitRates, type RateLimits, type RateSettings } from './rate-limits.ts'
import { watchRoutes } from './routes.ts'
import { cacheHeaders, HTTPS_ONLY, pagePolicy, securityHeaders } from './security-headers.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Types of JSON that the route takes besides `application/json`, small letters. */
    mediaTypes?: readonly string[]
    /** Asked every few seconds, by a program, on behalf of nobody. */
    isProbe?: boolean
    /** Shown by a browser, with scripts and styles of its own. */
    isPage?: boolean
  }
  interface FastifyRequest {
    /** Of the conversation that the request belongs to: the header `x-correlation-id`, or else the request's own id. */
    correlationId: string
  }
}

const BODY_BYTES_MAX = 1_048_576 // far below the broker's 16 MiB, far above any event
const ANSWER_MS_MAX = 90_000 // only what hangs is cut off; a route that waits for longer has a limit of its own
/** An id of 128 characters percent-encoded, or two of them in one: the router's own limit is 100. */
const PARAM_CHARS_MAX = 4_096
const apiHeaders = { ...securityHeaders, ...cacheHeaders }
const pageHeaders = { ...securityHeaders, 'content-security-policy': pagePolicy }

export type HttpOptions = RateSettings & {
  readonly name: string
  readonly title: string
  readonly log: Logger
  readonly health: Health
  readonly metrics: Metrics
  /** Serve `/openapi.json` and `/docs`; costs memory, so only services with an API say so. */
  readonly docs?: boolean
  /** Proxies whose word about a client's address and protocol is taken. Missing: whoever connects is the client. */
  readonly trustProxy?: readonly string[] | undefined
  /** Asks for a token on every route that is not public. Missing: anyone may do anything. */
  readonly auth?: CheckToken | undefined
  /** Refuses every route but the operational ones with this problem, while a service starts or stops. */
  readonly closed?: () => HttpProblem
}

/** A fastify instance whose routes take zod schemas. */
export type Http = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>

/**
 * Makes a service's HTTP app, not yet listening: operational routes, zod validation, errors as problem+json, limits. Routes
 * are added by the service.
 */
export async function createHttp(options: HttpOptions): Promise<Http> {
  const { log, health, metrics, auth, closed, trustProxy } = options
  const loggerInstance: FastifyBaseLogger = log
  let limits: RateLimits | undefined
  const app: Http = fastify({
    loggerInstance,
    schemaController: { compilersFactory: noCompilers },
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    genReqId: () => randomUUID(),
    childLoggerFactory: (logger, bindings, childOptions, raw) =>
      logger.child({ ...bindings, ...threadOf(raw, bindings.requestId) }, childOptions),
    bodyLimit: BODY_BYTES_MAX,
    handlerTimeout: ANSWER_MS_MAX,
    return503OnClosing: false,
    ...(trustProxy && { trustProxy: [...trustProxy] }),
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: PARAM_CHARS_MAX },
    frameworkErrors: (error, request, reply) => void refuseUnroutable(error, request, reply),
  }).withTypeProvider<ZodTypeProvider>()

  /** No hook runs for an address that cannot be read, such as `/%zz`. */
  async function refuseUnroutable(error: FastifyError, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    request.clientAddress = clientAddressOf(request)
    const tooMany = await limits?.countAddress(request, reply).catch((problem: unknown) => problem)
    sendProblem(tooMany ?? error, request, reply.headers(apiHeaders))
    metrics.requestDone({ method: request.method, route: '', status: reply.statusCode, tookMs: reply.elapsedTime })
  }

  app.setValidatorCompiler<z.core.$ZodType>((route) => {
    const validate = validatorCompiler(route)
    // fastify hands over null for a body that is not there; zod's word for that is undefined.
    return (value: unknown) => validate(value === null && route.httpPart === 'body' ? undefined : value)
  })
  app.setSerializerCompiler(serializerCompiler)
  app.setErrorHandler(sendProblem)
  acceptOnlyJson(app)
  const notFound = watchRoutes(app)
  app.setNotFoundHandler((request, reply) => {
    // A page's file that is not there had the headers of a page.
    reply.headers(apiHeaders)
    throw notFound(request)
  })
  rememberClients(app)
  traceRequests(app)
  app.decorateRequest('correlationId', '')
  app.decorateRequest('actor', undefined)
  app.decorate('isGuarded', auth !== undefined)
  app.addHook('onRequest', async (request, reply) => {
    request.correlationId = correlationIdOf(request.raw) ?? request.id
    reply.headers(request.routeOptions.config.isPage ? pageHeaders : apiHeaders)
    reply.headers({ 'x-request-id': request.id, 'x-correlation-id': request.correlationId })
    if (trustProxy && request.protocol === 'https') reply.header('strict-transport-security', HTTPS_ONLY)
    // Here rather than in the not-found handler: a body that nobody wants is not read.
    if (!request.is404) return
    await limits?.countAddress(request, reply)
    throw closed?.() ?? notFound(request)
  })
  // Whoever sent nonsense behind the head of his request has been hung up on: nothing is done or written down for him.
  app.addHook('preParsing', async ({ raw }, reply) => {
    if (raw.socket.destroyed) reply.hijack()
  })
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? ''
    const status = reply.statusCode
    metrics.requestDone({ method: request.method, route, status, tookMs: reply.elapsedTime })
    request.log.debug({ method: request.method, url: request.url, status, tookMs: reply.elapsedTime }, 'request done')
  })

  limits = await limitRates(app, { ...options, isGuarded: auth !== undefined })
  if (auth) guard(app, auth, limits)
  if (options.docs) {
    const { serveDocs } = await import('./docs.ts')
    await serveDocs(app, { title: options.title, isGuarded: auth !== undefined })
  }
  serveOperations(app, { health, metrics })
  return app
}

const unused = (): never => {
  throw new Error('A schema that is no zod schema: nothing here compiles it.')
}
/** Fastify loads those of its own unless it is given some, for longer than all the rest of it takes; zod's are set before there are routes. */
const noCompilers = { buildValidator: unused, buildSerializer: unused }

/**
 * JSON or nothing: a body of another type is refused, unless it is empty, as `curl -d ''` sends it. Which types of JSON there are besides
 * the plain one, a route says.
 */
function acceptOnlyJson(app: Http) {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser<Buffer>(
    'application/json',
    { parseAs: 'buffer' },
    async (_request: FastifyRequest, body: Buffer) => parseJsonBody(body),
  )
  app.addContentTypeParser<Buffer>('*', { parseAs: 'buffer' }, async (request: FastifyRequest, body: Buffer) => {
    if (body.length === 0) return undefined
    const types = request.routeOptions.config.mediaTypes ?? []
    if (types.includes(request.mediaType ?? '')) return parseJsonBody(body)
    const given = request.headers['content-type'] ?? 'missing'
    const taken = ['application/json', ...types].join(', ')
    throw new HttpProblem(415, { detail: `The content type is ${given}; this takes ${taken}.` })
  })
}

/** Printable and short, because it goes into logs, headers and every event that follows. */
const correlationIdShape = /^[\w.:/+=@-]{1,128}$/

function correlationIdOf(raw: IncomingMessage): string | undefined {
  const given = raw.headers['x-correlation-id']
  return typeof given === 'string' && correlationIdShape.test(given) ? given : undefined
}

/** By which the lines about a request are found. */
const threadOf = (raw: IncomingMessage, requestId: unknown) => ({
  correlationId: correlationIdOf(raw) ?? requestId,
  ...traceFields(traceparentOf(raw.headers[TRACEPARENT])),
})
