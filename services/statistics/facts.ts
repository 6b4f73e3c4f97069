import { z } from 'zod'
import type { Json } from '../../shared/events.ts'
import type { SqliteReader } from '../../shared/store/sqlite-store.ts'
import { findFailure } from './failures.ts'

const TASK_COLUMNS = `id, object_id as objectId, tenant, created_at as createdAt, started_at as startedAt, finished_at as finishedAt,
  failed_at as failedAt, processor, attempts, mark, mark_at as markAt, mark_by as markBy`
const FIND_TASK = `select ${TASK_COLUMNS} from task_rows where id = ?`
const FIND_OBJECT = `select id, tenant, created_at as createdAt, completed_at as completedAt, failed_at as failedAt, mark,
  mark_at as markAt, mark_by as markBy from object_rows where id = ?`
// By their ids, which begin with that of their object: there is no index by object, and counting would pay for one.
const OF_OBJECT = 'id > ? and id < ?'
const COUNT_TASKS = `select count(*) as total, count(finished_at) as finished from task_rows where ${OF_OBJECT}`
// In the order of their numbers, which is that of whoever waits for them.
const UNFINISHED = `select ${TASK_COLUMNS} from task_rows where ${OF_OBJECT} and finished_at is null
  order by length(id), id limit ?`
const FIND_ENTRIES = `select kind, accepted_at as acceptedAt, outcome, mark, mark_at as markAt, mark_by as markBy
  from entry_rows where id = ? and kind in ('group', 'flow', 'journey')`

/** Tasks of one object that are told one by one. */
const TASKS_MAX = 20

const text = z.string().nullable()
const ms = z.number().nullable()
const marked = { mark: z.string(), markAt: z.number(), markBy: z.string() }
const taskRow = z.object({
  ...{ id: z.string(), objectId: z.string(), tenant: text, processor: text, attempts: z.number() },
  ...{ createdAt: ms, startedAt: ms, finishedAt: ms, failedAt: ms, ...marked },
})
type TaskRow = z.infer<typeof taskRow>
const objectRow = z.object({ id: z.string(), tenant: text, createdAt: ms, completedAt: ms, failedAt: ms, ...marked })
const countRow = z.object({ total: z.number(), finished: z.number() })
const entryRow = z.object({ kind: z.string(), acceptedAt: ms, outcome: text, ...marked })

/** What is stored about an id, as `FACTS_TOLD` tells it: a few rows, times as ISO 8601. Empty when nothing is. */
export function factsOf(read: SqliteReader, id: string): Record<string, Json> {
  const task = read.get(taskRow, FIND_TASK, id)
  const object = read.get(objectRow, FIND_OBJECT, id)
  const entries = read.all(entryRow, FIND_ENTRIES, id)
  return {
    ...(task && { task: toTask(read, task) }),
    ...(object && { object: toObject(object), tasks: tasksOf(read, id) }),
    ...(entries.length > 0 && { entries: entries.map(toEntry) }),
  }
}

function tasksOf(read: SqliteReader, objectId: string): Json {
  // The character behind the dot.
  const range = [`${objectId}.`, `${objectId}/`] as const
  const { total, finished } = read.get(countRow, COUNT_TASKS, ...range) ?? { total: 0, finished: 0 }
  const unfinished = read.all(taskRow, UNFINISHED, ...range, TASKS_MAX)
  return { total, finished, unfinished: unfinished.map((task) => toTask(read, task)) }
}

function toTask(read: SqliteReader, task: TaskRow): Record<string, Json> {
  const { id, objectId, tenant, processor, attempts, createdAt, startedAt, finishedAt, failedAt } = task
  const failure = findFailure(read, id)
  return {
    ...{ id, objectId, attempts, mark: toMark(task) },
    ...known({ tenant, processor }),
    ...times({ createdAt, startedAt, finishedAt, failedAt }),
    ...(failure && {
      error: failure.error,
      failedAttempt: failure.attempt,
      ...times({ errorAt: failure.atMs, retryAt: failure.retryAtMs }),
    }),
  }
}

function toObject({ id, tenant, createdAt, completedAt, failedAt, ...mark }: z.infer<typeof objectRow>): Json {
  return { id, mark: toMark(mark), ...known({ tenant }), ...times({ createdAt, completedAt, failedAt }) }
}

function toEntry({ kind, acceptedAt, outcome, ...mark }: z.infer<typeof entryRow>): Json {
  return { kind, mark: toMark(mark), ...known({ outcome }), ...times({ acceptedAt }) }
}

/** What was last said of the message that carries it. */
const toMark = ({ mark, markAt, markBy }: Pick<TaskRow, keyof typeof marked>): Json => ({
  state: mark,
  ...(markAt > 0 && { at: new Date(markAt).toISOString() }),
  ...(markBy !== '' && { by: markBy }),
})

const known = (values: Readonly<Record<string, string | null>>): Record<string, string> =>
  Object.fromEntries(Object.entries(values).flatMap(([name, value]) => (value === null ? [] : [[name, value]])))

const times = (values: Readonly<Record<string, number | null>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(values).flatMap(([name, at]) => (at === null ? [] : [[name, new Date(at).toISOString()]])),
  )
