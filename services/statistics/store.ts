import { z } from 'zod'
import type { Body } from '../../shared/events.ts'
import { type SqliteReader, SqliteStore } from '../../shared/store/sqlite-store.ts'
import type { SqliteTransaction } from '../../shared/store/sqlite-transaction.ts'
import { recordFailures } from './failures.ts'
import { Accounts } from './ledger/accounts.ts'
import { type EntryRow, evolveEntry, findEntry, saveEntry, standingOfEntry } from './ledger/entry-rows.ts'
import { type Move, movesOf } from './ledger/moves.ts'
import { findObject, findTask, saveObject, saveTask, Touched } from './rows.ts'
import { migrations } from './schema.ts'
import { Sums } from './sums.ts'
import {
  completedMs,
  countersOfObject,
  countersOfTask,
  evolveObject,
  evolveTask,
  markObject,
  markTask,
  newObject,
  newTask,
  type ObjectBody,
  type ObjectRow,
  standingOfObject,
  standingOfTask,
  type TaskBody,
  type TaskRow,
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
 * Whatever order they come in, the totals come out the same. `nowMs` is when they are counted. Nothing is remembered from batch to batch,
 * so that one process may count live messages and another those that are replayed.
 *
 * `messages_dead` and `messages_parked` count how often that happened: a message that comes back and dies again counts twice.
 */
export function record(tx: SqliteTransaction, batch: readonly RecordedEvent[], nowMs: number): void {
  const sums = new Sums()
  const rows = touchedRows(tx)
  for (const told of batch) {
    const event = bounded(told, nowMs)
    sums.countEvent(event)
    const { body } = event
    if (!body) continue
    if (isTaskBody(body)) rows.tasks.change(taskIdOf(body), (row) => evolveTask(row, body, event))
    else if (isObjectBody(body)) rows.objects.change(objectIdOf(body), (row) => evolveObject(row, body, event))
    else {
      if (body.type === 'MESSAGE_DEAD') sums.count({}, { messages_dead: 1 })
      else if (body.type === 'MESSAGE_PARKED') sums.count({}, { messages_parked: 1 })
      for (const move of movesOf(body, event.atMs)) apply(rows, move, event)
    }
  }
  write(tx, rows, sums, nowMs)
  recordFailures(tx, batch)
}

type Rows = ReturnType<typeof touchedRows>

const touchedRows = (tx: SqliteTransaction) => ({
  tasks: new Touched<TaskRow>((id) => findTask(tx, id)),
  objects: new Touched<ObjectRow>((id) => findObject(tx, id)),
  entries: new Touched<EntryRow>((key) => {
    const at = key.indexOf(' ')
    return findEntry(tx, key.slice(0, at), key.slice(at + 1))
  }),
})

function apply({ tasks, objects, entries }: Rows, move: Move, event: RecordedEvent): void {
  const { kind, id, mark } = move
  if (kind === 'task') {
    // Until an event of its own says so, nobody knows whose task it is.
    if (mark) tasks.change(id, (row = newTask(id, '')) => markTask(row, mark))
  } else if (kind === 'object') {
    if (mark) objects.change(id, (row = newObject(id)) => markObject(row, mark))
  } else entries.change(`${kind} ${id}`, (row) => evolveEntry(row, move, event))
}

function write(tx: SqliteTransaction, { tasks, objects, entries }: Rows, sums: Sums, nowMs: number): void {
  const accounts = new Accounts()
  for (const { before, after } of tasks.changes()) {
    sums.count(countersOfTask(before), countersOfTask(after))
    sums.addDuration('task', before?.durationMs, after.durationMs)
    accounts.move(before && standingOfTask(before), standingOfTask(after))
    saveTask(tx, after, nowMs)
  }
  for (const { before, after } of objects.changes()) {
    sums.count(countersOfObject(before), countersOfObject(after))
    sums.addDuration('object', completedMs(before), completedMs(after))
    accounts.move(before && standingOfObject(before), standingOfObject(after))
    saveObject(tx, after, nowMs)
  }
  for (const { before, after } of entries.changes()) {
    accounts.move(before && standingOfEntry(before), standingOfEntry(after))
    saveEntry(tx, after, nowMs)
  }
  sums.write(tx, nowMs)
  accounts.write(tx)
}

/** A routing key or type of ours is far shorter; a stranger's may be anything. */
const NAME_CHARS_MAX = 255
/** The year 9999, where ISO 8601 text and SQLite's dates end. */
const TIME_MS_MAX = 253_402_300_799_999

/** Names cut and a nonsensical time replaced by now: what a stranger wrote must neither fail the batch nor fill the disk. */
function bounded(event: RecordedEvent, nowMs: number): RecordedEvent {
  const { type, key, tenant, atMs } = event
  const isTimeFit = atMs >= 0 && atMs <= TIME_MS_MAX && Number.isInteger(atMs)
  // Nearly all are: a copy of each would be a tenth of the work of counting.
  const isShort = Math.max(type.length, key.length, tenant?.length ?? 0) <= NAME_CHARS_MAX
  if (isTimeFit && isShort && event.body !== undefined) return event
  return {
    ...event,
    type: nameOf(type),
    key: nameOf(key),
    tenant: tenant === null ? null : nameOf(tenant),
    atMs: atMs >= 0 && atMs <= TIME_MS_MAX ? Math.round(atMs) : nowMs,
  }
}

/** Cut, and with a replacement character for half a surrogate pair, of which SQLite would make three. */
const nameOf = (text: string) => Buffer.from(text.slice(0, NAME_CHARS_MAX)).toString()

const taskTypes: ReadonlySet<string> = new Set(['TASK_CREATED', 'TASK_STARTED', 'TASK_FINISHED', 'TASK_FAILED'])
const isTaskBody = (body: Body): body is TaskBody => taskTypes.has(body.type)
const taskIdOf = (body: TaskBody) => (body.type === 'TASK_CREATED' ? body.task.id : body.taskId)

const objectTypes: ReadonlySet<string> = new Set(['OBJECT_CREATED', 'OBJECT_COMPLETED', 'OBJECT_FAILED'])
const isObjectBody = (body: Body): body is ObjectBody => objectTypes.has(body.type)
const objectIdOf = (body: ObjectBody) => (body.type === 'OBJECT_CREATED' ? body.object.id : body.objectId)

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
