import { levelExchange, levels } from '../topology.ts'

const RESOLUTION_MS = 10

/** The longest delay that the rungs can add up to: almost 40 days. */
export const DELAY_MS_MAX = levels.reduce((sum, { unitMs, rungs }) => sum + unitMs * rungs.length, 0)

export type Route = { readonly exchange: string; readonly key: string }

/**
 * Where to publish a message so that it arrives at `queue` after `delayMs`: the exchange of its largest rung, and a key with one
 * digit per level (`0.0.0.0.0.0.3.0.0.0.process_consume` waits 30 s). Rounds up to 10 ms, so that nothing is early.
 * Throws RangeError for a delay that is not a number, negative or longer than DELAY_MS_MAX.
 */
export function delayRoute(delayMs: number, queue: string): Route {
  if (!(delayMs >= 0 && delayMs <= DELAY_MS_MAX))
    throw new RangeError(
      `A delay is 0 to ${DELAY_MS_MAX} ms (about 40 days), not ${delayMs}: longer ones are split by the caller.`,
    )
  let restMs = Math.ceil(delayMs / RESOLUTION_MS) * RESOLUTION_MS
  const digits = levels.map(({ unitMs, rungs }) => {
    const digit = Math.min(Math.floor(restMs / unitMs), rungs.length)
    restMs -= digit * unitMs
    return digit
  })
  const first = digits.findIndex((digit) => digit > 0)
  return { exchange: levelExchange(first === -1 ? levels.length : first), key: [...digits, queue].join('.') }
}
