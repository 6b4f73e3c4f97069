import type { CallPolicy } from '../../shared/flow/hub.ts'
import { checkNesting, flowDeadlineMs } from '../../shared/flow/nesting.ts'
import { type Env, readServiceConfig } from '../../shared/service/config.ts'
import { ConfigError } from '../../shared/service/errors.ts'
import { oneOf, wholeNumber } from '../../shared/service/settings.ts'

const TEN_MINUTES_MS = 600_000
const HOUR_MS = 3_600_000
/** Ten years: whoever keeps longer than that copies elsewhere. */
const KEEP_HOURS_MAX = 87_600
/** The document of a flow grows with every attempt at each of its calls. */
const RETRIES_MAX = 25

export type HubConfig = ReturnType<typeof hubConfig>

/** Reads the environment; all attempts at a call must fit into the hub's deadline, and that into what a client waits. */
export function hubConfig(env?: Env) {
  const config = readServiceConfig(
    {
      name: 'hub',
      port: 8081,
      queues: ['hub_consume', 'hub_work'],
      own: {
        EBS_FLOW_CALL_TIMEOUT_MS: wholeNumber({ min: 10, max: TEN_MINUTES_MS }).default(2_000),
        EBS_FLOW_CALL_RETRIES: wholeNumber({ min: 0, max: RETRIES_MAX }).default(2),
        EBS_FLOW_CALL_BACKOFF_MS: wholeNumber({ min: 0, max: TEN_MINUTES_MS }).default(200),
        EBS_FLOW_DEADLINE_MS: flowDeadlineMs,
        EBS_FLOW_DEADLINE_WHILE_PARKED: oneOf('runs', 'frozen').default('runs'),
        EBS_GROUP_DEADLINE_WHILE_PARKED: oneOf('runs', 'frozen').default('runs'),
        EBS_EARLY_KEEP_MS: wholeNumber({ min: 0, max: HOUR_MS }).default(60_000),
        EBS_HUB_KEEP_HOURS: wholeNumber({ min: 1, max: KEEP_HOURS_MAX }).default(24),
        EBS_HUB_KEEP_FAILED_HOURS: wholeNumber({ min: 1, max: KEEP_HOURS_MAX }).default(168),
      },
    },
    env,
  )
  const { own, waitMsMax } = config
  const flow = {
    deadlineMs: own.EBS_FLOW_DEADLINE_MS,
    call: {
      timeoutMs: own.EBS_FLOW_CALL_TIMEOUT_MS,
      retries: own.EBS_FLOW_CALL_RETRIES,
      backoffMs: own.EBS_FLOW_CALL_BACKOFF_MS,
    },
  }
  const mistakes = checkNesting({ call: flow.call, hubDeadlineMs: flow.deadlineMs, waitMsMax })
  if (mistakes.length > 0) throw new ConfigError(mistakes)
  const frozenWhileParked: ReadonlySet<string> = new Set([
    ...(own.EBS_GROUP_DEADLINE_WHILE_PARKED === 'frozen' ? ['group'] : []),
    ...(own.EBS_FLOW_DEADLINE_WHILE_PARKED === 'frozen' ? ['flow'] : []),
  ])
  return { ...config, flow, frozenWhileParked, nesting: nestingOf(flow, waitMsMax) }
}

/** The sums, for the log. */
function nestingOf({ deadlineMs, call }: { deadlineMs: number; call: CallPolicy }, waitMsMax: number): string {
  const { timeoutMs, retries, backoffMs } = call
  const sum = `${retries + 1} attempts x (${timeoutMs} + ${backoffMs} ms) = ${(retries + 1) * (timeoutMs + backoffMs)} ms`
  return `${sum} < hub deadline ${deadlineMs} ms < EBS_WAIT_MS_MAX ${waitMsMax} ms`
}
