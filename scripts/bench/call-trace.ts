/** What was heard of one flow, in order: event types, and when (ms). */
export type Trace = readonly { readonly type: string; readonly atMs: number }[]

/** Events by which the hub goes on after an answer. */
const hubGoesOn: readonly string[] = ['FLOW_CALLED', 'FLOW_SUCCEEDED', 'FLOW_FAILED']

export type CallTimes = {
  /** From each FLOW_CALLED until the hub has handled its answer and says what comes next. */
  readonly callMs: readonly number[]
  /** The same without the way to the worker's backend and back. */
  readonly withoutBackendMs: readonly number[]
}

/** The calls of a flow that makes them one after another. */
export function callTimesOf(trace: Trace): CallTimes {
  const callMs: number[] = []
  const withoutBackendMs: number[] = []
  let calledAtMs: number | undefined
  let askedAtMs = 0
  let backendMs = 0
  for (const { type, atMs } of trace) {
    if (type === 'FLOW_BACKEND_REQUESTED') askedAtMs = atMs
    if (type === 'FLOW_BACKEND_ANSWERED') backendMs += atMs - askedAtMs
    if (!hubGoesOn.includes(type)) continue
    if (calledAtMs !== undefined) {
      callMs.push(atMs - calledAtMs)
      withoutBackendMs.push(atMs - calledAtMs - backendMs)
    }
    calledAtMs = atMs
    backendMs = 0
  }
  return { callMs, withoutBackendMs }
}

/** Milliseconds from each event to the next one, by `<type> > <type>`. */
export const stepsOf = (trace: Trace): readonly (readonly [step: string, ms: number])[] =>
  trace.flatMap(({ type, atMs }, index) => {
    const before = trace[index - 1]
    return before ? [[`${before.type} > ${type}`, atMs - before.atMs] as const] : []
  })
