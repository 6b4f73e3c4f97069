import { errors, type JWSAlgorithm, type JWTPayload, jwtVerify } from 'jose'
import { KeysUnavailableError, openKeys } from './auth-keys.ts'
import type { AuthSettings } from './auth-settings.ts'
import { HttpProblem } from './errors.ts'
import type { Logger } from './log.ts'

/** Who sends a request, by his token. */
export type Caller = { readonly actor: string; readonly scopes: ReadonlySet<string> }
/** Tells who is calling by the header `Authorization`. Throws HttpProblem: 401, or 503 while tokens cannot be checked. */
export type CheckToken = (authorization: string | undefined) => Promise<Caller>

/** Signed with a private key. With a shared secret (HS256...), whoever can check tokens could make them, too. */
const ALGORITHMS: JWSAlgorithm[] = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
]
const BEARER = /^Bearer +(\S+) *$/i
/** As long as an actor may be in what is written down. */
const ACTOR_CHARS_MAX = 128
const RETRY_AFTER_S = 5

/** Checks tokens of this issuer for this audience. */
export function tokenCheck(
  { issuer, audience, jwks, clockToleranceS }: AuthSettings,
  { log }: { readonly log: Logger },
): CheckToken {
  const findKey = openKeys(jwks, log)
  let isDown = false
  return async (authorization) => {
    if (authorization === undefined)
      throw unauthorized('This needs a token: send it as `Authorization: Bearer <token>`.')
    const token = BEARER.exec(authorization)?.[1]
    if (token === undefined) throw refused('The header Authorization holds no bearer token.')
    try {
      const { payload } = await jwtVerify(token, findKey, {
        issuer,
        audience,
        algorithms: ALGORITHMS,
        clockTolerance: clockToleranceS,
        // A token that never ends could never be taken back.
        requiredClaims: ['exp'],
      })
      if (isDown) log.info('tokens can be checked again')
      isDown = false
      return callerOf(payload)
    } catch (error) {
      if (!(error instanceof KeysUnavailableError)) {
        if (!(error instanceof errors.JOSEError))
          // Not the error itself: nobody knows what of the token it may show.
          log.warn({ kind: error instanceof Error ? error.name : typeof error }, 'a token could not be checked')
        throw refused(faultOf(error))
      }
      // Once, not for each request.
      if (!isDown) log.error({ err: error }, 'no token can be checked: requests are answered 503')
      isDown = true
      throw keysAway(error)
    }
  }
}

/** Nothing of the token, nor jose's errors, which carry its claims, goes any further than this. */
const refused = (detail: string) =>
  unauthorized(detail, `, error="invalid_token", error_description="${detail.replace(/["\\]/g, '')}"`)

const unauthorized = (detail: string, parameters = '') =>
  new HttpProblem(401, { detail, headers: { 'www-authenticate': `Bearer realm="ebs"${parameters}` } })

const keysAway = (cause: unknown) =>
  new HttpProblem(503, {
    detail: 'The keys of the identity provider cannot be had just now, so no token can be checked.',
    headers: { 'retry-after': String(RETRY_AFTER_S) },
    cause,
  })

/** RFC 6749 has one text in `scope`; Azure and others send `scp`, as text or as a list. */
function callerOf({ sub, scope, scp, client_id, azp }: JWTPayload): Caller {
  const names = [sub, client_id, azp].find((name) => typeof name === 'string' && name.length > 0)
  return {
    actor: (typeof names === 'string' ? names : 'unnamed').slice(0, ACTOR_CHARS_MAX),
    scopes: new Set([...wordsOf(scope), ...wordsOf(scp)]),
  }
}

function wordsOf(claim: unknown): readonly string[] {
  if (typeof claim === 'string') return claim.split(' ').filter(Boolean)
  return Array.isArray(claim) ? claim.filter((word) => typeof word === 'string') : []
}

/** Why a token is not taken, as its owner may know it. */
function faultOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'The token has expired: get a new one.'
  if (error instanceof errors.JWTClaimValidationFailed)
    return claimFaults[error.claim] ?? `Its claim ${error.claim} is not accepted.`
  if (error instanceof errors.JOSEAlgNotAllowed || error instanceof errors.JOSENotSupported)
    return `The token is not signed in a way that is accepted: ${ALGORITHMS.join(', ')}.`
  if (error instanceof errors.JWKSNoMatchingKey) return 'The token is signed with a key that the issuer does not have.'
  if (error instanceof errors.JWKSMultipleMatchingKeys)
    return 'The token does not say with which of several keys it is signed: it needs a `kid`.'
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'The signature of the token is wrong.'
  return 'The token cannot be read: it is no JSON Web Token.'
}

const claimFaults: Readonly<Record<string, string>> = {
  iss: 'The token is of another issuer.',
  aud: 'The token is for another audience.',
  exp: 'The token does not say when it expires.',
  nbf: 'The token is not valid yet.',
}
