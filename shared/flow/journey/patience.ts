import type { Asked, StepRetry } from './definition.ts'

/** How long a step is waited for. */

/** Before the n-th retry, from 1. */
export const backoffMs = ({ initialMs, factor, maxMs }: StepRetry, n: number) =>
  // Zero times a factor that has grown beyond all numbers is no number.
  initialMs === 0 ? 0 : Math.round(Math.min(initialMs * factor ** (n - 1), maxMs))

/** All attempts at a call and the pauses between them take at most so long. */
export function longestMs({ timeoutMs, retry }: Pick<Asked, 'timeoutMs' | 'retry'>): number {
  let pausesMs = 0
  for (let n = 1; n <= retry.retries; n++) {
    const pauseMs = backoffMs(retry, n)
    // From here on none is longer, and there may be millions.
    if (pauseMs >= retry.maxMs || retry.factor <= 1) {
      pausesMs += pauseMs * (retry.retries - n + 1)
      break
    }
    pausesMs += pauseMs
  }
  return (retry.retries + 1) * timeoutMs + pausesMs
}
