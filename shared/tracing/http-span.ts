import { SpanKind, SpanStatusCode } from '@opentelemetry/api'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { findSpan, inSpan, keepSpan } from './spans.ts'
import { contextOf, headerOf, TRACEPARENT, traceparentOf } from './trace-context.ts'
import { findTracer } from './tracer.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** To which trace belongs whatever follows from the request: its own span, or else what its caller has sent. */
    traceparent: string | undefined
  }
}

/** From here on the fault is ours. */
const SERVER_ERROR = 500

/**
 * Reads the `traceparent` of every request, and measures it as a SERVER span when somebody traces. To be called before other hooks are
 * added, so that what they refuse is measured, too.
 */
export function traceRequests(app: FastifyInstance): void {
  app.decorateRequest('traceparent', undefined)
  app.addHook('onRequest', async (request) => {
    request.traceparent = traceparentOf(request.headers[TRACEPARENT])
    begin(request)
  })
  // A hook that is done within the span takes what comes behind it along, which is the route.
  app.addHook('preHandler', (request, _reply, done) => inSpan(findSpan(request), done))
  app.addHook('onResponse', async (request, reply) => {
    const span = findSpan(request)
    if (!span) return
    const { statusCode } = reply
    span.setAttribute('http.response.status_code', statusCode)
    if (statusCode >= SERVER_ERROR) {
      span.setAttribute('error.type', String(statusCode))
      span.setStatus({ code: SpanStatusCode.ERROR })
    }
    span.end()
  })
}

/** Probes and scrapes come every few seconds and follow nothing: they are not measured. */
function begin(request: FastifyRequest): void {
  const tracer = findTracer()
  const { url: route, config } = request.routeOptions
  if (!tracer || config.isProbe) return
  const { method } = request
  const attributes = {
    'http.request.method': method,
    'http.route': route,
    'url.path': request.url.split('?', 1)[0],
    'url.scheme': request.protocol,
    'server.address': request.hostname,
  }
  const options = { kind: SpanKind.SERVER, attributes }
  const span = tracer.startSpan(route ? `${method} ${route}` : method, options, contextOf(request.traceparent))
  request.traceparent = headerOf(span.spanContext()) ?? request.traceparent
  keepSpan(span, request)
}
