import { setTimeout as sleep } from 'node:timers/promises'

const POLL_MS = 100
const ANSWER_MS_MAX = 2_000

/** Whether the service at this url says that it is ready. */
async function isReady(url: string, signal: AbortSignal): Promise<boolean> {
  try {
    const response = await fetch(`${url}/health/ready`, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS_MAX)]),
    })
    await response.body?.cancel()
    return response.status === 200
  } catch {
    // Nobody listens there yet.
    return false
  }
}

/** Resolves when the service is ready; rejects only when the signal says stop. */
export async function untilReady(url: string, signal: AbortSignal): Promise<void> {
  while (!(await isReady(url, signal))) await sleep(POLL_MS, undefined, { signal })
}
