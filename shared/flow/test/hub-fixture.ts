import { z } from 'zod'
import type { Event, Meta } from '../../bus/envelope.ts'
import type { Body, Json } from '../../events.ts'
import type { Decision, Input, Kind, Sent } from '../decision.ts'
import type { Failure, HubContract } from '../hub.ts'
import { hubKind } from '../hub-kind.ts'
import type { HubState } from '../hub-state.ts'

/** A small contract, and a hand that carries its decisions out as the kernel does: stored as JSON, with a table of timers. */

export const START_MS = Date.parse('2030-01-01T00:00:00Z')
export const DEADLINE_MS = 15_000
export const POLICY = { timeoutMs: 2_000, retries: 2, backoffMs: 200 }
/** As long as a call can take: three attempts, two backoffs. */
export const CALL_MS = 3 * POLICY.timeoutMs + 2 * POLICY.backoffMs

const own = z.object({
  of: z.int(),
  /** How often each call ended, in words. */
  ends: z.record(z.string(), z.string()),
  progress: z.array(z.string()),
  tolerant: z.boolean(),
})
export type Own = z.infer<typeof own>
export type Flow = HubContract<'FLOW_REQUESTED', 'FLOW_CALL_ANSWERED', Own>

/** Says of any contract for the same request how it failed. */
export const failed = (end: Failure<'FLOW_REQUESTED', unknown>): Body<'FLOW_FAILED'> => {
  const { conversationId, durationMs, request, kind, error, callId, undone, notUndone } = end
  return {
    type: 'FLOW_FAILED',
    flowId: conversationId,
    ...{ length: request.length, mode: 'parallel', durationMs, kind, error, callId },
    ...{ undone: [...undone], notUndone: [...notUndone] },
  }
}

/**
 * As many installs as the request has length, each with an undo; then one check, without; then the reply. It fails with the first call
 * that fails, unless the request's key says `tolerant`. With `error: 'hub'` it does nothing.
 */
export const flow = {
  kind: 'flow',
  request: 'FLOW_REQUESTED',
  answer: 'FLOW_CALL_ANSWERED',
  keyOf: ({ flowId }) => flowId,
  requestKeyOf: ({ requestKey, length, mode }) => requestKey ?? `${length} ${mode}`,
  state: own,
  deadlineMs: DEADLINE_MS,
  call: POLICY,
  onRequest: ({ length, error, requestKey }, hub) => {
    if (error !== 'hub')
      for (let i = 1; i <= length; i++) hub.call('install', { i }, { undo: { name: 'uninstall', input: { i } } })
    return { of: length, ends: {}, progress: [], tolerant: requestKey === 'tolerant' }
  },
  onAnswer: (state, { callId, complete, status, error, attempt }, hub) => {
    if (!complete) return { ...state, progress: [...state.progress, `${callId} ${attempt}`] }
    if (state.ends[callId]) throw new Error(`${callId} ended twice`)
    const ends = {
      ...state.ends,
      [callId]: status < 400 ? 'answer' : error === 'OPERATION_TIMED_OUT' ? 'timeout' : 'error',
    }
    if (status >= 400 && !state.tolerant) hub.fail(`${callId}: ${error}`, { callId })
    else if (Object.keys(ends).length === state.of) hub.call('check', null)
    else if (Object.keys(ends).length > state.of) hub.reply(Object.values(ends))
    return { ...state, ends }
  },
  says: {
    called: ({ conversationId, deadlineMs, ...call }) => ({
      type: 'FLOW_CALLED',
      flowId: conversationId,
      deadline: new Date(deadlineMs).toISOString(),
      ...call,
    }),
    timedOut: ({ callId, conversationId, name, attempt, input }) => ({
      type: 'FLOW_CALL_TIMED_OUT',
      flowId: conversationId,
      ...{ callId, name, attempt, input },
    }),
    replied: ({ conversationId, durationMs, output, state }) => ({
      type: 'FLOW_SUCCEEDED',
      flowId: conversationId,
      ...{ length: state.of, mode: 'parallel', durationMs, output },
    }),
    failed,
    refused: (flowId, error) => ({ type: 'FLOW_REFUSED', flowId, error }),
  },
} satisfies Flow

const meta: Meta = {
  id: '018e0000-0000-7000-8000-000000000000',
  key: 'flows.requested',
  correlationId: 'c',
  causationId: undefined,
  tenant: undefined,
  attempt: 1,
  atMs: START_MS,
  traceparent: undefined,
  replyTo: undefined,
  callAttempt: undefined,
  waits: 0,
  released: [],
  replay: undefined,
}

export type AnswerFields = Partial<Omit<Body<'FLOW_CALL_ANSWERED'>, 'type'>>
export type RequestFields = Partial<Omit<Body<'FLOW_REQUESTED'>, 'type'>>

