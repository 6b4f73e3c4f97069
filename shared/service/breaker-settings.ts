import { z } from 'zod'
import type { Mistake } from './errors.ts'
import { queueWord } from './retry-settings.ts'
import { decimal, oneOf, text, wholeNumber } from './settings.ts'

/** When the failures of a queue's messages that have something in common set them aside, as configured. */
export type BreakerSettings = {
  /** Share of the attempts that must have failed, 0 to 1. */
  readonly share: number
  /** Attempts within the window before anything is concluded from them. */
  readonly min: number
  readonly windowMs: number
  /** How often one message is tried while they are set aside. */
  readonly probeMs: number
  /** What they have in common: a CEL expression over the message, and the variable that says it. */
  readonly by: string
  readonly byVariable: string
}

const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000

/** By what follows the prefix. */
const schemas = {
  '': oneOf('on', 'off').default('off'),
  _SHARE: decimal({ min: 0.01, max: 1 }).default(0.5),
  _MIN: wholeNumber({ min: 1, max: 1_000_000 }).default(20),
  _WINDOW_MS: wholeNumber({ min: 100, max: HOUR_MS }).default(60_000),
  // The bounds of a sideline rule's probe.
  _PROBE_MS: wholeNumber({ min: 1_000, max: DAY_MS }).default(30_000),
  _BY: text.default('tenant'),
}
const raw = z.object(schemas)
const endings = Object.keys(schemas)

/** What the platform is run by: one of these would set aside how others are told, and nobody means that by `EBS_BREAKER=on`. */
const isOwn = (queue: string) => queue.startsWith('hub_') || queue === 'statistics'

const nameOf = (ending: string, queue?: string) =>
  `EBS_BREAKER${queue === undefined ? '' : `_${queueWord(queue)}`}${ending}`

/** Every variable that `breakerEnv` looks at for these queues. */
export const breakerVariables = (queues: readonly string[]) =>
  [undefined, ...queues].flatMap((queue) => endings.map((ending) => nameOf(ending, queue)))

/**
 * Reads the breaker of each queue that has one: `EBS_BREAKER_<QUEUE>…`, else `EBS_BREAKER…`, else the default, which is off.
 * Mistakes are given back, each once, instead of thrown, so that they are listed with all others.
 */
export function breakerEnv(queues: readonly string[], env: Readonly<Record<string, string | undefined>>) {
  const settings = new Map<string, BreakerSettings>()
  const mistakes = new Map<string, Mistake>()
  for (const queue of queues) {
    const variableOf = (ending: string) => {
      const own = nameOf(ending, queue)
      return env[own] === undefined && !(ending === '' && isOwn(queue)) ? nameOf(ending) : own
    }
    const parsed = raw.safeParse(Object.fromEntries(endings.map((ending) => [ending, env[variableOf(ending)]])))
    if (!parsed.success) {
      for (const { path, message } of parsed.error.issues) {
        const variable = variableOf(String(path[0]))
        mistakes.set(variable, { variable, given: env[variable], accepted: message })
      }
      continue
    }
    const { _SHARE: share, _MIN: min, _WINDOW_MS: windowMs, _PROBE_MS: probeMs, _BY: by } = parsed.data
    const byVariable = variableOf('_BY')
    if (parsed.data[''] === 'on') settings.set(queue, { share, min, windowMs, probeMs, by, byVariable })
  }
  return { settings, mistakes: [...mistakes.values()] }
}
