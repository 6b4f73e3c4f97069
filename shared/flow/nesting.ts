import type { Mistake } from '../service/errors.ts'
import { wholeNumber } from '../service/settings.ts'
import type { CallPolicy } from './hub.ts'

/** EBS_FLOW_DEADLINE_MS: the hub keeps it, and whoever makes clients wait has to know it. */
export const flowDeadlineMs = wholeNumber({ min: 100, max: 600_000 }).default(15_000)

/** The times that lie within one another: all attempts at a call, the hub's deadline, and how long a client may wait. */
export type Nesting = { readonly call: CallPolicy; readonly hubDeadlineMs: number; readonly waitMsMax: number }

/**
 * What is wrong with the times of a hub's configuration, with the sums shown; empty when each lies within the next. Otherwise the hub
 * would give up before its calls have used their attempts, or a client before the hub.
 */
export const checkNesting = ({ call, hubDeadlineMs, waitMsMax }: Nesting): readonly Mistake[] => [
  ...checkDeadline(call, hubDeadlineMs),
  ...checkWait(hubDeadlineMs, waitMsMax),
]

function checkDeadline({ timeoutMs, retries, backoffMs }: CallPolicy, hubDeadlineMs: number): readonly Mistake[] {
  const attempts = retries + 1
  const callMs = attempts * (timeoutMs + backoffMs)
  if (callMs < hubDeadlineMs) return []
  const sum = `${attempts} ${attempts === 1 ? 'attempt' : 'attempts'} x (${timeoutMs} ms + ${backoffMs} ms) = ${callMs} ms`
  return [mistake('EBS_FLOW_DEADLINE_MS', hubDeadlineMs, `more than all attempts at a call may take, ${sum}`)]
}

/** The same for whoever lets clients wait for the hub. */
export function checkWait(hubDeadlineMs: number, waitMsMax: number): readonly Mistake[] {
  if (hubDeadlineMs < waitMsMax) return []
  const accepted = `more than the hub deadline, EBS_FLOW_DEADLINE_MS = ${hubDeadlineMs} ms`
  return [mistake('EBS_WAIT_MS_MAX', waitMsMax, accepted)]
}

const mistake = (variable: string, givenMs: number, accepted: string): Mistake => ({
  variable,
  given: String(givenMs),
  accepted,
})
