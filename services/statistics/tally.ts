import type { Body } from '../../shared/events.ts'
import { countedMs } from './histogram.ts'
import { latest, type Mark, type MarkState, type Standing } from './ledger/entry.ts'
import { taskMark } from './ledger/moves.ts'

/**
 * What an event changes about its task or its object. Counters are read off the rows, before and after, so that an event
 * which is told twice, or after one that followed from it, changes them by nothing or by what is still missing.
 *
 * A replay of a task that had failed for good: while it runs again it counts as failed and not as in progress, because nobody has said that
 * it will succeed; when it fails again it has still failed once. When it finishes, the failure is taken back: totals are as if there had
 * been none, and only the minutes (view `throughput`) keep what happened in them. Attempts of a replay begin at 1 again; the highest counts.
 * Its object stays failed, because the group that waited for the task has told its end.
 */

export type TaskBody = Body<'TASK_CREATED' | 'TASK_STARTED' | 'TASK_FINISHED' | 'TASK_FAILED'>
export type ObjectBody = Body<'OBJECT_CREATED' | 'OBJECT_COMPLETED' | 'OBJECT_FAILED'>
/** When it happened, and whose it is where the body does not say. */
export type Told = { readonly atMs: number; readonly tenant: string | null }

/** What the ledger knows of the message that carries a task or an object. */
type Carried = {
  /** `outside`: from before there was a ledger. */
  readonly markState: MarkState | 'outside'
  readonly markAtMs: number
  readonly markBy: string
}

/** What is known of a task. It is finished or failed or neither, never both. */
export type TaskRow = Carried & {
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

/** What is known of an object. It is completed or failed or neither, never both. */
export type ObjectRow = Carried & {
  readonly markStage: number
  readonly id: string
  readonly tenant: string | null
  readonly createdAtMs: number | null
  readonly completedAtMs: number | null
  readonly failedAtMs: number | null
  /** From its creation to its end, as the event of the end says. */
  readonly durationMs: number | null
}

/** The task after the event. */
export function evolveTask(before: TaskRow | undefined, body: TaskBody, { atMs, tenant }: Told): TaskRow {
  if (body.type === 'TASK_CREATED') {
    const row = before ?? newTask(body.task.id, body.task.objectId)
    return {
      ...row,
      ...{ objectId: body.task.objectId, tenant: body.task.tenant },
      createdAtMs: earliest(row.createdAtMs, atMs),
    }
  }
  const known = before ?? newTask(body.taskId, body.objectId)
  const isNewest = body.attempt >= known.attempts && known.finishedAtMs === null
  const mark = taskMark(body, atMs)
  const row: TaskRow = {
    ...(mark ? markTask(known, mark) : known),
    objectId: body.objectId,
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

/** The object after the event. Its tasks do not come into it: whoever waits for them says how it ended. */
export function evolveObject(before: ObjectRow | undefined, body: ObjectBody, { atMs }: Pick<Told, 'atMs'>): ObjectRow {
  if (body.type === 'OBJECT_CREATED') {
    const { id, tenant, createdAt } = body.object
    return { ...(before ?? newObject(id)), tenant, createdAtMs: Date.parse(createdAt) }
  }
  const known = before ?? newObject(body.objectId)
  const row = { ...known, tenant: known.tenant ?? body.tenant }
  // A group ends once. A hub that has lost or forgotten it may come to another end when it is asked again: then the object is completed,
  // whichever of the two is told first.
  if (row.completedAtMs !== null) return row
  const durationMs = countedMs(body.durationMs)
  if (body.type === 'OBJECT_COMPLETED') return { ...row, completedAtMs: atMs, failedAtMs: null, durationMs }
  return row.failedAtMs === null || atMs < row.failedAtMs ? { ...row, failedAtMs: atMs, durationMs } : row
}

/** A task after something was said of its message; it may not have been heard of before. */
export function markTask(row: TaskRow, mark: Mark): TaskRow {
  if (row.markState === 'outside') return row
  const before = { stage: 0, atMs: row.markAtMs, state: row.markState, by: row.markBy }
  if (latest(before, mark) === before) return row
  return { ...row, markState: mark.state, markAtMs: mark.atMs, markBy: mark.by }
}

/** An object after something was said of its message; it may not have been heard of before. */
export function markObject(row: ObjectRow, mark: Mark): ObjectRow {
  if (row.markState === 'outside') return row
  const before = { stage: row.markStage, atMs: row.markAtMs, state: row.markState, by: row.markBy }
  if (latest(before, mark) === before) return row
  return { ...row, markStage: mark.stage, markState: mark.state, markAtMs: mark.atMs, markBy: mark.by }
}

/** How a task stands in the ledger; undefined for one from before it. */
export function standingOfTask(row: TaskRow): Standing | undefined {
  if (row.markState === 'outside') return undefined
  return {
    kind: 'task',
    tenant: row.tenant,
    isAccepted: row.createdAtMs !== null,
    outcome: row.finishedAtMs === null ? null : 'done',
    mark: { stage: 0, state: row.markState, atMs: row.markAtMs, by: row.markBy },
  }
}

/** How an object stands in the ledger; undefined for one from before it. */
export function standingOfObject(row: ObjectRow): Standing | undefined {
  if (row.markState === 'outside') return undefined
  const outcome = row.completedAtMs !== null ? 'done' : row.failedAtMs !== null ? 'failed' : null
  return {
    ...{ kind: 'object', tenant: row.tenant, isAccepted: row.createdAtMs !== null, outcome },
    mark: { stage: row.markStage, state: row.markState, atMs: row.markAtMs, by: row.markBy },
  }
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

/** How long an object took that was completed; what failed is not timed. */
export const completedMs = (row: ObjectRow | undefined): number | null =>
  row && row.completedAtMs !== null ? row.durationMs : null

/** A task of which nothing is known; of a message about one even its object is not. */
export const newTask = (id: string, objectId: string): TaskRow => ({
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
  markState: 'inFlight',
  markAtMs: 0,
  markBy: '',
})

/** An object of which nothing is known. */
export const newObject = (id: string): ObjectRow => ({
  id,
  tenant: null,
  createdAtMs: null,
  completedAtMs: null,
  failedAtMs: null,
  durationMs: null,
  markStage: 0,
  markState: 'inFlight',
  markAtMs: 0,
  markBy: '',
})

const isSet = (value: number | null | undefined): 0 | 1 => (value === null || value === undefined ? 0 : 1)
const earliest = (a: number | null, b: number | null) => (a === null || b === null ? (a ?? b) : Math.min(a, b))
