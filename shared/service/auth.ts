import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { CheckToken } from './auth-token.ts'
import { HttpProblem } from './errors.ts'
import type { RateLimits } from './rate-limits.ts'

/** What a token can allow; its issuer gives them out. */
export type Scope = 'objects:write' | 'journeys:write' | 'ops:read' | 'ops:write'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The caller needs one of these; `public`: no token. Missing: `ops:read` to look, `ops:write` for all else. */
    scopes?: readonly Scope[] | 'public'
  }
  interface FastifyInstance {
    /** Tokens are asked for. */
    isGuarded: boolean
  }
  interface FastifyRequest {
    /** Who is calling, by his token, also when he may not; undefined where none is asked for, or none counts. */
    actor: string | undefined
  }
}

/** What a route wants of its caller. */
export function scopesOf(method: string, config: { readonly scopes?: readonly Scope[] | 'public' } = {}) {
  return config.scopes ?? [method === 'GET' || method === 'HEAD' ? 'ops:read' : 'ops:write']
}

/**
 * Asks for tokens, on every route that is not public, before a body is read. Whoever has a good one counts by name, and all else by address:
 * a flood without one, or too many tries, must not lock out who shares the address (a proxy's, an office's) and may come in.
 */
export function guard(
  app: FastifyInstance,
  check: CheckToken,
  { countAddress, countAuthFailure, countSubject }: RateLimits,
): void {
  app.addHook('preParsing', async (request, reply) => {
    const { config } = request.routeOptions
    const wanted = scopesOf(request.method, config)
    if (wanted === 'public') {
      if (config.rateLimit !== false) await countAddress(request, reply)
      return
    }
    const { actor, scopes } = await check(request.headers.authorization).catch(async (error: unknown) => {
      await countAddress(request, reply)
      // Also when no token can be checked just now (503): anybody can make up one that looks as if it had to be.
      await countAuthFailure(request, reply)
      throw error
    })
    request.actor = actor
    await countSubject(request, reply)
    if (!wanted.some((scope) => scopes.has(scope))) throw forbidden(wanted, request)
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
