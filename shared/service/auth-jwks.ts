import { z } from 'zod'

/**
 * A set of keys (RFC 7517) with which tokens are checked: public ones only, because the other kinds could also make tokens. The
 * configuration reads it; so jose, which takes 40 ms to load, is not asked here (but in `usable-keys.ts`).
 */

/** An identity provider has a handful of keys; a larger file is something else. */
export const JWKS_BYTES_MAX = 1_048_576

export const publicKey = z
  .looseObject({ kty: z.enum(['RSA', 'EC', 'OKP'], 'expected a public key: RSA, EC or OKP') })
  .refine((key) => !('d' in key), 'expected a public key, not a private one')
const keySet = z.looseObject({ keys: z.array(publicKey).min(1) })

export type Jwks = z.output<typeof keySet>

/** Reads a key set; throws TypeError that says what is wrong with it, and never shows any of it. */
export function parseJwks(text: string): Jwks {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    throw new TypeError('It is not JSON.')
  }
  const { success, data, error } = keySet.safeParse(json)
  if (success) return data
  const [issue] = error.issues
  throw new TypeError(`${issue?.path.join('.') || 'It'}: ${issue?.message ?? 'not a key set'}.`)
}
