import type { StepRetry } from './definition.ts'
import type { Entry } from './definition-document.ts'
import { durationText, findDurationMs } from './durations.ts'
import { longestMs } from './patience.ts'

/** How long and how often a step is tried, with what the document leaves to us (rule J1). */

export const TIMEOUT_MS_DEFAULT = 30_000
export const RETRY_DEFAULT: StepRetry = { retries: 2, initialMs: 200, factor: 2, maxMs: 30_000 }
/** A default timeout is not cut below this as long as there are retries to do without. */
const TIMEOUT_MS_WANTED = 1_000

export type Patience = { readonly timeoutMs: number; readonly retry: StepRetry }

/** What a document says of it. */
type Asked = Pick<Entry, 'timeout' | 'retry'>

/**
 * What the document says, and defaults that fit into the deadline beside it: shorter attempts first, then fewer, or shorter pauses where
 * it says how many. A fault when what it says takes longer than the deadline. Compensations have no deadline.
 */
export function patienceOf(asked: Asked, deadlineMs?: number): Patience | { readonly fault: string } {
  const stated = findDurationMs(asked.timeout ?? TIMEOUT_MS_DEFAULT) ?? TIMEOUT_MS_DEFAULT
  const wanted = { timeoutMs: stated, retry: retryOf(asked.retry) }
  if (deadlineMs === undefined) return wanted
  for (const retry of retriesBelow(wanted.retry, asked, deadlineMs)) {
    const isLast = retry.retries === (asked.retry?.retries ?? 0)
    const timeoutMs = asked.timeout === undefined ? roomFor(retry, deadlineMs) : stated
    const isLong = timeoutMs >= (isLast || asked.timeout !== undefined ? 1 : TIMEOUT_MS_WANTED)
    if (isLong && longestMs({ timeoutMs, retry }) <= deadlineMs) return { timeoutMs, retry }
  }
  return { fault: `${sumOf(asked)}, longer than the deadline of ${durationText(deadlineMs)}` }
}

/** What is tried, one after the other: fewer retries, or as many as are stated, with pauses that leave time for them. */
function retriesBelow(retry: StepRetry, asked: Asked, deadlineMs: number): readonly StepRetry[] {
  if (asked.retry?.retries === undefined)
    return Array.from({ length: retry.retries + 1 }, (_, fewer) => ({ ...retry, retries: retry.retries - fewer }))
  const attempts = retry.retries + 1
  const timeoutMs = findDurationMs(asked.timeout ?? TIMEOUT_MS_WANTED) ?? TIMEOUT_MS_WANTED
  if (longestMs({ timeoutMs, retry }) <= deadlineMs) return [retry]
  // Half of it, when the attempts have to share the rest.
  const roomMs = asked.timeout === undefined ? Math.floor(deadlineMs / 2) : deadlineMs - attempts * timeoutMs
  return [pausesWithin(retry, asked.retry, roomMs)]
}

/** Pauses that are cut to take no longer than this, as far as they are not stated: the longest first, then all of them. */
function pausesWithin(retry: StepRetry, asked: Asked['retry'], roomMs: number): StepRetry {
  const { initialMs, maxMs } = retry
  const fits = (cut: StepRetry) => longestMs({ timeoutMs: 0, retry: cut }) <= roomMs
  let cut = retry
  if (asked?.maxMs === undefined)
    cut = { ...cut, maxMs: largest(initialMs, maxMs, (ms) => fits({ ...retry, maxMs: ms })) }
  if (asked?.initialMs !== undefined || fits(cut)) return cut
  const shorter = (ms: number) => ({ ...cut, initialMs: ms, maxMs: asked?.maxMs ?? ms })
  return shorter(largest(0, initialMs, (ms) => fits(shorter(ms))))
}

/** The largest whole number between the two that fits; the least when none does. What is smaller than one that fits, fits. */
function largest(least: number, most: number, fits: (ms: number) => boolean): number {
  let [low, high] = [least, most]
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (fits(middle)) low = middle
    else high = middle - 1
  }
  return low
}

function retryOf(asked: Asked['retry']): StepRetry {
  const { retries, initialMs, factor, maxMs } = RETRY_DEFAULT
  const first = asked?.initialMs ?? Math.min(initialMs, asked?.maxMs ?? initialMs)
  return {
    retries: asked?.retries ?? retries,
    initialMs: first,
    factor: asked?.factor ?? factor,
    maxMs: asked?.maxMs ?? Math.max(maxMs, first),
  }
}

/** The longest timeout with which all attempts fit. */
function roomFor(retry: StepRetry, deadlineMs: number): number {
  const pausesMs = longestMs({ timeoutMs: 0, retry })
  return Math.min(TIMEOUT_MS_DEFAULT, Math.floor((deadlineMs - pausesMs) / (retry.retries + 1)))
}

function sumOf(asked: Asked): string {
  // What it leaves to us could be cut, but not enough.
  const { retries = 0, initialMs = 0, factor = RETRY_DEFAULT.factor, maxMs = initialMs } = asked.retry ?? {}
  const timeoutMs = findDurationMs(asked.timeout ?? 1) ?? 1
  const retry = { retries, initialMs, factor, maxMs }
  const attempts = `${retries + 1} ${retries === 0 ? 'attempt' : 'attempts'} of ${durationText(timeoutMs)}`
  const pausesMs = longestMs({ timeoutMs: 0, retry })
  const sum = durationText(longestMs({ timeoutMs, retry }))
  return pausesMs > 0
    ? `${attempts} and ${durationText(pausesMs)} between them may take ${sum}`
    : `${attempts} may take ${sum}`
}
