import { readFileSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { JWKS_BYTES_MAX, parseJwks } from './auth-jwks.ts'
import type { Mistake } from './errors.ts'
import { isLoopback } from './loopback.ts'
import { redactUrl } from './redact.ts'
import { oneOf, wholeNumber } from './settings.ts'

/** Whose tokens a service takes. */
export type AuthSettings = {
  readonly issuer: string
  readonly audience: string
  /** Where the issuer's public keys are: a file, or what answers a GET with them. */
  readonly jwks: { readonly file: string } | { readonly url: URL }
  /** By how much the issuer's clock and this one may differ. */
  readonly clockToleranceS: number
}

/** A longer difference is a clock that nobody looks after. */
const TOLERANCE_S_MAX = 300

const schemas = {
  EBS_AUTH: oneOf('off', 'jwt').default('off'),
  EBS_AUTH_ISSUER: z.string({ error: 'who makes the tokens, to the letter as their claim `iss` says it' }),
  EBS_AUTH_AUDIENCE: z.string({ error: 'for whom the tokens are, as their claim `aud` says it' }),
  EBS_AUTH_JWKS: z.string({ error: 'a file with the public keys of the issuer, or the https:// address of them' }),
  EBS_AUTH_CLOCK_TOLERANCE_S: wholeNumber({ min: 0, max: TOLERANCE_S_MAX }).default(5),
}
const enabled = z.object(schemas)
const disabled = enabled.pick({ EBS_AUTH: true })

/** Every variable that `authEnv` looks at. */
export const authVariables = Object.keys(schemas)

type Env = Readonly<Record<string, string | undefined>>
type AuthEnv = {
  /** Missing: no token is asked for. */
  readonly settings?: AuthSettings
  readonly mistakes: readonly Mistake[]
  readonly warnings: readonly string[]
}

/** Reads how callers prove who they are. Mistakes are given back instead of thrown, so that they are listed with all others. */
export function authEnv(env: Env): AuthEnv {
  if (env.EBS_AUTH !== 'jwt') {
    const idle = authVariables.filter((name) => name !== 'EBS_AUTH' && env[name] !== undefined)
    const warnings = idle.map((name) => `${name} has no effect without EBS_AUTH=jwt: no token is asked for.`)
    return { mistakes: mistakesOf(disabled.safeParse(env).error, env), warnings }
  }
  const { success, data, error } = enabled.safeParse(env)
  const place = env.EBS_AUTH_JWKS === undefined ? undefined : placeOf(env.EBS_AUTH_JWKS)
  const misplaced =
    place && 'fault' in place
      ? [{ variable: 'EBS_AUTH_JWKS', given: redactUrl(env.EBS_AUTH_JWKS ?? ''), accepted: place.fault }]
      : []
  if (!success || !place || 'fault' in place)
    return { mistakes: [...mistakesOf(error, env), ...misplaced], warnings: [] }
  const isOverheard = 'url' in place && place.url.protocol === 'http:' && !isLoopback(place.url.hostname)
  return {
    settings: {
      issuer: data.EBS_AUTH_ISSUER,
      audience: data.EBS_AUTH_AUDIENCE,
      jwks: place,
      clockToleranceS: data.EBS_AUTH_CLOCK_TOLERANCE_S,
    },
    mistakes: [],
    warnings: isOverheard
      ? ['EBS_AUTH_JWKS is fetched by http://: whoever is on the way can give himself any right. Use https://.']
      : [],
  }
}

function mistakesOf(error: z.ZodError | undefined, env: Env): readonly Mistake[] {
  const byVariable = new Map(error?.issues.map((issue) => [String(issue.path[0]), issue.message]))
  return [...byVariable].map(([variable, accepted]) => ({ variable, given: env[variable], accepted }))
}

const SCHEME = /^[a-z][a-z0-9+.-]+:/i

/** A key set that cannot be used is a mistake to be told of at start; that one at an address is away for now is none. */
function placeOf(given: string): AuthSettings['jwks'] | { readonly fault: string } {
  const url = SCHEME.test(given) && URL.canParse(given) ? new URL(given) : undefined
  if (url && /^https?:$/.test(url.protocol))
    return url.username || url.password ? { fault: 'an address without a user and password in it' } : { url }
  if (url && url.protocol !== 'file:') return { fault: 'a file, or an address that starts with https:// or http://' }
  try {
    const file = url ? fileURLToPath(url) : given
    const { size } = statSync(file)
    if (size > JWKS_BYTES_MAX) return { fault: `a file of at most ${JWKS_BYTES_MAX} bytes` }
    parseJwks(readFileSync(file, 'utf8'))
    return { file }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return { fault: `a file with a JSON Web Key Set, {"keys": [...]}, of public keys. ${why}` }
  }
}
