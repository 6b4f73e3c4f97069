import type { Logger } from 'pino'
import type { z } from 'zod'
import type { HandlerContext, Handlers } from '../bus/consumer.ts'
import type { Event } from '../bus/envelope.ts'
import { Unrecoverable } from '../bus/retry.ts'
import type { Clock } from '../clock.ts'
import type { Body, Json } from '../events.ts'
import { activityName } from '../journey-events.ts'
import { ERROR_CHARS_MAX, VALUE_BYTES_MAX } from './hub-state.ts'
import { findTooMuch, sizeOf } from './value-size.ts'
import { CLOCKS_APART_MS_MAX, isGivenUp, messageOf } from './worker.ts'

/**
 * The contract of activities: what a user of the platform writes to be a step of journeys. An activity keeps nothing between requests, so
 * any number of processes share its queue, and it need not count attempts: the hub does, and asks again when an answer was lost. So the
 * effect of `run` has to be the same however often it runs with one idempotency key; `remembering.ts` helps those that cannot promise it.
 */

/** What an activity knows besides its input. */
export type ActivityContext = {
  readonly callId: string
  /** The same for every attempt at the same thing: another system does it once. */
  readonly idempotencyKey: string
  /** From 1. */
  readonly attempt: number
  readonly sagaId: string
  readonly tenant: string
  /** W3C trace context, for what is asked of other systems; missing: it belongs to no trace. */
  readonly traceparent?: string | undefined
  /** Somebody who knew what became of the attempts up to this one has had it tried again; missing: nobody has. */
  readonly decidedAfter?: number | undefined
  /** Aborted at the deadline: nobody waits for the answer any more. */
  readonly signal: AbortSignal
  readonly log: Logger
}

/** What `run` gives when somebody else will answer: whoever knows the call id publishes ACTIVITY_SUCCEEDED or ACTIVITY_FAILED. */
export const deferred: unique symbol = Symbol('deferred')

/** An activity as it is served: its input is checked inside, and what it gives is checked already. Throws as `activity` says. */
export type Activity = {
  readonly name: string
  /** Requests at once in one process; missing: what the service is configured with. */
  readonly prefetch?: number | undefined
  readonly run: (input: Json, context: ActivityContext) => Promise<Json | typeof deferred>
}

type Made<I extends z.ZodType, O extends z.ZodType> = {
  readonly name: string
  readonly input: I
  readonly output: O
  readonly prefetch?: number
  readonly run: (input: z.output<I>, context: ActivityContext) => Result<O> | Promise<Result<O>>
}
type Result<O extends z.ZodType> = z.input<O> | typeof deferred

/** The activity failed, with this status: of the 400 family for good, of the 500 family so that another attempt may succeed. */
export class ActivityError extends Error {
  override readonly name: string = 'ActivityError'
  readonly status: number

  /** Throws RangeError when the status is of neither family. */
  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options)
    if (!(status >= REFUSED_STATUS && status <= STATUS_MAX))
      throw new RangeError(`${status} is no status of a failure.`)
    this.status = status
  }
}

/** It was carried out, and what it gave cannot be taken. For good: another attempt would do it again, and give the same. */
export class CarriedOutError extends ActivityError {
  override readonly name = 'CarriedOutError'

  constructor(message: string, options?: ErrorOptions) {
    super(REFUSED_STATUS, message, options)
  }
}

/**
 * An activity out of its name, its schemas and the function that does it. What `run` throws is the failure of the attempt: Unrecoverable is
 * 400 and for good, ActivityError says its status, anything else is 500 and is tried again. An input that is not what the schema says is
 * Unrecoverable, an output CarriedOutError. Throws ZodError when the name is none.
 */
export function activity<I extends z.ZodType, O extends z.ZodType>(made: Made<I, O>): Activity {
  const { input, output, prefetch, run } = made
  const name = activityName.parse(made.name)
  return {
    name,
    prefetch,
    async run(given, context) {
      const result = await run(await checked(input, given, `The input of ${name}`), context)
      if (result === deferred) return deferred
      try {
        return asJson(await checked(output, result, `What ${name} gave`), name)
      } catch (cause) {
        throw new CarriedOutError(`${messageOf(cause)}; it was carried out all the same`, { cause })
      }
    },
  }
}

/** The handlers of an activity, for `subscribe` on its queue. */
export const activityHandlers = (served: Activity, clock: Clock): Handlers => ({
  ACTIVITY_REQUESTED: (event, context) => perform(served, event, { clock, context }),
})

