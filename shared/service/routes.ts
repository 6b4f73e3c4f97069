import type { FastifyInstance, FastifyRequest } from 'fastify'
import { HttpProblem } from './errors.ts'

type Route = { readonly method: string; readonly url: string; readonly matches: RegExp }

/** Routes named in a 404 at most. */
const LISTED_MAX = 50

/**
 * Remembers the routes that are registered from now on, to answer 404 with what exists and 405 with what is allowed.
 * Gives the function that makes the problem for a request that no route took.
 */
export function watchRoutes(app: FastifyInstance) {
  const routes: Route[] = []
  app.addHook('onRoute', ({ method, url, schema }) => {
    if (schema?.hide) return
    for (const one of [method].flat()) routes.push({ method: one, url, matches: patternOf(url) })
  })
  return (request: FastifyRequest): HttpProblem => {
    const path = request.url.split('?', 1)[0] ?? ''
    const allowed = [...new Set(routes.filter(({ matches }) => matches.test(path)).map(({ method }) => method))]
    if (allowed.length > 0) {
      return new HttpProblem(405, {
        detail: `${path} does not take ${request.method}. It takes ${allowed.join(', ')}.`,
        headers: { allow: allowed.join(', ') },
      })
    }
    const there = routes
      .filter(({ method, url }) => method !== 'HEAD' && url !== '*')
      .map((r) => `${r.method} ${r.url}`)
    return new HttpProblem(404, {
      detail: `There is nothing at ${path}. There is: ${there.slice(0, LISTED_MAX).join(', ')}.`,
    })
  }
}

/** `/api/objects/:id` -> matches `/api/objects/7` and `/api/objects/7/`. */
function patternOf(url: string): RegExp {
  const source = url
    .replace(/\/$/, '')
    .replace(/[.+?^${}()|[\]\\]/g, '\\$&')
    .replace(/:[A-Za-z0-9_]+/g, '[^/]+')
    .replace(/\*/g, '.*')
  return new RegExp(`^${source}/?$`)
}
