import { z } from 'zod'
import { type EbsObject, objectSchema } from '../../shared/events.ts'
import { type Migration, messagingTables } from '../../shared/store/migrations.ts'
import type { SqliteReader } from '../../shared/store/sqlite-store.ts'
import type { SqliteTransaction } from '../../shared/store/sqlite-transaction.ts'
import { endsOfObjects } from './ends.ts'

export const migrations: readonly Migration[] = [
  messagingTables,
  {
    name: 'objects and idempotency keys',
    sql: `
      create table object_rows(
        seq integer primary key,
        id text not null unique,
        tenant text not null,
        name text not null,
        content text not null,
        created_at text not null
      );
      create table idempotency_keys(key text primary key, request text not null, answer text not null, at integer not null);
      create index idempotency_keys_at on idempotency_keys(at);
      create view objects as select id, tenant, name, content, created_at from object_rows;`,
  },
  endsOfObjects,
]

const INSERT = 'insert into object_rows(id, tenant, name, content, created_at) values (?, ?, ?, ?, ?)'
const OPEN = 'insert into open_objects(seq) values (?)'
const OBJECT = 'seq, id, tenant, name, content, created_at as createdAt'
const END = 'state, ended_at as endedAt, duration_ms as durationMs, error'
const NO_END = `'accepted' as state, null as endedAt, null as durationMs, null as error`
const FIND = `select ${OBJECT}, coalesce(state, 'accepted') as state, ended_at as endedAt, duration_ms as durationMs, error, missing
  from object_rows left join object_ends using (seq) where id = ?`
// Three statements instead of one condition: each walks only rows that it lists, however many others there are.
const LIST = {
  all: `select ${OBJECT}, coalesce(state, 'accepted') as state, ended_at as endedAt, duration_ms as durationMs, error
    from object_rows left join object_ends using (seq) where seq > ? order by seq limit ?`,
  accepted: `select ${OBJECT}, ${NO_END}
    from open_objects cross join object_rows using (seq) where seq > ? order by seq limit ?`,
  ended: `select ${OBJECT}, ${END}
    from object_ends cross join object_rows using (seq) where state = ? and seq > ? order by seq limit ?`,
} as const
const FIND_ANSWER = 'select request, answer from idempotency_keys where key = ?'
const REMEMBER = 'insert into idempotency_keys(key, request, answer, at) values (?, ?, ?, ?)'
const FORGET = 'delete from idempotency_keys where at < ?'

/** A client that has not tried again within a day has given up. */
export const IDEMPOTENCY_KEEP_MS = 86_400_000

/** What the store itself knows of an object's state: that it was accepted, and how it ended. */
export const storedStates = ['accepted', 'completed', 'failed'] as const
export type StoredState = (typeof storedStates)[number]

const listed = objectSchema.extend({
  seq: z.int(),
  state: z.enum(storedStates),
  endedAt: z.string().nullable(),
  durationMs: z.number().nullable(),
  error: z.string().nullable(),
})
const found = listed.extend({ missing: z.string().nullable() })
const remembered = z.object({ request: z.string(), answer: z.string() })

/** An object with its place in the list and how it ended; null is not known. */
export type Listed = z.infer<typeof listed>
/** The same with the tasks that had not finished, as a JSON array. */
export type Found = z.infer<typeof found>

export function insertObject(tx: SqliteTransaction, { id, tenant, name, content, createdAt }: EbsObject): void {
  const { lastId } = tx.run(INSERT, id, tenant, name, content, createdAt)
  tx.run(OPEN, lastId)
}

export const findObject = (read: SqliteReader, id: string): Found | undefined => read.get(found, FIND, id)

/** Where a list goes on: behind the object with this seq, and those in this state only. */
export type From = { readonly afterSeq: number; readonly state?: StoredState | undefined }

/** Objects in the order in which they were made. */
export function listObjects(read: SqliteReader, { afterSeq, state }: From, limit: number): Listed[] {
  if (state === undefined) return read.all(listed, LIST.all, afterSeq, limit)
  if (state === 'accepted') return read.all(listed, LIST.accepted, afterSeq, limit)
  return read.all(listed, LIST.ended, state, afterSeq, limit)
}

/** What was answered to an earlier request with this key, and a digest of that request. */
export const findAnswer = (tx: SqliteTransaction, key: string) => tx.get(remembered, FIND_ANSWER, key)

export function rememberAnswer(
  tx: SqliteTransaction,
  key: string,
  said: { request: string; answer: string },
  nowMs: number,
): void {
  tx.run(FORGET, nowMs - IDEMPOTENCY_KEEP_MS)
  tx.run(REMEMBER, key, said.request, said.answer, nowMs)
}