const SUCCEEDED_STATUS = 200
const REFUSED_STATUS = 400
const FAILED_STATUS = 500
const STATUS_MAX = 599
/** Behind the deadline, for work that does not heed its signal: then its place is for others. */
const LINGER_MS_MAX = CLOCKS_APART_MS_MAX
const TENANT_DEFAULT = 'default'

type Surroundings = { readonly clock: Clock; readonly context: HandlerContext }

/** Does what is requested; gives the answer, if there is one. Never rejects: a failure is an answer, too. */
async function perform(
  served: Activity,
  { data, meta }: Event<'ACTIVITY_REQUESTED'>,
  { clock, context }: Surroundings,
): Promise<readonly Body[]> {
  if (isGivenUp(data, clock, context)) return []
  const { callId, attempt, idempotencyKey, sagaId, decidedAfter, deadline } = data
  // Made when it is asked for: most activities log nothing.
  const log = () => context.log.child({ callId, callAttempt: attempt })
  const until = deadlineOf(deadline, clock)
  try {
    if (data.activity !== served.name)
      throw new Unrecoverable(`Here ${served.name} is done, and the request is for ${data.activity}.`)
    const about: ActivityContext = {
      callId,
      idempotencyKey,
      attempt,
      sagaId,
      tenant: meta.tenant ?? TENANT_DEFAULT,
      traceparent: meta.traceparent,
      decidedAfter,
      signal: until.signal,
      get log() {
        return log()
      },
    }
    const output = await Promise.race([served.run(data.input, about), until.left])
    if (output === deferred) return []
    return [{ type: 'ACTIVITY_SUCCEEDED', callId, attempt, status: SUCCEEDED_STATUS, output }]
  } catch (error) {
    if (until.signal.aborted) {
      log().warn({ err: error, deadline }, `${served.name} was not done by its deadline; nobody waits for an answer`)
      return []
    }
    const status = statusOf(error)
    log().warn({ err: error, status }, `${served.name} failed; the hub is told`)
    const text = messageOf(error).slice(0, ERROR_CHARS_MAX)
    const unsure = error instanceof CarriedOutError && { carriedOut: true }
    return [{ type: 'ACTIVITY_FAILED', callId, attempt, status, error: text, ...unsure }]
  } finally {
    until.end()
  }
}

/**
 * The signal that is aborted at the deadline; one that is past by this clock may be to come by the hub's, and gets as long as clocks may
 * differ. `left` rejects some time behind it. What is done in between is still answered: the hub knows what to do with late answers.
 */
function deadlineOf(deadline: string, clock: Clock) {
  const controller = new AbortController()
  const inMs = Date.parse(deadline) - clock.now()
  const waitMs = inMs > 0 ? inMs : inMs + CLOCKS_APART_MS_MAX
  let cancel = () => {}
  const left = new Promise<never>((_, reject) => {
    cancel = clock.after(waitMs, () => {
      controller.abort(new Error(`The deadline, ${deadline}, has passed.`))
      cancel = clock.after(LINGER_MS_MAX, () =>
        reject(new Error(`It did not heed its signal for ${LINGER_MS_MAX} ms and is left alone.`)),
      )
    })
  })
  // Nobody may be waiting when it rejects; Node must not take that for unhandled.
  left.catch(() => undefined)
  return { signal: controller.signal, left, end: () => cancel() }
}

const statusOf = (error: unknown) =>
  error instanceof ActivityError ? error.status : error instanceof Unrecoverable ? REFUSED_STATUS : FAILED_STATUS

async function checked<S extends z.ZodType>(schema: S, value: unknown, what: string): Promise<z.output<S>> {
  const { success, data, error } = await schema.safeParseAsync(value)
  if (success) return data
  const mistakes = error.issues.map(({ path, message }) =>
    path.length > 0 ? `${path.join('.')}: ${message}` : message,
  )
  throw new Unrecoverable(`${what} has mistakes: ${mistakes.join('; ')}`)
}

/** As it will be read by others, within what is kept of a value. Throws Unrecoverable. */
function asJson(value: unknown, name: string): Json {
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch (cause) {
    throw new Unrecoverable(`What ${name} gave is no JSON: ${messageOf(cause)}`, { cause })
  }
  const json: Json = text === undefined ? null : JSON.parse(text)
  const tooMuch = findTooMuch(`What ${name} gave`, sizeOf(json), { bytesMax: VALUE_BYTES_MAX })
  if (tooMuch !== undefined) throw new Unrecoverable(tooMuch)
  return json
}
