import type { CallPolicy } from './hub.ts'

/** The times that lie within one another: all attempts at a call, the hub's deadline, and how long a client may wait. */
export type Nesting = { readonly call: CallPolicy; readonly hubDeadlineMs: number; readonly waitMsMax: number }

/**
 * What is wrong with the times of a configuration, with the sums shown; empty when each lies within the next. Otherwise the hub would
 * give up before its calls have used their attempts, or a client before the hub.
 */
export function checkNesting({ call, hubDeadlineMs, waitMsMax }: Nesting): readonly string[] {
  const nonsense = Object.entries({ ...call, hubDeadlineMs, waitMsMax }).flatMap(([name, value]) =>
    Number.isSafeInteger(value) && value >= 0 ? [] : [`${name} = ${value} must be a whole number, zero or more`],
  )
  if (nonsense.length > 0) return nonsense
  const attempts = call.retries + 1
  const callMs = attempts * (call.timeoutMs + call.backoffMs)
  const sum = `${attempts} ${attempts === 1 ? 'attempt' : 'attempts'} x (${call.timeoutMs} ms + ${call.backoffMs} ms) = ${callMs} ms`
  const deadline = `the hub deadline, EBS_FLOW_DEADLINE_MS = ${hubDeadlineMs} ms`
  return [
    ...(callMs < hubDeadlineMs ? [] : [`${sum} must be below ${deadline}`]),
    ...(hubDeadlineMs < waitMsMax ? [] : [`${deadline}, must be below EBS_WAIT_MS_MAX = ${waitMsMax} ms`]),
  ]
}
