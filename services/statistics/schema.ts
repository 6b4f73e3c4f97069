import { type Migration, messagingTables } from '../../shared/store/migrations.ts'
import { taskFailures } from './failures.ts'
import { ledgerMigration } from './ledger/schema.ts'

/**
 * Tables and views of `stats.db`. The views are the contract: times as ISO 8601 text in UTC, durations in ms, null for what
 * is not known yet. The tables hold times as ms since 1970 and may change. Only SQL that a sqlite3 of 2019 knows.
 */

/** Totals, in the order in which the view `statistics` lists them. */
export const counterNames = [
  'objects_created',
  'objects_completed',
  'objects_failed',
  'tasks_created',
  'tasks_started',
  'tasks_finished',
  'tasks_failed',
  'tasks_in_progress',
  'messages_dead',
  'messages_parked',
] as const

export type CounterName = (typeof counterNames)[number]

/** Counters that the view `throughput` shows per minute. */
export const minuteNames = counterNames.filter((name) => name !== 'tasks_in_progress')

const tables = `
  create table counters(name text primary key, place integer not null, value integer not null);
  ${counterNames.map((name, place) => `insert into counters values ('${name}', ${place}, 0);`).join('\n  ')}
  create table updated(id integer primary key check (id = 1), at integer not null);
  insert into updated values (1, cast(strftime('%s', 'now') as integer) * 1000);

  create table durations(kind text primary key, count integer not null, sum_ms real not null, max_ms real not null);
  insert into durations values ('object', 0, 0, 0), ('task', 0, 0, 0);
  create table histogram(
    kind text not null, bucket integer not null, ms real not null, count integer not null,
    primary key(kind, bucket)
  ) without rowid;

  create table event_kinds(
    type text not null, key text not null, count integer not null, first_at integer not null, last_at integer not null,
    unheard integer not null, unheard_at integer,
    primary key(type, key)
  ) without rowid;
  create table minutes(
    at integer primary key, events integer not null,
    ${minuteNames.map((name) => `${name} integer not null`).join(', ')}
  );

  create table object_rows(
    seq integer primary key, id text not null unique, tenant text, created_at integer, completed_at integer,
    failed_at integer, duration_ms real, tasks integer, tasks_finished integer not null, tasks_failed integer not null,
    last_finish_at integer, changed_at integer not null
  );
  create table task_rows(
    seq integer primary key, id text not null unique, object_id text not null, tenant text, created_at integer,
    started_at integer, finished_at integer, failed_at integer, processor text, attempts integer not null,
    duration_ms real, changed_at integer not null
  );`

const iso = (column: string) => `strftime('%Y-%m-%dT%H:%M:%fZ', ${column} / 1000.0, 'unixepoch')`

/** The lowest bucket up to which at least `percent` of the durations lie; never above the greatest duration. */
const percentile = (kind: string, percent: number) => `coalesce((
    select min(ms, (select max_ms from durations where kind = '${kind}'))
    from (select bucket, ms, sum(count) over (order by bucket) as up_to from histogram where kind = '${kind}')
    where up_to * 100 >= ${percent} * (select count from durations where kind = '${kind}')
    order by bucket limit 1), 0)`

const durationRows = (kind: string) => `
  union all select '${kind}_ms_avg', round(sum_ms / max(count, 1), 1) from durations where kind = '${kind}'
  union all select '${kind}_ms_p50', round(${percentile(kind, 50)}, 1)
  union all select '${kind}_ms_p95', round(${percentile(kind, 95)}, 1)
  union all select '${kind}_ms_max', round(max_ms, 1) from durations where kind = '${kind}'`

const views = `
  create view statistics(metric, value) as
    select name, value from (select name, value from counters order by place)
    ${durationRows('object')}
    ${durationRows('task')}
    union all select 'updated_at', ${iso('at')} from updated;

  create view objects(id, tenant, created_at, completed_at, failed_at, duration_ms) as
    select id, tenant, ${iso('created_at')}, ${iso('completed_at')}, ${iso('failed_at')}, duration_ms from object_rows;

  create view tasks(
    id, object_id, tenant, created_at, started_at, finished_at, failed_at, processor, attempts, duration_ms
  ) as
    select id, object_id, tenant, ${iso('created_at')}, ${iso('started_at')}, ${iso('finished_at')}, ${iso('failed_at')},
      processor, attempts, duration_ms
    from task_rows;

  create view events_by_type(type, key, count, first_at, last_at) as
    select type, key, count, ${iso('first_at')}, ${iso('last_at')} from event_kinds;

  create view unheard(key, type, count, last) as
    select key, type, unheard, ${iso('unheard_at')} from event_kinds where unheard > 0;

  create view throughput(minute, events, ${minuteNames.join(', ')}) as
    select strftime('%Y-%m-%dT%H:%MZ', at / 1000.0, 'unixepoch'), events, ${minuteNames.join(', ')} from minutes;`

/** How an object ended is told by an event of its own; before, it was counted from its tasks. */
const withoutTaskCounts = ['tasks', 'tasks_finished', 'tasks_failed', 'last_finish_at']
  .map((column) => `alter table object_rows drop column ${column};`)
  .join('\n  ')

export const migrations: readonly Migration[] = [
  messagingTables,
  { name: 'statistics', sql: tables + views },
  { name: 'objects end by events of their own', sql: withoutTaskCounts },
  ledgerMigration,
  taskFailures,
]
