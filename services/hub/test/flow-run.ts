import type { Event } from '../../../shared/bus/envelope.ts'
import type { Body } from '../../../shared/events.ts'
import type { TimerChange } from '../../../shared/flow/decision.ts'
import { hubKind } from '../../../shared/flow/hub-kind.ts'
import { answered, type CallAnswer } from '../../../shared/flow/worker.ts'
import { flowCrud } from '../flow-crud.ts'

/** As the contract has it. */
export const limits = { deadlineMs: 15_000, call: { timeoutMs: 2_000, retries: 2, backoffMs: 200 } }
const START_MS = Date.parse('2026-01-01T00:00:00.000Z')

type Call = Body<'FLOW_CALLED'>
/** Gives the answer to a call; undefined when there is none. */
type Working = (call: Call) => CallAnswer | undefined
type Choose = (waiting: readonly CallAnswer[]) => number

/** How a flow went, told by what it sent. */
export type Story = {
  /** Calls in the order in which they were made, such as `install 1`, each attempt. */
  readonly calls: readonly string[]
  readonly timedOut: readonly string[]
  /** Calls that waited for an answer at the same time, at most. */
  readonly together: number
  readonly replies: readonly Body[]
  readonly endedAfterMs: number
}

const succeeding: Working = (call) => answered(call, call.input)
const oldestFirst: Choose = () => 0

/** Plays a flow to its end against a worker: answers come one by one, and time passes only when there is none. */
export function runFlow(
  request: Partial<Body<'FLOW_REQUESTED'>>,
  work: Working = succeeding,
  choose: Choose = oldestFirst,
): Story {
  const kind = hubKind(flowCrud(limits))
  const timers = new Map<string, number>()
  const waiting: CallAnswer[] = []
  const story = { calls: [] as string[], timedOut: [] as string[], together: 0, replies: [] as Body[] }
  let state: ReturnType<typeof kind.state.parse> | undefined
  let nowMs = START_MS
  let ended = false

  const hear = (body: Body) => {
    if (body.type === 'FLOW_CALLED') {
      story.calls.push(nameOf(body))
      const answer = work(body)
      if (answer) waiting.push(answer)
      story.together = Math.max(story.together, waiting.length)
    } else if (body.type === 'FLOW_CALL_TIMED_OUT') story.timedOut.push(nameOf(body))
    else story.replies.push(body)
  }
  const decide = (input: Parameters<typeof kind.decide>[1]) => {
    const decision = kind.decide(state, input, nowMs)
    if (decision.kind !== 'change') return
    // Through JSON, as the store does: nothing may hide in an object.
    state = kind.state.parse(JSON.parse(JSON.stringify(decision.state)))
    ended = decision.ended
    for (const change of decision.timers) apply(timers, change)
    for (const sent of decision.sent) if ('body' in sent) hear(sent.body)
  }

  decide({ event: eventOf({ type: 'FLOW_REQUESTED', flowId: 'f1', length: 1, mode: 'parallel', ...request }) })
  while (!ended) {
    const [answer] = waiting.splice(choose(waiting), 1)
    if (answer) decide({ event: eventOf(answer) })
    else {
      const [next] = [...timers].toSorted(([, a], [, b]) => a - b)
      if (!next) throw new Error(`The flow waits for nothing and has not ended: ${JSON.stringify(story)}`)
      const [timer, dueMs] = next
      timers.delete(timer)
      nowMs = dueMs
      decide({ timer, dueMs })
    }
  }
  return { ...story, endedAfterMs: nowMs - START_MS }
}

const apply = (timers: Map<string, number>, change: TimerChange) =>
  'arm' in change ? timers.set(change.arm, change.dueMs) : timers.delete(change.cancel)

export const itemOf = ({ input }: { readonly input: Call['input'] }) =>
  typeof input === 'object' && input !== null && 'item' in input ? input.item : undefined

const nameOf = (call: Pick<Call, 'name' | 'input'>) => `${call.name} ${itemOf(call)}`

const meta: Event['meta'] = {
  id: 'm1',
  key: 'flows',
  correlationId: 'f1',
  causationId: undefined,
  tenant: undefined,
  attempt: 1,
  atMs: undefined,
  traceparent: undefined,
  replyTo: undefined,
  callAttempt: undefined,
  waits: 0,
  released: [],
  replay: undefined,
}
const eventOf = (data: Body<'FLOW_REQUESTED'> | Body<'FLOW_CALL_ANSWERED'>): Event =>
  data.type === 'FLOW_REQUESTED' ? { type: data.type, data, meta } : { type: data.type, data, meta }
