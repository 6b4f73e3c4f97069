import { vi } from 'vitest'

/** A process that starts, or a connection that is found again, takes seconds on a busy machine. */
export const WITHIN_MS = 30_000
const ASK_AGAIN_MS = 50

/**
 * Resolves when the check gives something else than false and does not throw (a failed `expect` throws); asks until then. Rejects
 * with the check's last error when the time is over.
 */
export const waitUntil = <T>(check: () => T | Promise<T>, withinMs = WITHIN_MS): Promise<T> =>
  vi.waitFor(
    async () => {
      const result = await check()
      if (result === false) throw new Error(`Not so within ${withinMs} ms: ${check}`)
      return result
    },
    { timeout: withinMs, interval: ASK_AGAIN_MS },
  )
