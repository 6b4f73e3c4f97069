import { Retryable, Unrecoverable } from '../bus/retry.ts'
import type { Clock } from '../clock.ts'
import type { ActivityMemory, Remembered } from '../store/activity-memory.ts'
import { type Activity, type ActivityContext, ActivityError, CarriedOutError, deferred } from './activity.ts'

export type RememberingOptions = {
  readonly clock: Clock
  /**
   * What becomes of an activity that began before and of which nobody knows whether it was done, because its process was killed, its
   * deadline passed or it failed in a way that says nothing. `again` (the default): it is done again, so its effect may happen twice.
   * `fail`: it fails for good, and a person looks into the other system; when he then has it tried again, it runs.
   */
  readonly whenUnknown?: 'again' | 'fail'
}

const CONFLICT_STATUS = 409
const REFUSED_BELOW_STATUS = 500

/**
 * The same activity for another system that has no idempotency keys: what was done under a key is not done again, its output is given
 * instead. Errors that say that nothing was done are not remembered: Unrecoverable, Retryable, and ActivityError of the 400 family. What was
 * carried out and gave nothing that can be taken (CarriedOutError) fails in the same way until a person has it tried again.
 *
 * Two requests with one key at the same time are one run in this process, as long as it has time. Across processes they are not: the second one finds the first
 * begun and unknown. Choose `fail` for what must not be done twice.
 */
export function remembering(
  activity: Activity,
  memory: ActivityMemory,
  { clock, whenUnknown = 'again' }: RememberingOptions,
): Activity {
  const running = new Map<string, { readonly outcome: ReturnType<Activity['run']>; readonly signal: AbortSignal }>()
  return {
    ...activity,
    async run(input, context) {
      const { idempotencyKey: key, signal } = context
      for (let joined = running.get(key); joined; joined = running.get(key)) {
        try {
          return await joined.outcome
        } catch (error) {
          // It died of its own deadline, and this request has time left.
          if (!joined.signal.aborted || signal.aborted) throw error
        }
      }
      const outcome = once(input, context).finally(() => running.delete(key))
      running.set(key, { outcome, signal })
      return outcome
    },
  }

  async function once(...[input, context]: Parameters<Activity['run']>): ReturnType<Activity['run']> {
    const what = { activity: activity.name, key: context.idempotencyKey }
    const begun = await memory.begin(what, clock.now())
    // Written by `finish`, from JSON.
    if (begun.kind === 'done') return JSON.parse(begun.output)
    if (begun.kind !== 'first') {
      if (!isDecided(begun, context)) {
        if (begun.kind === 'failed') throw new CarriedOutError(begun.error)
        if (whenUnknown === 'fail') {
          await memory.tellUnknown(what, context.attempt)
          throw new ActivityError(CONFLICT_STATUS, unknownText(activity.name, begun.sinceMs))
        }
      }
      await memory.beginAgain(what, clock.now())
    }
    const output = await attempt(what, input, context)
    if (output !== deferred) await memory.finish(what, JSON.stringify(output), clock.now())
    return output
  }

  async function attempt(what: Remembered, ...[input, context]: Parameters<Activity['run']>) {
    try {
      return await activity.run(input, context)
    } catch (error) {
      if (error instanceof CarriedOutError)
        await memory.fail(what, { error: error.message, attempt: context.attempt }, clock.now())
      else if (saysNothingWasDone(error)) await memory.forget(what)
      throw error
    }
  }
}

/** A person decided when its failure had been told. The hub's own retries are nobody's decision. */
const isDecided = ({ toldAttempt }: { toldAttempt: number | undefined }, { decidedAfter = 0 }: ActivityContext) =>
  toldAttempt !== undefined && decidedAfter >= toldAttempt

const saysNothingWasDone = (error: unknown) =>
  error instanceof Unrecoverable ||
  error instanceof Retryable ||
  (error instanceof ActivityError && error.status < REFUSED_BELOW_STATUS)

const unknownText = (name: string, sinceMs: number) =>
  `${name} began at ${new Date(sinceMs).toISOString()}, and nobody knows whether it was done. Look into the other system: ` +
  'if it was, skip the step with its output; if it was not, retry.'
