import { setTimeout as sleep } from 'node:timers/promises'
import { showProgress } from './progress.ts'

const POLL_MS = 100
const ANSWER_MS_MAX = 2_000

/** Whether all services, given by name and url, have become ready before the signal said stop. Shows for whom it waits. */
export async function untilAllReady(urls: ReadonlyMap<string, string>, signal: AbortSignal): Promise<boolean> {
  const waitingFor = new Set(urls.keys())
  const each = [...urls].map(async ([name, url]) => {
    while (!(await isReady(url, signal))) await sleep(POLL_MS, undefined, { signal })
    waitingFor.delete(name)
  })
  try {
    await showProgress(() => `waiting until ready: ${[...waitingFor].join(', ')}`, Promise.all(each))
    return true
  } catch (error) {
    if (signal.aborted) return false
    throw error
  }
}

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
