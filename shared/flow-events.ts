import { z } from 'zod'

/** The rows of the catalogue that the hub-and-spoke example flow is made of: its request, its calls and their answers, its one reply. */

const id = z
  .string()
  .min(1)
  .max(128)
  .refine((text) => !/\p{Surrogate}/u.test(text), 'half a surrogate pair is no text')
const millis = z.number().nonnegative()
const text = (max: number) => z.string().max(max)

const flow = {
  flowId: id,
  length: z.int().min(1).max(100),
  mode: z.enum(['parallel', 'sequential']).default('parallel'),
}
/** `callId` names the call, `attempt` counts from 1; an answer counts only for the attempt it names. */
const call = { callId: text(255).min(1), flowId: id, name: text(64).min(1), attempt: z.int().min(1) }
/** HTTP's families: 200 succeeded, 400 never will, 500 may at another time. */
const status = z.int().min(200).max(599)

export const flowEvents = {
  FLOW_REQUESTED: {
    key: 'flows.requested',
    about: ['flow', 'flowId'],
    meaning: 'Starts the example flow: `length` installs, then as many validations, then one reply.',
    body: z.object({
      ...flow,
      /** Where it is to go wrong: the hub does nothing, the worker does not answer, its backend does not answer. */
      error: z.enum(['hub', 'worker', 'backend']).optional(),
      /** Tells a repeated request from another one with the same id; missing: the same parameters are the same request. */
      requestKey: text(255).min(1).optional(),
    }),
  },
  FLOW_SUCCEEDED: {
    key: 'flows.succeeded',
    about: ['flow', 'flowId'],
    meaning: 'The one reply of a flow in which everything went well.',
    body: z.object({ ...flow, durationMs: millis, output: z.json().optional() }),
  },
  FLOW_FAILED: {
    key: 'flows.failed',
    about: ['flow', 'flowId'],
    meaning: 'The one reply of a flow that went wrong; what had succeeded is undone, or named in `notUndone`.',
    body: z.object({
      ...flow,
      durationMs: millis,
      kind: z.enum(['worker-error', 'hub-timeout', 'cancelled']),
      error: text(2_048),
      callId: text(255).optional(),
      undone: z.array(text(255)),
      notUndone: z.array(text(255)),
    }),
  },
  FLOW_REFUSED: {
    key: 'flows.refused',
    about: ['flow', 'flowId'],
    meaning: 'A request with the id of another flow: that one goes on, this one was not started.',
    body: z.object({ flowId: id, error: text(2_048) }),
  },
  FLOW_CALLED: {
    key: 'flow-worker',
    about: ['flow', 'flowId'],
    meaning: 'The hub calls a worker and waits for its answer until `deadline`.',
    body: z.object({ ...call, input: z.json(), deadline: z.iso.datetime() }),
  },
  FLOW_CALL_TIMED_OUT: {
    key: 'flow-worker',
    about: ['flow', 'flowId'],
    meaning: 'The hub no longer waits for this attempt at a call: the worker may tidy up.',
    body: z.object({ ...call, input: z.json() }),
  },
  FLOW_CALL_ANSWERED: {
    key: 'flows.answered',
    about: ['flow', 'flowId'],
    meaning: 'An answer to a call; with `complete: false` a sign of progress, and the call goes on.',
    body: z.object({
      callId: text(255).min(1),
      /** Checked when it is there: an answer for a call of another flow counts for nothing. */
      flowId: id.optional(),
      attempt: z.int().min(1).optional(),
      status,
      output: z.json().optional(),
      error: text(2_048).optional(),
      complete: z.boolean().default(true),
    }),
  },
  FLOW_BACKEND_REQUESTED: {
    key: 'flow-backend',
    about: ['flow', 'flowId'],
    meaning: "The worker hands a call to the example's simulated backend, which answers in its own time.",
    body: z.object({ ...call, input: z.json(), deadline: z.iso.datetime() }),
  },
  FLOW_BACKEND_ANSWERED: {
    key: 'flow-worker',
    about: ['flow', 'flowId'],
    meaning: 'The simulated backend is done with a call.',
    body: z.object({ ...call, status, output: z.json().optional(), error: text(2_048).optional() }),
  },
} as const
