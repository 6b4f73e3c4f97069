import { readFileSync } from 'node:fs'
import { z } from 'zod'
import type { Clock } from '../../shared/clock.ts'
import type { Json } from '../../shared/events.ts'
import { parseFiniteJson } from '../../shared/finite-json.ts'
import { type Activity, type ActivityContext, ActivityError, deferred } from '../../shared/flow/activity.ts'
import { VALUE_BYTES_MAX } from '../../shared/flow/hub-state.ts'
import { findTooMuch, sizeOf } from '../../shared/flow/value-size.ts'
import { activityName } from '../../shared/journey-events.ts'

const DELAY_MS_MAX = 600_000
const OUTCOMES_MAX = 1_000
const FAILED_STATUS_MIN = 400
const ERROR_CHARS_MAX = 2_048

const outcome = z
  .strictObject({
    status: z.int().min(200).max(599).default(200),
    error: z.string().max(ERROR_CHARS_MAX).optional(),
    output: z.custom<Json>().optional(),
    delayMs: z.int().min(0).max(DELAY_MS_MAX).default(0),
    /** No answer: somebody else gives it. */
    defer: z.boolean().default(false),
  })
  .superRefine(({ status, error, output, defer }, context) => {
    const add = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message })
    const isFailure = status >= FAILED_STATUS_MIN
    if (isFailure && output !== undefined) add('output', `a failure (status ${status}) gives none`)
    if (!isFailure && error !== undefined)
      add('error', `status ${status} is a success; from ${FAILED_STATUS_MIN} on it fails`)
    if (defer && (isFailure || output !== undefined)) add('defer', 'goes with no status or output: nothing is answered')
    const tooMuch = findTooMuch('the output', sizeOf(output ?? null), { bytesMax: VALUE_BYTES_MAX })
    if (tooMuch !== undefined) add('output', tooMuch)
  })

const script = z.record(activityName, z.array(outcome).min(1).max(OUTCOMES_MAX))

/** What activities are to do instead of their work: the n-th attempt at a call takes the n-th outcome, and the last one repeats. */
export type Script = z.output<typeof script>

const EXAMPLE =
  '{"charge": [{"status": 503, "error": "down"}, {"output": {"chargeId": "c1"}, "delayMs": 10}, {"defer": true}]}'

/** The value of EBS_MOCK_ACTIVITIES: JSON, or the path of a file that holds it. Every mistake is in the one issue. */
export const mockActivities = z.string().transform((text, context): Script => {
  const mistakes = (list: readonly string[]) => {
    context.addIssue({
      code: 'custom',
      message: `JSON such as ${EXAMPLE}, or the path of a file with it. ${list.join('; ')}`,
    })
    return z.NEVER
  }
  const read = readJson(text)
  if ('fault' in read) return mistakes([read.fault])
  const { success, data, error } = script.safeParse(read.json)
  if (success) return data
  return mistakes(error.issues.map((issue) => `${placeOf(issue)}: ${faultOf(issue)}`))
})

function readJson(text: string): { readonly json: unknown } | { readonly fault: string } {
  let json = text
  if (!text.trimStart().startsWith('{')) {
    try {
      json = readFileSync(text, 'utf8')
    } catch (error) {
      return { fault: `The file cannot be read (${error instanceof Error ? error.message : String(error)})` }
    }
  }
  try {
    return { json: parseFiniteJson(json) }
  } catch (error) {
    if (error instanceof RangeError) return { fault: error.message }
    return { fault: `It is no JSON (${error instanceof Error ? error.message : String(error)})` }
  }
}

type Issue = z.core.$ZodIssue
const placeOf = ({ path }: Issue) =>
  path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '') || 'all'
/** Of a wrong name the message says only that it is one. */
const faultOf = (issue: Issue) =>
  issue.code === 'invalid_key' ? issue.issues.map(({ message }) => message).join(', ') : issue.message

/** The activity as its script has it, whoever would do it otherwise. */
export function mockActivity(name: string, outcomes: Script[string], clock: Clock): Activity {
  return {
    name,
    async run(_input, context) {
      const next = outcomes[Math.min(context.attempt, outcomes.length) - 1] ?? outcome.parse({})
      const { status, error, output = null, delayMs, defer } = next
      if (delayMs > 0) await pause(delayMs, clock, context)
      if (defer) return deferred
      if (status >= FAILED_STATUS_MIN)
        throw new ActivityError(status, error ?? `a mock of ${name} with status ${status}`)
      return output
    },
  }
}

/** Rejects with the reason of the signal when that is aborted before. */
const pause = (ms: number, clock: Clock, { signal }: Pick<ActivityContext, 'signal'>) =>
  new Promise<void>((resolve, reject) => {
    const cancel = clock.after(ms, resolve)
    signal.addEventListener('abort', () => {
      cancel()
      reject(signal.reason)
    })
  })