export const requested = (fields: RequestFields = {}, envelope: Partial<Meta> = {}): Event => ({
  type: 'FLOW_REQUESTED',
  data: { type: 'FLOW_REQUESTED', flowId: 'f', length: 2, mode: 'parallel', ...fields },
  meta: { ...meta, ...envelope },
})

/** An answer to call `n` of the conversation `f`: well and complete, unless the fields say otherwise. */
export const answered = (n: number, fields: AnswerFields = {}, envelope: Partial<Meta> = {}): Event => ({
  type: 'FLOW_CALL_ANSWERED',
  data: { type: 'FLOW_CALL_ANSWERED', callId: `f.${n}`, status: 200, complete: true, ...fields },
  meta: { ...meta, key: 'flows.answered', ...envelope },
})

/** JSON of so many levels. */
export const nested = (levels: number): Json => (levels === 0 ? 1 : [nested(levels - 1)])

type Line = readonly [type: string, detail: string]

/** One conversation in the hands of a kernel. */
export class Talk {
  nowMs = START_MS
  readonly timers = new Map<string, number>()
  readonly sent: Sent[] = []
  readonly history: string[] = []
  status = 'absent'
  /** How often the conversation ended. */
  ends = 0
  readonly kind: Kind<HubState>
  #stored: string | undefined

  /** `kind` is for contracts that keep something else than this one. */
  constructor(contract: Partial<Flow> = {}, kind: Kind<HubState> = hubKind({ ...flow, ...contract })) {
    this.kind = kind
  }

  /** As it is read after a restart. It cannot be changed: a decision that tries throws. */
  get state(): HubState {
    if (this.#stored === undefined) throw new Error('the conversation has not begun')
    return frozen(this.kind.state.parse(JSON.parse(this.#stored)))
  }

  /** What the contract keeps. */
  get own(): Own {
    return own.parse(this.state.own)
  }

  get view(): Readonly<Record<string, unknown>> {
    return this.kind.view(this.state, this.nowMs)
  }

  take(input: Input | Event): Decision<HubState> {
    const before = this.#stored === undefined ? undefined : this.state
    const decision = this.kind.decide(before, 'type' in input ? { event: input } : input, this.nowMs)
    if (decision.kind !== 'early') this.sent.push(...(decision.sent ?? []))
    if (decision.kind !== 'change') return decision
    this.#stored = JSON.stringify(decision.state)
    this.status = decision.status
    this.history.push(...decision.history.map(({ what }) => what))
    for (const change of decision.timers) {
      if ('arm' in change) this.timers.set(change.arm, change.dueMs)
      else this.timers.delete(change.cancel)
    }
    if (decision.ended) {
      this.ends++
      this.timers.clear()
    }
    return decision
  }

  /** Puts another state of the contract's in the store, as one of another version would have left it. */
  replaceOwn(other: unknown): void {
    this.#stored = JSON.stringify({ ...this.state, own: other })
  }

  /** Fires a timer that is in the table. */
  fire(name: string): Decision<HubState> {
    const dueMs = this.timers.get(name)
    if (dueMs === undefined) throw new Error(`${name} is not armed`)
    this.timers.delete(name)
    return this.take({ timer: name, dueMs })
  }

  /** Lets time pass. What is due together is taken together, as the kernel does, even if one cancels the other. */
  wait(ms: number): void {
    const untilMs = this.nowMs + ms
    for (;;) {
      const nextMs = Math.min(...this.timers.values())
      if (nextMs > untilMs) break
      this.nowMs = Math.max(this.nowMs, nextMs)
      const due = [...this.timers].filter(([, dueMs]) => dueMs <= this.nowMs)
      for (const [name] of due) this.timers.delete(name)
      for (const [timer, dueMs] of due) this.take({ timer, dueMs })
    }
    this.nowMs = untilMs
  }

  /** What was sent since the last time, in short: type, and of calls the id and attempt. */
  takeSent(): Line[] {
    return this.sent.splice(0).map(shortOf)
  }
}

function shortOf(sent: Sent): Line {
  if (!('body' in sent)) return [sent.topic, 'verbatim']
  const { body } = sent
  const to = 'to' in sent ? ` to ${sent.to.replyTo}` : ''
  if ('name' in body && 'attempt' in body) return [body.type, `${body.name} ${body.callId} #${body.attempt}${to}`]
  if (body.type === 'FLOW_FAILED') return [body.type, `${body.kind}: ${body.error}${to}`]
  return [body.type, to.trim()]
}

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(frozen)
  return value
}

/** The failure among what was sent. */
export function failureIn(sent: readonly Sent[]): Body<'FLOW_FAILED'> {
  for (const one of sent) if ('body' in one && one.body.type === 'FLOW_FAILED') return one.body
  throw new Error('no FLOW_FAILED was sent')
}
