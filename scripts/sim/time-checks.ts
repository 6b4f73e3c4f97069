import type { Ended } from './checks.ts'
import { BUSY_MS, FLOW_DEADLINE_MS } from './story.ts'
import { START_MS } from './system.ts'

const MS_PER_S = 1_000

/** A hub that was away, and a wake-up that was lost, cost so much at most once nothing goes wrong any more. */
const LATE_MS_MAX = 12_000
/** So long wake-ups may be lost after that. */
const LOST_MS_MAX = 11_000

/** What waits for a time does not wait much longer; where the hub does nothing, only its deadline ends a flow. */
export function tooLate({ witness }: Ended): string[] {
  const idle = idleFlows(witness)
  const calmMs = START_MS + BUSY_MS + LOST_MS_MAX
  return witness.of('FLOW_FAILED').flatMap(({ data: { flowId, kind, durationMs }, meta: { atMs = 0 } }) => {
    const dueMs = atMs - durationMs + FLOW_DEADLINE_MS
    const lateMs = atMs - Math.max(dueMs, calmMs)
    return idle.has(flowId) && kind === 'hub-timeout' && lateMs > LATE_MS_MAX
      ? [`the flow ${flowId} ended ${lateMs} ms after it should have`]
      : []
  })
}

/** What waits for a time happens then, or later. */
export function tooEarly({ witness }: Ended): string[] {
  return [...retries(witness), ...groups(witness), ...calls(witness), ...flows(witness), ...activities(witness)]
}

type Of = Ended['witness']
const keyOf = (...parts: readonly unknown[]) => parts.join(' ')
const earliest = (times: Map<string, number>, key: string, ms: number) =>
  void times.set(key, Math.min(times.get(key) ?? Number.POSITIVE_INFINITY, ms))

/** An attempt at a task begins when the one before said that it would. Of copies each may be the one that led to it. */
function retries(witness: Of): string[] {
  const mayBegin = new Map<string, number>()
  for (const { data } of witness.eachOf('TASK_FAILED'))
    if (data.retryAt !== undefined) earliest(mayBegin, keyOf(data.taskId, data.attempt + 1), Date.parse(data.retryAt))
  return witness.eachOf('TASK_STARTED').flatMap(({ data, meta: { atMs = 0 } }) => {
    const fromMs = mayBegin.get(keyOf(data.taskId, data.attempt))
    if (data.attempt === 1) return []
    if (fromMs === undefined) return [`attempt ${data.attempt} at ${data.taskId} followed upon none`]
    return atMs >= fromMs ? [] : [`attempt ${data.attempt} at ${data.taskId} began ${fromMs - atMs} ms early`]
  })
}

function groups(witness: Of): string[] {
  const ttls = new Map(witness.of('EventGroupCollectorCreate').map(({ data }) => [data.id, (data.ttl ?? 0) * MS_PER_S]))
  const ends = [...witness.of('EventGroupCollectorSuccess'), ...witness.of('EventGroupCollectorFailure')]
  return ends.flatMap(({ data: { id, endedBy, created, resolved } }) => {
    const tookMs = Date.parse(resolved) - Date.parse(created)
    const ttlMs = ttls.get(id) ?? 0
    return endedBy === 'timeout' && tookMs < ttlMs ? [`group ${id} ended ${ttlMs - tookMs} ms early`] : []
  })
}

function calls(witness: Of): string[] {
  const deadlines = new Map<string, number>()
  for (const { data } of witness.of('FLOW_CALLED'))
    deadlines.set(keyOf(data.callId, data.attempt), Date.parse(data.deadline))
  return witness.of('FLOW_CALL_TIMED_OUT').flatMap(({ data: { callId, attempt }, meta: { atMs = 0 } }) => {
    const deadlineMs = deadlines.get(keyOf(callId, attempt)) ?? 0
    return atMs < deadlineMs ? [`the call ${callId} was given up ${deadlineMs - atMs} ms early`] : []
  })
}

const idleFlows = (witness: Of) =>
  new Set(witness.of('FLOW_REQUESTED').flatMap(({ data }) => (data.error === 'hub' ? [data.flowId] : [])))

/** Where the hub does nothing, only the deadline ends a flow. */
function flows(witness: Of): string[] {
  const idle = idleFlows(witness)
  return witness
    .of('FLOW_FAILED')
    .flatMap(({ data: { flowId, kind, durationMs } }) =>
      idle.has(flowId) && kind === 'hub-timeout' && durationMs < FLOW_DEADLINE_MS
        ? [`the flow ${flowId} ended ${FLOW_DEADLINE_MS - durationMs} ms early`]
        : [],
    )
}

/** Another attempt at an activity is asked for after the one before failed, or after its deadline. */
function activities(witness: Of): string[] {
  const requests = witness.of('ACTIVITY_REQUESTED')
  const over = new Map<string, number>()
  for (const { data } of requests) earliest(over, keyOf(data.callId, data.attempt), Date.parse(data.deadline))
  for (const type of ['ACTIVITY_FAILED', 'ACTIVITY_SUCCEEDED'] as const)
    for (const { data, meta } of witness.eachOf(type)) earliest(over, keyOf(data.callId, data.attempt), meta.atMs ?? 0)
  return requests.flatMap(({ data: { callId, attempt }, meta: { atMs = 0 } }) => {
    const overMs = over.get(keyOf(callId, attempt - 1)) ?? 0
    return attempt > 1 && atMs < overMs
      ? [`attempt ${attempt} at ${callId} was asked for ${overMs - atMs} ms early`]
      : []
  })
}
