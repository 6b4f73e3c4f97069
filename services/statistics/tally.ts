import type { Body } from '../../shared/events.ts'
import { countedMs } from './histogram.ts'

/**
 * What an event changes about its task and its object. Counters are read off the rows, before and after, so that an event
 * which is told twice, or after one that followed from it, changes them by nothing or by what is still missing.
 */

export type TaskBody = Body<'TASK_CREATED' | 'TASK_STARTED' | 'TASK_FINISHED' | 'TASK_FAILED'>
/** When it happened, and whose it is where the body does not say. */
export type Told = { readonly atMs: number; readonly tenant: string | null }

/** What is known of a task. It is finished or failed or neither, never both. */
export type TaskRow = {
  readonly id: string
  readonly objectId: string
  readonly tenant: string | null
  readonly createdAtMs: number | null
  readonly startedAtMs: number | null
  readonly finishedAtMs: number | null
  readonly failedAtMs: number | null
  readonly processor: string | null
  /** Highest attempt heard of; above 0 the task has been started, whether or not TASK_STARTED arrived yet. */
  readonly attempts: number
  readonly durationMs: number | null
}

/** What is known of an object; `tasks` is how many it was split into. */
export type ObjectRow = {
  readonly id: string
  readonly tenant: string | null
  readonly createdAtMs: number | null
  readonly completedAtMs: number | null
  readonly failedAtMs: number | null
  readonly durationMs: number | null
  readonly tasks: number | null
  readonly tasksFinished: number
  readonly tasksFailed: number
  readonly lastFinishAtMs: number | null
}

/** A task before and after an event, and into how many tasks its object was split, where the event says so. */
export type TaskChange = {
  readonly before: TaskRow | undefined
  readonly after: TaskRow
  readonly of: number | null
}

/** The task after the event. */
export function evolveTask(before: TaskRow | undefined, body: TaskBody, { atMs, tenant }: Told): TaskRow {
  if (body.type === 'TASK_CREATED') {
    const row = before ?? newTask(body.task.id, body.task.objectId)
    return { ...row, tenant: body.task.tenant, createdAtMs: earliest(row.createdAtMs, atMs) }
  }
  const known = before ?? newTask(body.taskId, body.objectId)
  const isNewest = body.attempt >= known.attempts && known.finishedAtMs === null
  const row: TaskRow = {
    ...known,
    tenant: known.tenant ?? tenant,
    attempts: Math.max(known.attempts, body.attempt),
    processor: isNewest ? body.processor : known.processor,
  }
  if (body.type === 'TASK_STARTED') return { ...row, startedAtMs: earliest(row.startedAtMs, atMs) }
  // Done is done: a failure told later is an older attempt's, and a replay that finishes takes the failure back.
  if (row.finishedAtMs !== null) return row
  if (body.type === 'TASK_FINISHED')
    return {
      ...row,
      finishedAtMs: atMs,
      failedAtMs: null,
      durationMs: countedMs(body.durationMs),
      processor: body.processor,
    }
  return body.final ? { ...row, failedAtMs: earliest(row.failedAtMs, atMs) } : row
}

/** The object after OBJECT_CREATED. */
export function evolveObject(before: ObjectRow | undefined, { object }: Body<'OBJECT_CREATED'>): ObjectRow {
  const createdAtMs = Date.parse(object.createdAt)
  return settle({ ...(before ?? newObject(object.id)), tenant: object.tenant, createdAtMs })
}

/** The object after something happened to one of its tasks. */
export function evolveObjectByTask(
  before: ObjectRow | undefined,
  { before: was, after: is, of }: TaskChange,
): ObjectRow {
  const row = before ?? newObject(is.objectId)
  const tasksFailed = row.tasksFailed + isSet(is.failedAtMs) - isSet(was?.failedAtMs)
  return settle({
    ...row,
    tenant: row.tenant ?? is.tenant,
    tasks: row.tasks ?? of,
    tasksFinished: row.tasksFinished + isSet(is.finishedAtMs) - isSet(was?.finishedAtMs),
    tasksFailed,
    lastFinishAtMs: latest(row.lastFinishAtMs, is.finishedAtMs),
    failedAtMs: tasksFailed > 0 ? earliest(row.failedAtMs, is.failedAtMs) : null,
  })
}

/** What a task adds to the totals: 0 or 1 each. */
export const countersOfTask = (row: TaskRow | undefined) => ({
  tasks_created: isSet(row?.createdAtMs),
  tasks_started: row && row.attempts > 0 ? 1 : 0,
  tasks_finished: isSet(row?.finishedAtMs),
  tasks_failed: isSet(row?.failedAtMs),
  tasks_in_progress: row && row.attempts > 0 && row.finishedAtMs === null && row.failedAtMs === null ? 1 : 0,
})

/** What an object adds to the totals: 0 or 1 each. */
export const countersOfObject = (row: ObjectRow | undefined) => ({
  objects_created: isSet(row?.createdAtMs),
  objects_completed: isSet(row?.completedAtMs),
  objects_failed: isSet(row?.failedAtMs),
})

/** Completed when as many tasks are finished as there are; timed from its creation to the last of them. */
function settle(row: ObjectRow): ObjectRow {
  const isCompleted = row.completedAtMs !== null || (row.tasks !== null && row.tasksFinished >= row.tasks)
  if (!isCompleted) return row
  const completedAtMs = row.completedAtMs ?? row.lastFinishAtMs
  const tookMs = completedAtMs !== null && row.createdAtMs !== null ? countedMs(completedAtMs - row.createdAtMs) : null
  return { ...row, completedAtMs, failedAtMs: null, durationMs: row.durationMs ?? tookMs }
}

const newTask = (id: string, objectId: string): TaskRow => ({
  id,
  objectId,
  tenant: null,
  createdAtMs: null,
  startedAtMs: null,
  finishedAtMs: null,
  failedAtMs: null,
  processor: null,
  attempts: 0,
  durationMs: null,
})

const newObject = (id: string): ObjectRow => ({
  id,
  tenant: null,
  createdAtMs: null,
  completedAtMs: null,
  failedAtMs: null,
  durationMs: null,
  tasks: null,
  tasksFinished: 0,
  tasksFailed: 0,
  lastFinishAtMs: null,
})

const isSet = (value: number | null | undefined): 0 | 1 => (value === null || value === undefined ? 0 : 1)
const earliest = (a: number | null, b: number | null) => (a === null || b === null ? (a ?? b) : Math.min(a, b))
const latest = (a: number | null, b: number | null) => (a === null || b === null ? (a ?? b) : Math.max(a, b))
