import { z } from 'zod'
import type { Body } from '../../shared/events.ts'
import { type SqliteReader, SqliteStore } from '../../shared/store/sqlite-store.ts'
import type { SqliteTransaction } from '../../shared/store/sqlite-transaction.ts'
import { findObject, findTask, saveObject, saveTask, Touched } from './rows.ts'
import { migrations } from './schema.ts'
import { Sums } from './sums.ts'
import {
  countersOfObject,
  countersOfTask,
  evolveObject,
  evolveObjectByTask,
  evolveTask,
  type ObjectRow,
  type TaskBody,
  type TaskRow,
  type Told,
} from './tally.ts'

/** An event as it is counted. One whose type is not in the catalogue has no `body` and is counted by type and key only. */
export type RecordedEvent = {
  readonly type: string
  readonly key: string
  readonly atMs: number
  readonly tenant: string | null
  readonly body: Body | undefined
  /** No other queue hears this key. */
  readonly unheard: boolean
}

/** Opens `stats.db`. */
export const openStatistics = (path: string): Promise<SqliteStore> => SqliteStore.open({ path, migrations })

/**
 * Counts a batch of events inside the transaction that holds their inbox rows: the caller leaves out those handled before.
 * Whatever order they come in, the totals come out the same. `nowMs` is when they are counted.
 */
export function record(tx: SqliteTransaction, batch: readonly RecordedEvent[], nowMs: number): void {
  const sums = new Sums()
  const tasks = new Touched<TaskRow>((id) => findTask(tx, id))
  const objects = new Touched<ObjectRow>((id) => findObject(tx, id))
  for (const told of batch) {
    const event = bounded(told, nowMs)
    sums.countEvent(event)
    if (event.body?.type === 'MESSAGE_DEAD') sums.count({}, { messages_dead: 1 })
    else if (event.body?.type === 'OBJECT_CREATED') {
      const { body } = event
      objects.change(body.object.id, (row) => evolveObject(row, body))
    } else if (event.body && isTaskBody(event.body)) recordTask(event.body, event, { tasks, objects })
  }
  for (const { before, after } of tasks.changes()) {
    sums.count(countersOfTask(before), countersOfTask(after))
    sums.addDuration('task', before?.durationMs, after.durationMs)
    saveTask(tx, after, nowMs)
  }
  for (const { before, after } of objects.changes()) {
    sums.count(countersOfObject(before), countersOfObject(after))
    sums.addDuration('object', before?.durationMs, after.durationMs)
    saveObject(tx, after, nowMs)
  }
  sums.write(tx, nowMs)
}

/** A routing key or type of ours is far shorter; a stranger's may be anything. */
const NAME_CHARS_MAX = 255
/** The year 9999, where ISO 8601 text and SQLite's dates end. */
const TIME_MS_MAX = 253_402_300_799_999

/** Names cut and a nonsensical time replaced by now: what a stranger wrote must neither fail the batch nor fill the disk. */
const bounded = (event: RecordedEvent, nowMs: number): RecordedEvent => ({
  ...event,
  type: event.type.slice(0, NAME_CHARS_MAX),
  key: event.key.slice(0, NAME_CHARS_MAX),
  tenant: event.tenant?.slice(0, NAME_CHARS_MAX) ?? null,
  atMs: event.atMs >= 0 && event.atMs <= TIME_MS_MAX ? Math.round(event.atMs) : nowMs,
})

const taskTypes: ReadonlySet<string> = new Set(['TASK_CREATED', 'TASK_STARTED', 'TASK_FINISHED', 'TASK_FAILED'])
const isTaskBody = (body: Body): body is TaskBody => taskTypes.has(body.type)

type Rows = { readonly tasks: Touched<TaskRow>; readonly objects: Touched<ObjectRow> }

function recordTask(body: TaskBody, told: Told, { tasks, objects }: Rows): void {
  const id = body.type === 'TASK_CREATED' ? body.task.id : body.taskId
  const { before, after } = tasks.change(id, (row) => evolveTask(row, body, told))
  const of = body.type === 'TASK_CREATED' ? body.task.of : null
  objects.change(after.objectId, (row) => evolveObjectByTask(row, { before, after, of }))
}

const metricRow = z.object({ metric: z.string(), value: z.union([z.number(), z.string()]) })

/** The view `statistics` as one record: every metric in its order; `updated_at` is text, the others are numbers. */
export function readStatistics(read: SqliteReader): Record<string, number | string> {
  const rows = read.all(metricRow, 'select metric, value from statistics')
  return Object.fromEntries(rows.map(({ metric, value }) => [metric, value]))
}

const eventRow = z.object({
  type: z.string(),
  key: z.string(),
  count: z.number(),
  first_at: z.string(),
  last_at: z.string(),
})
export type EventKind = z.infer<typeof eventRow>

/** The view `events_by_type`, most frequent first. */
export const readEventsByType = (read: SqliteReader, limit: number): EventKind[] =>
  read.all(
    eventRow,
    'select type, key, count, first_at, last_at from events_by_type order by count desc limit ?',
    limit,
  )

const unheardRow = z.object({ key: z.string(), type: z.string(), count: z.number(), last: z.string() })
export type Unheard = z.infer<typeof unheardRow>

/** The view `unheard`, latest first. */
export const readUnheard = (read: SqliteReader, limit: number): Unheard[] =>
  read.all(unheardRow, 'select key, type, count, last from unheard order by last desc limit ?', limit)

const minuteRow = z.looseObject({ minute: z.string(), events: z.number() }).catchall(z.number())
export type Minute = z.infer<typeof minuteRow>

/** The view `throughput`, latest minute first. */
export const readThroughput = (read: SqliteReader, limit: number): Minute[] =>
  read.all(minuteRow, 'select * from throughput order by minute desc limit ?', limit)
