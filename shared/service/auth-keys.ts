import { readFile, stat } from 'node:fs/promises'
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  errors,
  type FetchImplementation,
  type JWTVerifyGetKey,
  type LocalJWKSet,
} from 'jose'
import { type Jwks, parseJwks } from './auth-jwks.ts'
import type { AuthSettings } from './auth-settings.ts'
import type { Logger } from './log.ts'
import { siftKeys } from './usable-keys.ts'

/** The keys cannot be had just now, so no token can be checked. An HTTP edge answers 503. */
export class KeysUnavailableError extends Error {
  override readonly name = 'KeysUnavailableError'
}

/** For an answer of the identity provider. */
const FETCH_MS_MAX = 5_000
/** A token with an unknown key has them fetched again, but not more often: anybody can send such tokens. */
const REFRESH_MS_MIN = 30_000
/** A key that was withdrawn is trusted no longer than this. */
const KEYS_MS_MAX = 600_000
/** Behind a fetch that failed: meanwhile every request is told so at once instead of waiting for the next one. */
const FAILED_PAUSE_MS = 2_000
/** The same for files, which cost nearly nothing. */
const REREAD_MS_MIN = 1_000

/**
 * Finds the key of a token. Keys with which no token can be checked are left out with a warning. Throws KeysUnavailableError, and jose's
 * errors for tokens that no key fits.
 */
export function openKeys(jwks: AuthSettings['jwks'], log: Logger): JWTVerifyGetKey {
  const where = 'file' in jwks ? jwks.file : jwks.url.href
  let warned = ''
  /** Reads a set; whatever keeps it from being read is told of in the same way. */
  const reading: Reading = async (read) => {
    try {
      const { jwks: sifted, faults } = await siftKeys(await read())
      const news = faults.join('; ')
      // Once, not whenever they are read.
      if (news !== warned && news !== '')
        log.warn({ where, faults }, 'some keys of the identity provider cannot be used and are left out')
      warned = news
      return sifted
    } catch (error) {
      throw unavailable(where, error)
    }
  }
  return 'file' in jwks ? keysInFile(jwks.file, reading) : keysAt(jwks.url, reading)
}

const unavailable = (where: string, cause: unknown) =>
  new KeysUnavailableError(`The keys at ${where} cannot be had: ${reasonOf(cause)}`, { cause })

/** Gives the keys of a set that are of use. Throws KeysUnavailableError. */
type Reading = (read: () => Promise<unknown>) => Promise<Jwks>

/** What `fetch` throws says nothing by itself; its cause does. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message
}

function keysAt(url: URL, reading: Reading): JWTVerifyGetKey {
  let failed: { readonly atMs: number; readonly error: unknown } | undefined
  const fetchKeys: FetchImplementation = async (address, options) => {
    if (failed && Date.now() - failed.atMs < FAILED_PAUSE_MS) throw failed.error
    try {
      const jwks = await reading(async () => {
        const response = await fetch(address, options)
        if (!response.ok) throw new Error(`the answer was ${response.status}`)
        return response.json()
      })
      failed = undefined
      return Response.json(jwks)
    } catch (error) {
      failed = { atMs: Date.now(), error }
      throw error
    }
  }
  const find = createRemoteJWKSet(url, {
    timeoutDuration: FETCH_MS_MAX,
    cooldownDuration: REFRESH_MS_MIN,
    cacheMaxAge: KEYS_MS_MAX,
    [customFetch]: fetchKeys,
  })
  return async (header, token) => {
    try {
      return await find(header, token)
    } catch (error) {
      // They were asked for only because none of those that are known, and still count, is named so: anybody can send such tokens.
      if (error instanceof KeysUnavailableError && find.fresh) throw new errors.JWKSNoMatchingKey()
      throw error
    }
  }
}

/** A file counts as changed by its stamp; when a token names a key that is not in it, it is read again all the same. */
function keysInFile(file: string, reading: Reading): JWTVerifyGetKey {
  let known: { readonly stamp: string; readonly keys: LocalJWKSet; readonly readMs: number } | undefined
  const read = async (stamp: string) => {
    const keys = createLocalJWKSet(await reading(async () => parseJwks(await readFile(file, 'utf8'))))
    known = { stamp, keys, readMs: Date.now() }
    return known
  }
  return async (header, token) => {
    const stamp = await stampOf(file)
    const current = known?.stamp === stamp ? known : await read(stamp)
    try {
      return await current.keys(header, token)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || Date.now() - current.readMs < REREAD_MS_MIN) throw error
      return (await read(stamp)).keys(header, token)
    }
  }
}

/** Follows links: Kubernetes exchanges a link when a secret changes. Throws KeysUnavailableError. */
async function stampOf(file: string): Promise<string> {
  try {
    const { ino, size, mtimeNs } = await stat(file, { bigint: true })
    return `${ino} ${size} ${mtimeNs}`
  } catch (error) {
    throw unavailable(file, error)
  }
}
