import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { HttpProblem } from './errors.ts'
import { isLoopback } from './loopback.ts'

/** Per address, except this machine's own unless it is configured: dashboards and bulk loads on loopback send thousands per second. */
export const REQUESTS_PER_MINUTE_MAX = 6_000
/** Per name that tokens give, from however many addresses: ten machines of one client. */
export const SUBJECT_REQUESTS_PER_MINUTE_MAX = 60_000
/** Per address: a client whose token has expired learns of it at once and needs no second try; who tries many is guessing. */
export const AUTH_FAILURES_PER_MINUTE_MAX = 60
const MINUTE_MS = 60_000

export type RateSettings = {
  /** Requests per minute and address, of those with a good token none; `false` for no limit, of names neither. */
  readonly requestsPerMinuteMax?: number | false
  /** The limit holds for loopback addresses, too. */
  readonly isLoopbackLimited?: boolean
  /** Requests per minute and name, where tokens are asked for. */
  readonly subjectRequestsPerMinuteMax?: number | undefined
  /** Requests without a token that counts, per minute and address. Also on loopback: the address may be a proxy's. */
  readonly authFailuresPerMinuteMax?: number | undefined
}

/** Counts a request, and says in its answer how many are left; throws HttpProblem 429 when it is one too many. */
type Count = (request: FastifyRequest, reply: FastifyReply) => Promise<void>

export type RateLimits = {
  /** For what is no route, and where tokens are asked for; elsewhere routes are counted by themselves. */
  readonly countAddress: Count
  readonly countSubject: Count
  /** Does not say how many are left: that is of use to who guesses only. */
  readonly countAuthFailure: Count
}

const uncounted: Count = async () => undefined
const unlimited: RateLimits = { countAddress: uncounted, countSubject: uncounted, countAuthFailure: uncounted }

/**
 * Limits every route that is registered from here on, unless it says `rateLimit: false`. Where tokens are asked for, that is left to who
 * looks at them: a flood from an address must not lock out who has a good one. A process counts for itself, 5,000 callers of each sort.
 */
export async function limitRates(
  app: FastifyInstance,
  settings: RateSettings & { readonly isGuarded: boolean },
): Promise<RateLimits> {
  const { requestsPerMinuteMax: max = REQUESTS_PER_MINUTE_MAX, isLoopbackLimited = false, isGuarded } = settings
  if (max === false && !isGuarded) return unlimited
  const { default: rateLimit, normalizeIP } = await import('@fastify/rate-limit')
  await app.register(rateLimit, {
    global: max !== false && !isGuarded,
    max: max === false ? REQUESTS_PER_MINUTE_MAX : max,
    timeWindow: MINUTE_MS,
    enableDraftSpec: true,
    // Addresses of one IPv6 network are one client.
    keyGenerator: ({ clientAddress }) => normalizeIP(clientAddress),
    allowList: (request) => !isLoopbackLimited && isFromHere(request),
    errorResponseBuilder: (_request, { ttl }) => tooMany(max || 0, ttl),
  })
  const counter = (options?: Parameters<typeof app.createRateLimit>[0], says = true): Count => {
    const count = app.createRateLimit(options)
    return async (request, reply) => {
      const found = await count(request)
      if (found.isAllowed) return
      if (found.isExceeded) throw tooMany(found.max, found.ttl)
      if (says) reply.headers(headersOf(found.max, found.remaining, found.ttlInSeconds))
    }
  }
  return {
    countAddress: max === false ? uncounted : counter(),
    countSubject:
      max === false
        ? uncounted
        : counter({
            max: settings.subjectRequestsPerMinuteMax ?? SUBJECT_REQUESTS_PER_MINUTE_MAX,
            keyGenerator: ({ actor }) => actor ?? '',
          }),
    countAuthFailure: counter(
      { max: settings.authFailuresPerMinuteMax ?? AUTH_FAILURES_PER_MINUTE_MAX, allowList: [] },
      false,
    ),
  }
}

/** Behind a proxy on this machine is the whole world: the connection and what the proxy says of it must both be from here. */
const isFromHere = ({ clientAddress, socket }: FastifyRequest) =>
  isLoopback(clientAddress) && isLoopback(socket.remoteAddress ?? '')

function tooMany(max: number, ttlMs: number): HttpProblem {
  const seconds = Math.ceil(ttlMs / 1_000)
  return new HttpProblem(429, {
    detail: `More than ${max} requests per minute. Try again in ${seconds} s.`,
    headers: { 'retry-after': String(seconds), ...headersOf(max, 0, seconds) },
  })
}

const headersOf = (max: number, remaining: number, seconds: number) => ({
  'ratelimit-limit': String(max),
  'ratelimit-remaining': String(remaining),
  'ratelimit-reset': String(seconds),
})
