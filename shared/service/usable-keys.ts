import { importJWK } from 'jose'
import { z } from 'zod'
import { type Jwks, publicKey } from './auth-jwks.ts'

const anySet = z.looseObject({ keys: z.array(z.unknown()) }, 'not a key set')
const signs = z.looseObject({ use: z.literal('sig').optional() })
const named = z.looseObject({ kid: z.string().max(256) })
const described = z.object({ alg: z.string().optional(), crv: z.string().optional() })

/** With shorter ones jose refuses to check anything: they can be broken. */
const RSA_BITS_MIN = 2_048
const CURVES: Readonly<Record<string, string>> = { 'P-256': 'ES256', 'P-384': 'ES384', 'P-521': 'ES512' }

/**
 * The keys of a set that do not make the check of a token fail, and what is wrong with the others, by name. Throws TypeError when it is no
 * set, or none of its keys is of use.
 */
export async function siftKeys(set: unknown): Promise<{ readonly jwks: Jwks; readonly faults: readonly string[] }> {
  const { success, data } = anySet.safeParse(set)
  if (!success) throw new TypeError('It is not a key set.')
  const faults: string[] = []
  const keys: Jwks['keys'] = []
  for (const [i, key] of data.keys.entries()) {
    // Keys for other purposes are never looked at.
    if (!signs.safeParse(key).success) continue
    const found = await usableOf(key)
    if ('key' in found) keys.push(found.key)
    else faults.push(`${named.safeParse(key).data?.kid ?? `number ${i + 1}`}: ${found.fault}`)
  }
  if (keys.length === 0 && faults.length > 0) throw new TypeError(`None of its keys can be used: ${faults.join('; ')}.`)
  return { jwks: { keys }, faults }
}

async function usableOf(given: unknown): Promise<{ readonly key: Jwks['keys'][number] } | { readonly fault: string }> {
  const { success, data: key, error } = publicKey.safeParse(given)
  if (!success) return { fault: error.issues[0]?.message ?? 'no key' }
  const { success: isDescribed, data: description } = described.safeParse(key)
  if (!isDescribed) return { fault: 'its alg or crv is no text' }
  const { alg, crv = '' } = description
  const byKind = { RSA: 'RS256', EC: CURVES[crv], OKP: 'EdDSA' }[key.kty]
  try {
    const imported = await importJWK(key, alg ?? byKind)
    const bits = imported instanceof Uint8Array ? undefined : bitsOf(imported.algorithm)
    if (bits !== undefined && bits < RSA_BITS_MIN)
      return { fault: `${bits} bits, and below ${RSA_BITS_MIN} it can be broken` }
    return { key }
  } catch {
    return { fault: `no ${key.kty} key of a kind that is known here` }
  }
}

const bitsOf = (algorithm: object) =>
  'modulusLength' in algorithm && typeof algorithm.modulusLength === 'number' ? algorithm.modulusLength : undefined
