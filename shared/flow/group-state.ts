import { z } from 'zod'
import type { Json } from '../events.ts'

/**
 * What a group keeps, and how much of it. The limits add up: ids, payload, results and one error fit into the 1 MiB of the
 * event that ends it, with 64 KiB left for the rest.
 */

const KIB = 1_024
export const PAYLOAD_BYTES_MAX = 256 * KIB
/** Of all expected ids, as keys of a JSON object. */
export const IDS_BYTES_MAX = 256 * KIB
/** Of all results, and of errors that did not end the group. */
export const RESULTS_BYTES_MAX = 384 * KIB
export const ERROR_BYTES_MAX = 64 * KIB

/** As it is: the state comes out of JSON.parse, and so do the events that it is made of. */
const json = z.custom<Json>()
const handler = z.object({ topic: z.string(), payload: json })

/** A member that was heard of. One with an `error` failed; a missing result is null. */
const heardSchema = z.object({
  id: z.string(),
  atMs: z.number(),
  /** The processor of a task. */
  by: z.string().optional(),
  result: json.optional(),
  error: json.optional(),
})

const endSchema = z.object({
  atMs: z.number(),
  by: z.enum(['all', 'quorum', 'timeout', 'error', 'cancel']),
  /** Of a failure. */
  entity: z.string().optional(),
  error: json.optional(),
})

/** The document of a group: flat and small, because it is read and written at every Done. Times are ms since 1970. */
export const groupState = z.object({
  id: z.string(),
  createdMs: z.number(),
  dueMs: z.number(),
  /** In effect; may be a fraction. */
  ttlS: z.number(),
  /** Distinct ids. */
  expected: z.array(z.string()),
  /** So many results are enough; all of them when the Create asks for nothing else. */
  quorum: z.number(),
  partial: z.boolean(),
  /** Completed by the tasks of this object, and ended by OBJECT_COMPLETED or OBJECT_FAILED; otherwise by Dones. */
  object: z.object({ tenant: z.string(), createdMs: z.number() }).optional(),
  payload: json.optional(),
  onsuccess: handler.optional(),
  onfailure: handler.optional(),
  /** In the order in which they were heard of. */
  heard: z.array(heardSchema),
  /** What they take of RESULTS_BYTES_MAX. */
  resultsBytes: z.number(),
  /** Missing while it is open. */
  end: endSchema.optional(),
})

export type GroupState = z.infer<typeof groupState>
export type Heard = z.infer<typeof heardSchema>
export type GroupEnd = z.infer<typeof endSchema>

export const statusOf = ({ end }: GroupState) =>
  end === undefined ? 'open' : end.entity === undefined ? 'success' : 'failure'

export const onTimeoutOf = ({ partial }: GroupState) => (partial ? 'partial' : 'fail')
export const completedByOf = ({ object }: GroupState) => (object ? 'tasks' : 'done')

/** The time of what happens to a group: never before it was created, so that a clock that is set back gives no negative durations. */
export const timeIn = ({ createdMs }: GroupState, nowMs: number) => Math.max(nowMs, createdMs)

/** Expected ids without a result: those not heard of, and those that failed. */
export function missingOf({ expected, heard }: GroupState): string[] {
  const done = new Set(heard.flatMap(({ id, error }) => (error === undefined ? [id] : [])))
  return expected.filter((id) => !done.has(id))
}

/** Bytes of an id as a key of a JSON object, with its colon and comma. */
export const keyBytes = (id: string) => Buffer.byteLength(JSON.stringify(id)) + 2
