import { join } from 'node:path'
import type { ConsumeMessage } from 'amqplib'
import Database from 'better-sqlite3'
import { afterCalls, causeOf, startFloor } from './channel.ts'
import { floorEnvironment } from './config.ts'

/**
 * The least that a coordinator can be: one document per journey, one commit per batch, then what follows, then the acks. It knows one
 * journey (a, then b and c, then d, then e), no failure, no timeout and no duplicate.
 */
const SCHEMA =
  'CREATE TABLE IF NOT EXISTS journeys (id TEXT PRIMARY KEY, done INTEGER NOT NULL, state TEXT NOT NULL) WITHOUT ROWID'
const after: Readonly<Record<string, readonly string[]>> = { a: [], b: ['a'], c: ['a'], d: ['b', 'c'], e: ['d'] }
const steps = Object.keys(after)
const TIMEOUT_MS = 30_000

type State = { readonly done: string[]; readonly asked: string[] }
type Next = { readonly key: string; readonly body: { readonly type: string; readonly [field: string]: unknown } }
type Taken = { readonly delivery: ConsumeMessage; readonly next: Next[] }

const { amqpUrl, dataDir } = floorEnvironment()
const db = new Database(join(dataDir, 'hub.db'))
db.pragma('journal_mode = WAL')
// What is acked is durable, so every commit reaches the disk.
db.pragma('synchronous = FULL')
db.exec(SCHEMA)
const find = db.prepare('SELECT state FROM journeys WHERE id = ?').pluck()
const put = db.prepare(
  'INSERT INTO journeys VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET done = excluded.done, state = excluded.state',
)

const store = db.transaction((batch: readonly ConsumeMessage[]): readonly Taken[] =>
  batch.map((delivery) => ({ delivery, next: decide(JSON.parse(delivery.content.toString())) })),
)

function decide(body: { readonly type: string; readonly sagaId?: string; readonly callId?: string }): Next[] {
  const [id = '', step] = (body.sagaId ?? body.callId ?? '').split(':')
  const stored = find.get(id)
  const state: State = typeof stored === 'string' ? JSON.parse(stored) : { done: [], asked: [] }
  if (step !== undefined) state.done.push(step)
  const next = steps.filter(
    (name) => !state.asked.includes(name) && (after[name] ?? []).every((one) => state.done.includes(one)),
  )
  state.asked.push(...next)
  const isOver = state.done.length === steps.length
  put.run(id, Number(isOver), JSON.stringify(state))
  const about = { sagaId: id, journeyType: 'bench', definitionVersion: 1, tenant: 'default' }
  return [
    ...(step === undefined ? [{ key: 'journeys.started', body: { type: 'JOURNEY_STARTED', ...about } }] : []),
    ...next.map((name) => ({ key: 'activity.noop', body: requestOf(id, name) })),
    ...(isOver
      ? [{ key: 'journeys.completed', body: { type: 'JOURNEY_COMPLETED', ...about, durationMs: 0, output: {} } }]
      : []),
  ]
}

const requestOf = (sagaId: string, name: string) => ({
  type: 'ACTIVITY_REQUESTED',
  callId: `${sagaId}:${name}`,
  sagaId,
  activity: 'noop',
  attempt: 1,
  idempotencyKey: `${sagaId}:${name}`,
  input: { order: 1 },
  deadline: new Date(Date.now() + TIMEOUT_MS).toISOString(),
})

let waiting: { readonly delivery: ConsumeMessage; readonly take: (next: readonly Next[]) => void }[] = []
const flush = () => {
  const batch = waiting
  waiting = []
  const taken = store(batch.map(({ delivery }) => delivery))
  for (const [i, { next }] of taken.entries()) batch[i]?.take(next)
}

await startFloor({ amqpUrl, service: 'hub', queue: 'hub_consume' }, (delivery, publish, acks) => {
  const done = acks.taken(delivery)
  waiting.push({
    delivery,
    take: (next) => {
      if (next.length === 0) return done()
      const confirmed = afterCalls(next.length, done)
      for (const { key, body } of next) publish(key, body, causeOf(delivery), confirmed)
    },
  })
  // Everything that came with the same read of the socket shares a transaction.
  if (waiting.length === 1) setImmediate(flush)
})
