import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { CheckToken } from './auth-token.ts'
import { HttpProblem } from './errors.ts'

/** What a token can allow; its issuer gives them out. */
export type Scope = 'objects:write' | 'journeys:write' | 'ops:read' | 'ops:write'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The caller needs one of these; `public`: no token. Missing: `ops:read` to look, `ops:write` for all else. */
    scopes?: readonly Scope[] | 'public'
  }
  interface FastifyRequest {
    /** Who is calling, by his token; undefined where none is asked for. */
    actor: string | undefined
  }
}

/** What a route wants of its caller. */
export function scopesOf(method: string, config: { readonly scopes?: readonly Scope[] | 'public' } = {}) {
  return config.scopes ?? [method === 'GET' || method === 'HEAD' ? 'ops:read' : 'ops:write']
}

/** Asks for tokens, on every route that is not public. Behind the rate limit, and before a body is read. */
export function guard(app: FastifyInstance, check: CheckToken): void {
  app.addHook('preParsing', async (request) => {
    const wanted = scopesOf(request.method, request.routeOptions.config)
    if (wanted === 'public') return
    const { actor, scopes } = await check(request.headers.authorization)
    if (!wanted.some((scope) => scopes.has(scope))) throw forbidden(wanted, request)
    request.actor = actor
  })
}

function forbidden(wanted: readonly Scope[], { method, routeOptions }: FastifyRequest): HttpProblem {
  const missing = wanted.length === 1 ? `the scope ${wanted[0]}` : `one of the scopes ${wanted.join(', ')}`
  return new HttpProblem(403, {
    detail: `${method} ${routeOptions.url} needs ${missing}, which the token does not have.`,
    headers: { 'www-authenticate': `Bearer realm="ebs", error="insufficient_scope", scope="${wanted.join(' ')}"` },
    extensions: { scopes: wanted },
  })
}
