import { judge, type RetryPolicy } from '../../shared/bus/retry.ts'

/**
 * Says, with the sums, that objects may fail while their tasks are still tried again, because the deadline is not above what the
 * retries of a task may take; undefined when it is.
 */
export function findShortDeadline(deadlineMs: number, retry: RetryPolicy): string | undefined {
  const tookMs = retriesMs(retry)
  if (tookMs < deadlineMs) return undefined
  const retries =
    tookMs === Number.POSITIVE_INFINITY
      ? `the retries of process_consume (${retry.policy}) never end`
      : `the ${retry.retries} retries of process_consume (${retry.policy}, from ${retry.minMs} ms on) may take ${tookMs} ms`
  return `EBS_OBJECT_DEADLINE_MS is ${deadlineMs}, but ${retries}: an object may fail while its tasks still retry. Raise the deadline, or lower EBS_RETRY_PROCESS_CONSUME_RETRIES.`
}

/** How long a message that always fails waits between its attempts, all together and at most; the work itself comes on top. */
function retriesMs(retry: RetryPolicy): number {
  if (retry.retries < 0 && retry.policy !== 'never') return Number.POSITIVE_INFINITY
  let sumMs = 0
  for (let attempt = 1; ; attempt++) {
    const verdict = judge(undefined, attempt, retry, LONGEST)
    if (verdict.kind === 'dead') return sumMs
    if (verdict.kind === 'later') sumMs += verdict.delayMs
  }
}

/** The random number that spreads an exponential delay furthest. */
const LONGEST = 1
