import { z } from 'zod'
import type { Mistake } from './errors.ts'
import { decimal, oneOf, wholeNumber } from './settings.ts'

/** How a queue's failed messages are tried again, as configured; the bus turns it into a policy. */
export type RetrySettings = {
  readonly policy: 'never' | 'immediate' | 'linear' | 'exponential'
  /** Attempts after the first one; negative = for ever. */
  readonly retries: number
  readonly minMs: number
  readonly maxMs: number
  /** Growth of an exponential delay from one attempt to the next. */
  readonly factor: number
}

const HOUR_MS = 3_600_000
/** The delay ladder's range; a longer delay is better served by replaying the dead letter. */
const DELAY_MS_MAX = 30 * 24 * HOUR_MS

const schemas = {
  POLICY: oneOf('never', 'immediate', 'linear', 'exponential').default('linear'),
  RETRIES: wholeNumber({ min: -1_000_000, max: 1_000_000 }).default(25),
  MIN_MS: wholeNumber({ min: 0, max: DELAY_MS_MAX }).default(1_000),
  MAX_MS: wholeNumber({ min: 0, max: DELAY_MS_MAX }).default(HOUR_MS),
  FACTOR: decimal({ min: 1, max: 1_000 }).default(2),
}
const raw = z.object(schemas)
const names = Object.keys(schemas)

/** `process_consume` -> `PROCESS_CONSUME`, `activity.charge` -> `ACTIVITY_CHARGE`. */
export const queueWord = (queue: string) => queue.toUpperCase().replace(/[^A-Z0-9]/g, '_')

/** Every variable that `retryEnv` looks at for these queues. */
export const retryVariables = (queues: readonly string[]) => [
  ...names.map((name) => `EBS_RETRY_${name}`),
  ...queues.flatMap((queue) => names.map((name) => `EBS_RETRY_${queueWord(queue)}_${name}`)),
]

/**
 * Reads the retry settings of each queue: `EBS_RETRY_<QUEUE>_<NAME>`, else `EBS_RETRY_<NAME>`, else the default.
 * Mistakes are given back, each once, instead of thrown, so that they are listed with all others.
 */
export function retryEnv<Q extends string>(queues: readonly Q[], env: Readonly<Record<string, string | undefined>>) {
  const settings = new Map<Q, RetrySettings>()
  const mistakes = new Map<string, Mistake>()
  for (const queue of queues) {
    const variableOf = (name: string) => {
      const own = `EBS_RETRY_${queueWord(queue)}_${name}`
      return env[own] === undefined ? `EBS_RETRY_${name}` : own
    }
    const report = (name: string, accepted: string) =>
      mistakes.set(variableOf(name), { variable: variableOf(name), given: env[variableOf(name)], accepted })
    const parsed = raw.safeParse(Object.fromEntries(names.map((name) => [name, env[variableOf(name)]])))
    if (!parsed.success) {
      for (const issue of parsed.error.issues) report(String(issue.path[0]), issue.message)
      continue
    }
    const { POLICY: policy, RETRIES: retries, MIN_MS: minMs, MAX_MS: maxMs, FACTOR: factor } = parsed.data
    if (minMs > maxMs) report('MAX_MS', `at least ${minMs}, which is what ${variableOf('MIN_MS')} says`)
    settings.set(queue, { policy, retries, minMs, maxMs, factor })
  }
  return { settings, mistakes: [...mistakes.values()] }
}
