import { z } from 'zod'
import type { Event } from '../../shared/bus/envelope.ts'
import type { Arrived } from '../../shared/bus/stateful-consumer.ts'
import type { Migration } from '../../shared/store/migrations.ts'
import type { SqliteTransaction } from '../../shared/store/sqlite-transaction.ts'

/** How objects ended, as the hub announces it. In tables beside the objects: adding an end does not write an object's content again. */
export const endsOfObjects: Migration = {
  name: 'how objects ended',
  sql: `
    create table open_objects(seq integer primary key);
    insert into open_objects select seq from object_rows;
    create table object_ends(
      seq integer primary key,
      state text not null,
      ended_at text not null,
      duration_ms real not null,
      error text,
      missing text
    );
    create index object_ends_state on object_ends(state, seq);
    drop view objects;
    create view objects as
      select id, tenant, name, content, created_at, coalesce(state, 'accepted') as state, ended_at, duration_ms, error, missing
      from object_rows left join object_ends using (seq);`,
}

const FIND_SEQ = 'select seq from object_rows where id = ?'
// The first end stands: a group ends once, and an object that failed stays failed when its task is replayed and done. A hub that has lost or
// forgotten the group may come to another end when it is asked again: then the object is completed, whichever of the two is told first.
const RECORD = `insert into object_ends(seq, state, ended_at, duration_ms, error, missing) values (?, ?, ?, ?, ?, ?)
  on conflict(seq) do update set state = excluded.state, ended_at = excluded.ended_at, duration_ms = excluded.duration_ms,
    error = excluded.error, missing = excluded.missing
  where object_ends.state = 'failed' and excluded.state = 'completed'`
const CLOSE = 'delete from open_objects where seq = ?'

const place = z.object({ seq: z.int() })

/** The year 9999, where ISO 8601 text ends. */
const TIME_MS_MAX = 253_402_300_799_999

type End = Event<'OBJECT_COMPLETED' | 'OBJECT_FAILED'>

export const isEnd = (arrived: Arrived): arrived is End =>
  'data' in arrived && (arrived.type === 'OBJECT_COMPLETED' || arrived.type === 'OBJECT_FAILED')

/** Keeps how objects ended; once or many times, in any order, it comes to the same. Objects made elsewhere are passed over. */
export function recordEnds(tx: SqliteTransaction, batch: readonly Arrived[], nowMs: number): void {
  for (const { data, meta } of batch.filter(isEnd)) {
    const found = tx.get(place, FIND_SEQ, data.objectId)
    if (!found) continue
    const [state, error, missing] =
      data.type === 'OBJECT_FAILED' ? ['failed', data.error, JSON.stringify(data.missing)] : ['completed', null, null]
    tx.run(RECORD, found.seq, state, isoOf(meta.atMs ?? nowMs, nowMs), data.durationMs, error, missing)
    tx.run(CLOSE, found.seq)
  }
}

/** A stranger's time may be nonsense. */
const isoOf = (atMs: number, nowMs: number) => new Date(atMs >= 0 && atMs <= TIME_MS_MAX ? atMs : nowMs).toISOString()
