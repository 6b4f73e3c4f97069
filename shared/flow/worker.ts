import { inspect } from 'node:util'
import type { HandlerContext, Handlers } from '../bus/consumer.ts'
import { Unrecoverable } from '../bus/retry.ts'
import type { Clock } from '../clock.ts'
import type { Body, Json } from '../events.ts'

/**
 * The worker's contract: what a user of the platform writes to be called by a hub. A worker keeps nothing between messages, so any
 * number of replicas share its queue, and it need not know of deadlines or attempts: the hub counts and times them.
 */

/** A call as a worker gets it. The same call comes again, with the next attempt, when the hub did not get an answer in time. */
export type Call = Omit<Body<'FLOW_CALLED'>, 'type'>
/** What a backend, which answers in its own time, has come to. */
export type BackendAnswer = Omit<Body<'FLOW_BACKEND_ANSWERED'>, 'type'>
/** An attempt that the hub no longer waits for. */
export type TimedOutCall = Omit<Body<'FLOW_CALL_TIMED_OUT'>, 'type'>
export type CallAnswer = Body<'FLOW_CALL_ANSWERED'>

/**
 * What follows from a call: answers, and requests to backends. A generator's are published one by one as they are yielded. Nothing
 * means that the answer is deferred: whoever knows the call id gives it by publishing FLOW_CALL_ANSWERED.
 */
export type Given = Body | Iterable<Body> | undefined
export type WorkerFollows = Given | Promise<Given> | AsyncIterable<Body>

/** A stateless worker. What `onCall` and `onBackendAnswer` throw becomes an error answer: Unrecoverable 400, anything else 500. */
export type Worker = {
  readonly onCall: (call: Call, context: HandlerContext) => WorkerFollows
  /** Missing: a backend's answer is a mistake and goes to the dead queue. */
  readonly onBackendAnswer?: (answer: BackendAnswer, context: HandlerContext) => WorkerFollows
  /** Tidies up. What it throws fails the message, which is tried again: there is nobody to answer. Missing: nothing to tidy up. */
  readonly onTimeout?: (call: TimedOutCall, context: HandlerContext) => WorkerFollows
}

/** What an answer is for. Without an attempt it counts for the one that the hub waits for now. */
export type CallId = Pick<CallAnswer, 'callId' | 'flowId' | 'attempt'>

/** The call succeeded. */
export const answered = (call: CallId, output?: Json): CallAnswer =>
  answerTo(call, { status: SUCCEEDED_STATUS, output, complete: true })

/** A sign of progress; the call goes on, and so does its deadline. */
export const progressed = (call: CallId, output?: Json): CallAnswer =>
  answerTo(call, { status: SUCCEEDED_STATUS, output, complete: false })

/** The call failed: with a status of the 400 family for good, of the 500 family so that another attempt may succeed. */
export const failed = (call: CallId, { status, error }: { status: number; error: string }): CallAnswer =>
  answerTo(call, { status, error: error.slice(0, ERROR_CHARS_MAX), complete: true })

/** Field by field: a call has more of them than its answer may echo. */
const answerTo = (
  { callId, flowId, attempt }: CallId,
  outcome: Pick<CallAnswer, 'status' | 'output' | 'error' | 'complete'>,
): CallAnswer => ({ type: 'FLOW_CALL_ANSWERED', callId, flowId, attempt, ...outcome })

const SUCCEEDED_STATUS = 200
const REFUSED_STATUS = 400
const FAILED_STATUS = 500
/** As the catalogue has it. */
const ERROR_CHARS_MAX = 2_048

/** The handlers of a worker, for `subscribe`. */
export const workerHandlers = (worker: Worker, clock: Clock): Handlers => ({
  FLOW_CALLED: onCalled((call, context) => worker.onCall(call, context), clock),
  FLOW_CALL_TIMED_OUT: ({ data }, context) => given(worker.onTimeout?.(data, context)),
  ...(worker.onBackendAnswer && {
    FLOW_BACKEND_ANSWERED: ({ data }, context) =>
      carriedOut(data, () => worker.onBackendAnswer?.(data, context), context),
  }),
})

/**
 * The handler of calls alone, for a flow with events of its own, whose bodies have the fields of FLOW_CALLED and FLOW_CALL_ANSWERED:
 * `{ INSTALL_CALLED: onCalled(install, clock, (answer) => ({ ...answer, type: 'INSTALL_ANSWERED' })) }`. `as` is for the error
 * answers; the others are what the worker says they are.
 */
export function onCalled(work: Worker['onCall'], clock: Clock, as: (answer: CallAnswer) => Body = (answer) => answer) {
  return ({ data: call }: { readonly data: Call }, context: HandlerContext): AsyncIterable<Body> | readonly Body[] => {
    return isGivenUp(call, clock, context) ? [] : carriedOut(call, () => work(call, context), context, as)
  }
}

/** Clocks of two machines may differ by this much; by more, and somebody has to know. */
export const CLOCKS_APART_MS_MAX = 30_000

/**
 * Whether the hub, which set the deadline by its clock, has certainly given an attempt up, so that it would ignore the answer. While
 * that may be a matter of two clocks, the work is done: in vain costs less than never. Says so in the log.
 */
export function isGivenUp(
  { callId, attempt, deadline }: Pick<Call, 'callId' | 'attempt' | 'deadline'>,
  clock: Clock,
  { log }: Pick<HandlerContext, 'log'>,
): boolean {
  const overdueMs = clock.now() - Date.parse(deadline)
  if (overdueMs <= CLOCKS_APART_MS_MAX) return false
  const about = { callId, callAttempt: attempt, deadline, overdueMs }
  log.warn(about, 'a call came long after its deadline and was not begun: the queue is far behind, or a clock is wrong')
  return true
}

/** What the work gives as it gives it; an error that it throws is answered, and the message is done. */
async function* carriedOut(
  call: CallId,
  work: () => WorkerFollows,
  { log }: HandlerContext,
  as: (answer: CallAnswer) => Body = (answer) => answer,
): AsyncGenerator<Body> {
  try {
    yield* given(work())
  } catch (error) {
    const status = error instanceof Unrecoverable ? REFUSED_STATUS : FAILED_STATUS
    log.warn({ err: error, callId: call.callId, callAttempt: call.attempt, status }, 'a call failed; the hub is told')
    yield as(failed(call, { status, error: messageOf(error) }))
  }
}

async function* given(follows: WorkerFollows): AsyncGenerator<Body> {
  if (follows && Symbol.asyncIterator in follows) return yield* follows
  const bodies = await follows
  if (bodies && Symbol.iterator in bodies) yield* bodies
  else if (bodies) yield bodies
}

/** What was thrown, as text. Never throws, whatever it was. */
export const messageOf = (error: unknown) =>
  error instanceof Error ? error.message || error.name : typeof error === 'string' ? error : inspect(error)
