import { z } from 'zod'
import { type EbsObject, objectSchema } from '../../shared/events.ts'
import { type Migration, messagingTables } from '../../shared/store/migrations.ts'
import type { SqliteReader } from '../../shared/store/sqlite-store.ts'
import type { SqliteTransaction } from '../../shared/store/sqlite-transaction.ts'

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
]

const INSERT = 'insert into object_rows(id, tenant, name, content, created_at) values (?, ?, ?, ?, ?)'
const COLUMNS = 'seq, id, tenant, name, content, created_at as createdAt'
const FIND = `select ${COLUMNS} from object_rows where id = ?`
const LIST = `select ${COLUMNS} from object_rows where seq > ? order by seq limit ?`
const FIND_ANSWER = 'select request, answer from idempotency_keys where key = ?'
const REMEMBER = 'insert into idempotency_keys(key, request, answer, at) values (?, ?, ?, ?)'
const FORGET = 'delete from idempotency_keys where at < ?'

/** A client that has not tried again within a day has given up. */
export const IDEMPOTENCY_KEEP_MS = 86_400_000

const row = objectSchema.extend({ seq: z.int() })
const remembered = z.object({ request: z.string(), answer: z.string() })

/** An object with its place in the list. */
export type Listed = z.infer<typeof row>

export function insertObject(tx: SqliteTransaction, { id, tenant, name, content, createdAt }: EbsObject): void {
  tx.run(INSERT, id, tenant, name, content, createdAt)
}

export const findObject = (read: SqliteReader, id: string): Listed | undefined => read.get(row, FIND, id)

/** Objects in the order in which they were made, behind the one with this seq. */
export const listObjects = (read: SqliteReader, afterSeq: number, limit: number): Listed[] =>
  read.all(row, LIST, afterSeq, limit)

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
