import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { onTestFinished } from 'vitest'
import type { AuthSettings } from '../auth-settings.ts'

export const ISSUER = 'https://login.example/'
export const AUDIENCE = 'ebs'
const HOUR_S = 3_600

/** Of a token: what differs from one that is in order. */
export type TokenChange = {
  readonly scope?: string
  /** Undefined leaves a claim out. */
  readonly claims?: { readonly [K in keyof JWTPayload]: JWTPayload[K] | undefined }
  readonly kid?: string
}

/** A key of an identity provider, and tokens that are signed with it. */
export async function signingKey(kid: string, alg = 'ES256') {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  return {
    jwk: { ...(await exportJWK(publicKey)), kid, alg },
    privateJwk: { ...(await exportJWK(privateKey)), kid, alg },
    token: ({ scope = 'journeys:write', claims = {}, kid: named = kid }: TokenChange = {}) =>
      new SignJWT(present({ iss: ISSUER, aud: AUDIENCE, sub: 'ann', exp: nowS() + HOUR_S, scope, ...claims }))
        .setProtectedHeader({ alg, kid: named })
        .sign(privateKey),
  }
}

const present = (claims: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined))

export const nowS = () => Math.floor(Date.now() / 1_000)

/** A token by hand, signed with nothing or with anything. */
export const handMade = (header: object, claims: object, signature = '') =>
  [header, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .concat(signature)
    .join('.')

/** A file with a key set, which the test may change. */
export function keyFile(...keys: readonly object[]) {
  const folder = mkdtempSync(join(tmpdir(), 'ebs-keys-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'jwks.json')
  const write = (...all: readonly object[]) => writeFileSync(file, JSON.stringify({ keys: all }))
  write(...keys)
  return { file, write, remove: () => rmSync(file) }
}

export const settingsFor = (jwks: AuthSettings['jwks']): AuthSettings => ({
  issuer: ISSUER,
  audience: AUDIENCE,
  jwks,
  clockToleranceS: 5,
})
