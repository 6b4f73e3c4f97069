import { z } from 'zod'
import { type Body, isEventType, type Json } from '../events.ts'

/** What is kept of a conversation between messages. */

/** Calls that a contract may make in one conversation; those that undo come on top. */
export const CALLS_MAX = 1_000
/** Request, input, output or progress of a call, as JSON: what is larger belongs elsewhere, with a reference to it here. */
export const VALUE_BYTES_MAX = 65_536
/** All of a conversation: it is read and written at every message, and its view has to fit into a message of 1 MiB. */
export const STATE_BYTES_MAX = 524_288
/** Those who wait for the reply. Whoever comes later asks how the conversation stands. */
export const ASKERS_MAX = 10
/** Error text of a reply, as the catalogue takes it. */
export const ERROR_CHARS_MAX = 2_048
/** Of a call, the newest attempts and this much of an error; the history has the rest. */
export const ATTEMPTS_KEPT_MAX = 3
export const ERROR_KEPT_CHARS_MAX = 200

/** Values come out of JSON.parse, and zod's own check would rebuild them without keys such as `__proto__`. */
const json = z.custom<Json>((value) => value !== undefined, 'expected JSON')
const typed = z.object({ type: z.string().refine(isEventType) })
const body = z.custom<Body>((value) => typed.safeParse(value).success, 'expected an event of the catalogue')

const attemptSchema = z.object({
  attempt: z.int(),
  endedMs: z.number(),
  status: z.int(),
  /** False when it timed out. */
  answered: z.boolean(),
  error: z.string().optional(),
})

const callSchema = z.object({
  /** From 1; the call's id is the conversation's key, a dot and this. */
  n: z.int().min(1),
  name: z.string(),
  input: json,
  undo: z.object({ name: z.string(), input: json }).optional(),
  /** The call that this one takes back. */
  undoes: z.int().optional(),
  /** Waiting for an answer or for the next attempt; succeeded; failed for good; nobody waits any more. */
  state: z.enum(['waiting', 'backoff', 'done', 'failed', 'abandoned']),
  /** The current one, from 1. */
  attempt: z.int().min(1),
  /** When the attempt times out, or the backoff is over. */
  dueMs: z.number(),
  progress: json.optional(),
  status: z.int().optional(),
  output: json.optional(),
  error: z.string().optional(),
  /** An attempt timed out: it may have been carried out all the same. */
  unsure: z.boolean().optional(),
  /** Attempts that are over, newest last. */
  attempts: z.array(attemptSchema),
  /** What the call counts for against STATE_BYTES_MAX. */
  bytes: z.number(),
})

/** Reads a stored conversation. */
export const hubStateSchema = z.object({
  key: z.string(),
  requestKey: z.string(),
  request: body,
  createdAtMs: z.number(),
  deadlineMs: z.number(),
  askers: z.array(z.object({ replyTo: z.string(), correlationId: z.string() })),
  calls: z.array(callSchema),
  /** Undoing follows `fail`: the contract is not asked any more. */
  phase: z.enum(['running', 'undoing']),
  /** Why it fails. */
  failure: z.object({ error: z.string(), callId: z.string().optional() }).optional(),
  /** Calls that succeeded and have an undo, newest last; those that were undone; those that could not be. */
  toUndo: z.array(z.int()),
  undone: z.array(z.int()),
  notUndone: z.array(z.int()),
  /** The one reply. */
  end: z.object({ status: z.enum(['success', 'error']), atMs: z.number(), reply: body }).optional(),
  /**
   * What the contract's functions keep, as it is: only when one is called does it have to be of the contract's schema, so that
   * a conversation of an older schema still ends. Missing when they keep nothing.
   */
  own: z.unknown().optional(),
})

export type HubCall = z.infer<typeof callSchema>
export type HubAttempt = z.infer<typeof attemptSchema>
export type HubState = z.infer<typeof hubStateSchema>

export const statusOf = ({ end, calls }: Pick<HubState, 'end' | 'calls'>) =>
  end?.status ?? (calls.length > 0 ? 'running' : 'accepted')

export const isOver = ({ state }: HubCall) => state === 'done' || state === 'failed' || state === 'abandoned'

export const callIdOf = (key: string, n: number) => `${key}.${n}`

/** The conversation and the number that a call id names. Split at the last dot: keys may have dots in them. */
export function splitCallId(callId: string): { readonly key: string; readonly n: number | undefined } {
  const [, key, n] = /^(.*)\.([1-9]\d*)$/s.exec(callId) ?? []
  return key === undefined ? { key: callId, n: undefined } : { key, n: Number(n) }
}

export const bytesOf = (value: unknown) => Buffer.byteLength(JSON.stringify(value) ?? '')

/** A call with what it counts for: twice if it can be undone, because the undo is another call like it. */
export const weighed = (call: HubCall): HubCall => ({
  ...call,
  bytes: bytesOf({ ...call, bytes: 0 }) * (call.undo ? 2 : 1),
})

/** Why a conversation cannot be kept as it is. While undoing it may grow: room for that was counted before. */
export function findTooLarge({ phase, end, request, own, calls }: HubState): string | undefined {
  if (phase !== 'running' || end) return undefined
  const bytes = calls.reduce((sum, call) => sum + call.bytes, bytesOf(request) + bytesOf(own))
  return bytes > STATE_BYTES_MAX
    ? `the conversation would hold ${bytes} bytes, at most ${STATE_BYTES_MAX} are kept: keep references to what is large`
    : undefined
}
