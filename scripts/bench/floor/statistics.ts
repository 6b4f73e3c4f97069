import { join } from 'node:path'
import type { ConsumeMessage } from 'amqplib'
import Database from 'better-sqlite3'
import { type Acks, startFloor } from './channel.ts'
import { floorEnvironment } from './config.ts'

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS statistics (metric TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS objects (id TEXT PRIMARY KEY, tenant TEXT, created_at TEXT) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS tasks (
    id TEXT PRIMARY KEY, object_id TEXT, created_at INTEGER, started_at INTEGER, finished_at INTEGER,
    processor TEXT, duration_ms REAL
  ) WITHOUT ROWID;`

const metrics = {
  OBJECT_CREATED: 'objects_created',
  TASK_CREATED: 'tasks_created',
  TASK_STARTED: 'tasks_started',
  TASK_FINISHED: 'tasks_finished',
} as const

const { amqpUrl, dataDir } = floorEnvironment()
const db = new Database(join(dataDir, 'stats.db'))
db.pragma('journal_mode = WAL')
// An ack says that the count is durable, so every commit reaches the disk.
db.pragma('synchronous = FULL')
db.exec(SCHEMA)

const count = db.prepare(
  'INSERT INTO statistics VALUES (?, ?) ON CONFLICT (metric) DO UPDATE SET value = value + excluded.value',
)
const addObject = db.prepare('INSERT INTO objects VALUES (?, ?, ?) ON CONFLICT DO NOTHING')
const addTask = db.prepare(
  'INSERT INTO tasks (id, object_id, created_at) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET created_at = excluded.created_at',
)
const startTask = db.prepare(
  `INSERT INTO tasks (id, object_id, started_at, processor) VALUES (?, ?, ?, ?)
   ON CONFLICT (id) DO UPDATE SET started_at = excluded.started_at, processor = excluded.processor`,
)
const finishTask = db.prepare(
  `INSERT INTO tasks (id, object_id, finished_at, processor, duration_ms) VALUES (?, ?, ?, ?, ?)
   ON CONFLICT (id) DO UPDATE SET finished_at = excluded.finished_at, duration_ms = excluded.duration_ms`,
)

const store = db.transaction((batch: readonly ConsumeMessage[]) => {
  const counts = new Map<string, number>()
  const now = Date.now()
  for (const delivery of batch) {
    const body = JSON.parse(delivery.content.toString())
    const type: keyof typeof metrics = body.type
    counts.set(metrics[type], (counts.get(metrics[type]) ?? 0) + 1)
    if (body.type === 'OBJECT_CREATED') addObject.run(body.object.id, body.object.tenant, body.object.createdAt)
    else if (body.type === 'TASK_CREATED') addTask.run(body.task.id, body.task.objectId, now)
    else if (body.type === 'TASK_STARTED') startTask.run(body.taskId, body.objectId, now, body.processor)
    else if (body.type === 'TASK_FINISHED')
      finishTask.run(body.taskId, body.objectId, now, body.processor, body.durationMs)
  }
  for (const [metric, n] of counts) count.run(metric, n)
})

let waiting: { delivery: ConsumeMessage; done: () => void }[] = []
const flush = () => {
  const batch = waiting
  waiting = []
  store(batch.map(({ delivery }) => delivery))
  for (const { done } of batch) done()
}

await startFloor({ amqpUrl, service: 'statistics', queue: 'statistics' }, (delivery, _publish, acks: Acks) => {
  waiting.push({ delivery, done: acks.taken(delivery) })
  // Everything that came with the same read of the socket shares a transaction.
  if (waiting.length === 1) setImmediate(flush)
})
