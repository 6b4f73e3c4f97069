import { z } from 'zod'
import type { Json } from '../../shared/events.ts'
import { requestKeyOf } from '../../shared/flow/flow-request.ts'
import type { Answer, CallMessage, CallPolicy, HubActions, HubContract } from '../../shared/flow/hub.ts'

const steps = ['install', 'validate'] as const
type Step = (typeof steps)[number]

const input = z.object({ item: z.int().min(1) })
const items = z.array(z.int())
const state = z.object({
  length: z.int(),
  mode: z.enum(['parallel', 'sequential']),
  /** Who is not to answer the last install. */
  fault: z.enum(['worker', 'backend']).optional(),
  /** Items, from 1, for which the step is done, in that order. */
  install: items,
  validate: items,
})
type State = z.infer<typeof state>

/** Below, a call succeeded. */
const FAILED_STATUS_MIN = 400
/** As the catalogue has it. */
const ERROR_CHARS_MAX = 2_048

/**
 * The example flow: installs `length` items, then validates them, all at once or one after another, then replies. When one fails, those
 * installed are uninstalled. The three faults of a request show what becomes of a hub, a worker or a backend that does nothing.
 */
export const flowCrud = (limits: {
  readonly deadlineMs: number
  readonly call: CallPolicy
}): HubContract<'FLOW_REQUESTED', 'FLOW_CALL_ANSWERED', State> => ({
  ...limits,
  kind: 'flow',
  request: 'FLOW_REQUESTED',
  answer: 'FLOW_CALL_ANSWERED',
  keyOf: ({ flowId }) => flowId,
  requestKeyOf,
  state,
  onRequest({ length, mode, error }, hub) {
    if (error === 'hub') return { length, mode, install: [], validate: [] }
    const begun = { length, mode, fault: error, install: [], validate: [] }
    begin('install', begun, hub)
    return begun
  },
  onAnswer(before, answer, hub) {
    if (!answer.complete) return before
    if (answer.status < FAILED_STATUS_MIN) return proceed(before, answer, hub)
    hub.fail(answer.error ?? `${answer.name} was answered with status ${answer.status}`, { callId: answer.callId })
    return before
  },
  says,
})

/** Notes what is done, and does what comes next. */
function proceed(before: State, { name, input: asked }: Answer, hub: HubActions): State {
  const step = z.enum(steps).parse(name)
  const done = [...before[step], input.parse(asked).item]
  const after = { ...before, [step]: done }
  if (done.length < after.length) {
    if (after.mode === 'sequential') call(step, done.length + 1, after, hub)
  } else if (step === 'install') begin('validate', after, hub)
  else hub.reply({ installed: inOrder(after.install), validated: inOrder(after.validate) })
  return after
}

function begin(step: Step, flow: State, hub: HubActions): void {
  const count = flow.mode === 'parallel' ? flow.length : 1
  for (let item = 1; item <= count; item++) call(step, item, flow, hub)
}

function call(step: Step, item: number, { length, fault }: State, hub: HubActions): void {
  if (step === 'validate') hub.call(step, { item })
  else {
    const undo = { name: 'uninstall', input: { item } }
    hub.call(step, fault && item === length ? { item, fault } : { item }, { undo })
  }
}

/** Answers come in any order. */
const inOrder = (done: readonly number[]): Json => done.toSorted((a, b) => a - b)

const says: HubContract<'FLOW_REQUESTED', 'FLOW_CALL_ANSWERED', State>['says'] = {
  called: (call) => ({ type: 'FLOW_CALLED', ...named(call), deadline: new Date(call.deadlineMs).toISOString() }),
  timedOut: (call) => ({ type: 'FLOW_CALL_TIMED_OUT', ...named(call) }),
  replied: ({ conversationId, state: { length, mode }, durationMs, output }) => ({
    type: 'FLOW_SUCCEEDED',
    flowId: conversationId,
    length,
    mode,
    durationMs,
    output,
  }),
  failed: ({ conversationId, request: { length, mode }, durationMs, kind, error, callId, undone, notUndone }) => ({
    type: 'FLOW_FAILED',
    flowId: conversationId,
    length,
    mode,
    durationMs,
    kind,
    error: error.slice(0, ERROR_CHARS_MAX),
    callId,
    undone: [...undone],
    notUndone: [...notUndone],
  }),
  refused: (flowId, reason) => ({ type: 'FLOW_REFUSED', flowId, error: reason.slice(0, ERROR_CHARS_MAX) }),
}

const named = ({ callId, conversationId: flowId, name, input: given, attempt }: CallMessage) => ({
  callId,
  flowId,
  name,
  input: given,
  attempt,
})
