import { z } from 'zod'

/** How something stands, in a word. */
export const whyStates = [
  ...(['accepted', 'in-flight', 'waiting', 'retrying', 'parked', 'dead', 'discarded', 'timed-out', 'failed'] as const),
  ...(['completed', 'needs-remediation', 'compensated', 'cancelled', 'unknown'] as const),
] as const
export type WhyState = (typeof whyStates)[number]

const state = z.enum(whyStates)
const lineSchema = z.object({
  at: z.string(),
  what: z.string(),
  /** The service, rule or job that did it. */
  by: z.string().optional(),
  detail: z.string().optional(),
})

/** Where something is, what it waits for and what would move it: one answer out of what several services have stored. */
export const whySchema = z.object({
  id: z.string(),
  /** What has this id: object, task, group, flow, journey, call, message, rule, job; `unknown` when nobody knows it. */
  kind: z.string(),
  state,
  /** In one or two sentences, for a person. */
  summary: z.string(),
  where: z
    .object({
      service: z.string().optional(),
      queue: z.string().optional(),
      rule: z.string().optional(),
      /** The queue that holds it, when that is not the queue it belongs to. */
      place: z.string().optional(),
      /** Messages that are ready in that queue: so many at most are before it. */
      ahead: z.int().optional(),
    })
    .optional(),
  waitsFor: z.object({ what: z.string(), until: z.string().optional() }).optional(),
  /** What comes by itself. */
  next: z.object({ what: z.string(), at: z.string().optional() }).optional(),
  /** What a person can do. */
  commands: z.array(z.object({ command: z.string(), does: z.string() })),
  /** Of the trace that it belongs to, when whoever began it said one. */
  trace: z.string().optional(),
  /** Oldest first: the newest lines, when there are very many. */
  timeline: z.array(lineSchema),
  /** Older lines that are not in the timeline. */
  timelineLeftOut: z.int().optional(),
  /** What holds it up, or what it holds up. */
  related: z.array(z.object({ kind: z.string(), id: z.string(), state: z.string(), why: z.string().optional() })),
  relatedLeftOut: z.int().optional(),
  /** Who did not answer, and what is not stored any more. */
  missing: z.array(z.string()),
})
export type Why = z.infer<typeof whySchema>

export type Line = { readonly atMs: number; readonly what: string; readonly by?: string; readonly detail?: string }
export type Command = Why['commands'][number]
export type Link = Why['related'][number]

/** How something stands just now, and what would move it. */
export type Standing = {
  readonly state: WhyState
  /** What follows after the name of the thing: `is parked by the rule acme-down`. */
  readonly says: string
  readonly where?: Why['where']
  readonly waitsFor?: Why['waitsFor']
  readonly next?: Why['next']
  readonly commands: readonly Command[]
}

/** All that there is to say about one thing. */
export type Tale = Omit<Standing, 'says'> & {
  readonly kind: string
  readonly summary: string
  readonly lines: readonly Line[]
  readonly related: readonly Link[]
  /** What should be known and is not any more. */
  readonly expired?: readonly string[]
}

/** Of what strangers wrote, such as an error: enough to know it by. */
export const TEXT_CHARS_MAX = 500
export const cut = (text: string): string =>
  text.length > TEXT_CHARS_MAX ? `${text.slice(0, TEXT_CHARS_MAX)}… (${text.length} characters)` : text
/** The same of what is read. */
export const errorText = z.string().transform(cut)

/** Whether a text names this, and not something of which the name is a part. */
export function names(text: string, name: string): boolean {
  for (let from = text.indexOf(name); from >= 0; from = text.indexOf(name, from + 1))
    if (!IN_A_NAME.test(text.charAt(from - 1)) && !goesOn(text, from + name.length)) return true
  return false
}
const IN_A_NAME = /[\w.-]/
const goesOn = (text: string, at: number) => /^[\w-]|^\.\w/.test(text.slice(at, at + 2))

export const isoOf = (ms: number) => new Date(ms).toISOString()
