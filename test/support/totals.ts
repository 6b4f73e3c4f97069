import { z } from 'zod'

/** The rows of the view `statistics` that are numbers: a promise to everybody who watches them. */
export const metricNames = [
  'objects_created',
  'objects_completed',
  'objects_failed',
  'tasks_created',
  'tasks_started',
  'tasks_finished',
  'tasks_failed',
  'tasks_in_progress',
  'messages_dead',
  'messages_parked',
  'object_ms_avg',
  'object_ms_p50',
  'object_ms_p95',
  'object_ms_max',
  'task_ms_avg',
  'task_ms_p50',
  'task_ms_p95',
  'task_ms_max',
] as const

const answer = z.record(z.string(), z.union([z.number(), z.string()]))
// Exhaustive and closed: a metric that is missing or new is an error.
const numbers = z.record(z.enum(metricNames), z.number())

export type Totals = z.infer<typeof numbers> & { readonly updated_at: string }

/** Reads the answer of `GET /api/statistics`; throws when its metrics are not exactly the promised ones. */
export function parseTotals(json: unknown): Totals {
  const { updated_at, ...rest } = answer.parse(json)
  return { ...numbers.parse(rest), updated_at: z.iso.datetime().parse(updated_at) }
}
