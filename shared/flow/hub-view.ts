import type { CallPolicy } from './hub.ts'
import { callIdOf, type HubCall, type HubState } from './hub-state.ts'

/** A conversation as a person sees it: request, calls with their attempts, what is due, and how it ended. */
export function viewOf(state: HubState, policy: CallPolicy, nowMs: number): Readonly<Record<string, unknown>> {
  const { key, request, own, createdAtMs, deadlineMs, phase, calls, failure, undone, notUndone, end } = state
  const toIds = (numbers: readonly number[]) => numbers.map((n) => callIdOf(key, n))
  return {
    request,
    deadline: isoOf(deadlineMs),
    durationMs: Math.max(0, (end?.atMs ?? nowMs) - createdAtMs),
    phase: end ? 'ended' : phase,
    state: own,
    calls: calls.map((call) => callView(key, call, policy)),
    ...(failure && { failure, undone: toIds(undone), notUndone: toIds(notUndone) }),
    ...(end && { result: end.reply }),
  }
}

function callView(key: string, call: HubCall, { retries }: CallPolicy) {
  const { n, name, input, undo, undoes, state, attempt, dueMs, progress, status, output, error, attempts } = call
  return {
    callId: callIdOf(key, n),
    name,
    input,
    ...(undo && { undo }),
    ...(undoes !== undefined && { undoes: callIdOf(key, undoes) }),
    state,
    attempt,
    attemptsMax: retries + 1,
    ...(state === 'waiting' && { deadline: isoOf(dueMs) }),
    ...(state === 'backoff' && { retryAt: isoOf(dueMs) }),
    ...(progress !== undefined && { progress }),
    ...(status !== undefined && { status }),
    ...(output !== undefined && { output }),
    ...(error !== undefined && { error }),
    attempts: attempts.map(({ endedMs, ...ended }) => ({ ...ended, endedAt: isoOf(endedMs) })),
  }
}

const isoOf = (ms: number) => new Date(ms).toISOString()
