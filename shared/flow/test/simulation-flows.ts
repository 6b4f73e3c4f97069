import type { Event } from '../../bus/envelope.ts'
import type { Body } from '../../events.ts'
import { DEADLINE_MS, POLICY } from './hub-fixture.ts'

/** What flows may do, step by step, from what the hub took and sent in which order. */

type Call = { attempt: number; state: 'waiting' | 'backoff' | 'done' | 'failed'; sinceMs: number }

export type FlowRecord = {
  readonly isTolerant: boolean
  readonly openedMs: number
  readonly calls: Map<string, Call>
  end: { readonly atMs: number; readonly isTimeout: boolean } | undefined
}

/** Something that had to happen at a time, and the time when it did. */
export type Due = { readonly what: string; readonly dueMs: number; readonly atMs: number }

export class FlowModel {
  readonly flows = new Map<string, FlowRecord>()
  readonly faults: string[] = []
  readonly dues: Due[] = []

  /** An event that the hub took. */
  take({ data, meta }: Event, atMs: number): void {
    if (data.type === 'FLOW_REQUESTED' && !this.flows.has(data.flowId)) {
      const isTolerant = data.requestKey === 'tolerant'
      this.flows.set(data.flowId, { isTolerant, openedMs: atMs, calls: new Map(), end: undefined })
    }
    if (data.type !== 'FLOW_CALL_ANSWERED' || !data.complete) return
    const call = this.flows.get(flowOf(data.callId))?.calls.get(data.callId)
    const attempt = data.attempt ?? meta.callAttempt ?? call?.attempt
    if (call?.state === 'waiting' && call.attempt === attempt) this.#endAttempt(call, data.status, atMs)
  }

  /** A body that the hub sent. */
  send(body: Body, atMs: number): void {
    switch (body.type) {
      case 'FLOW_CALLED':
        this.#called(body, atMs)
        break
      case 'FLOW_CALL_TIMED_OUT':
        this.#timedOut(body, atMs)
        break
      case 'FLOW_SUCCEEDED':
      case 'FLOW_FAILED':
        this.#ended(body, atMs)
        break
    }
  }

  #endAttempt(call: Call, status: number, atMs: number): void {
    const isOver = status < 500 || call.attempt > POLICY.retries
    call.state = status < 400 ? 'done' : isOver ? 'failed' : 'backoff'
    call.sinceMs = atMs
  }

  #called({ flowId, callId, attempt }: Body<'FLOW_CALLED'>, atMs: number): void {
    const flow = this.#openFlow(flowId, `${callId} was called`)
    const call = flow?.calls.get(callId)
    const isNext = call ? call.state === 'backoff' && attempt === call.attempt + 1 : attempt === 1
    if (!isNext) this.faults.push(`${callId} was called, attempt ${attempt}, out of turn`)
    if (call) this.#due(`attempt ${attempt} of ${callId}`, call.sinceMs + POLICY.backoffMs, atMs)
    flow?.calls.set(callId, { attempt, state: 'waiting', sinceMs: atMs })
  }

  #timedOut({ flowId, callId, attempt }: Body<'FLOW_CALL_TIMED_OUT'>, atMs: number): void {
    const call = this.#openFlow(flowId, `${callId} timed out`)?.calls.get(callId)
    if (call?.state !== 'waiting' || call.attempt !== attempt) {
      this.faults.push(`attempt ${attempt} of ${callId} timed out though nobody waited for it`)
      return
    }
    this.#due(`timeout ${attempt} of ${callId}`, call.sinceMs + POLICY.timeoutMs, atMs)
    this.#endAttempt(call, 504, atMs)
  }

  #ended(body: Body<'FLOW_SUCCEEDED' | 'FLOW_FAILED'>, atMs: number): void {
    const { flowId } = body
    const flow = this.#openFlow(flowId, 'the end came')
    if (!flow) return
    const isTimeout = body.type === 'FLOW_FAILED' && body.kind === 'hub-timeout'
    flow.end = { atMs, isTimeout }
    const states = [...flow.calls.values()].map(({ state }) => state)
    if (isTimeout) this.#due(`deadline of ${flowId}`, flow.openedMs + DEADLINE_MS, atMs)
    else if (body.type === 'FLOW_FAILED') {
      if (flow.isTolerant || !states.includes('failed')) this.faults.push(`${flowId} failed without a reason`)
      for (const id of body.undone)
        if (flow.calls.get(id)?.state !== 'done') this.faults.push(`${id} was undone and had not succeeded`)
    } else if (!states.every((state) => state === 'done' || (flow.isTolerant && state === 'failed')))
      this.faults.push(`${flowId} succeeded with calls that are ${states.join(', ')}`)
  }

  #openFlow(flowId: string, what: string): FlowRecord | undefined {
    const flow = this.flows.get(flowId)
    if (flow && !flow.end) return flow
    this.faults.push(`${what} when ${flowId} was ${flow ? 'over' : 'not there'}`)
    return undefined
  }

  #due(what: string, dueMs: number, atMs: number): void {
    this.dues.push({ what, dueMs, atMs })
  }
}

const flowOf = (callId: string) => callId.slice(0, callId.lastIndexOf('.'))
