import type { Migration } from '../../../shared/store/migrations.ts'

/**
 * The ledger's part of `stats.db`. Rows of tasks and objects that were there before it are `outside`: nobody knows where their messages lie.
 * A column's default is not written into old rows, so that a large file opens as fast as a small one.
 */

const iso = (column: string) => `strftime('%Y-%m-%dT%H:%M:%fZ', ${column} / 1000.0, 'unixepoch')`

const columns = `
  alter table task_rows add column mark text not null default 'outside';
  alter table task_rows add column mark_at integer not null default 0;
  alter table task_rows add column mark_by text not null default '';
  alter table object_rows add column mark text not null default 'outside';
  alter table object_rows add column mark_stage integer not null default 0;
  alter table object_rows add column mark_at integer not null default 0;
  alter table object_rows add column mark_by text not null default '';`

const tables = `
  create table entry_rows(
    seq integer primary key, kind text not null, id text not null, tenant text, accepted_at integer, outcome text,
    mark_stage integer not null, mark text not null, mark_at integer not null, mark_by text not null,
    began_at integer, changed_at integer not null,
    unique(kind, id)
  );
  create table ledger_accounts(
    kind text not null, tenant text not null, state text not null, queue text not null, by_whom text not null,
    count integer not null,
    primary key(kind, tenant, state, queue, by_whom)
  ) without rowid;
  create table ledger_names(role text not null, name text not null, primary key(role, name)) without rowid;

  create table ledger_missing(
    kind text not null, id text not null, tenant text not null, place text not null, since integer not null,
    primary key(place, kind, id)
  ) without rowid;
  create table ledger_seen(
    queue text primary key, ready integer not null, unsettled integer, replay integer not null, parked integer not null,
    dead integer not null, at integer not null
  ) without rowid;
  create table ledger_unobserved(place text primary key, why text not null) without rowid;
  -- Which process looks, until when; what was said last, since when it does not balance, when it was compared last, and
  -- since when there is a ledger.
  create table ledger_watch(
    id integer primary key check (id = 1), holder text not null, until integer not null, said integer not null,
    since integer, compared_at integer, began integer
  );
  insert into ledger_watch values (1, '', 0, 0, null, null, null);`

/** Small, whatever the tables hold: what is open, by where it should be; and what has ended without having been accepted. */
const indexes = `
  create index ledger_missing_whose on ledger_missing(kind, tenant);
  create index task_rows_open on task_rows(mark, mark_by, changed_at)
    where finished_at is null and created_at is not null and mark <> 'outside';
  create index object_rows_open on object_rows(mark_stage, mark, mark_by, changed_at)
    where completed_at is null and failed_at is null and created_at is not null and mark <> 'outside';
  create index entry_rows_open on entry_rows(kind, mark, mark_by, changed_at)
    where outcome is null and accepted_at is not null;
  create index task_rows_strange on task_rows(changed_at)
    where created_at is null and finished_at is not null and mark <> 'outside';
  create index object_rows_strange on object_rows(changed_at)
    where created_at is null and (completed_at is not null or failed_at is not null) and mark <> 'outside';
  create index entry_rows_strange on entry_rows(changed_at) where accepted_at is null and outcome is not null;`

/** Every state of the ledger with the column that shows it. */
const shown = [
  ['accepted', 'accepted'],
  ['done', 'done'],
  ['failed', 'failed'],
  ['inFlight', 'in_flight'],
  ['waiting', 'waiting'],
  ['parked', 'parked'],
  ['dead', 'dead'],
  ['discarded', 'discarded'],
] as const

const sums = shown.map(([state]) => `sum(case when state = '${state}' then count else 0 end)`).join(',\n      ')
const sumOf = (state: string, queue: string) =>
  `(select coalesce(sum(count), 0) from ledger_accounts where state = '${state}' and queue = ${queue})`

const views = `
  create view ledger(kind, tenant, ${shown.map(([, column]) => column).join(', ')}, imbalance) as
    select a.kind, a.tenant, ${sums},
      (select count(*) from ledger_missing m where m.kind = a.kind and m.tenant = a.tenant)
    from (
      select kind, tenant, state, count from ledger_accounts union all select kind, tenant, '', 0 from ledger_missing
    ) a group by a.kind, a.tenant;

  create view ledger_queues(
    queue, ready, unsettled, replay, parked, dead, in_flight, waiting, entries_parked, entries_dead, at
  ) as
    select queue, ready, unsettled, replay, parked, dead, ${sumOf('inFlight', 's.queue')}, ${sumOf('waiting', 's.queue')},
      ${sumOf('parked', 's.queue')}, ${sumOf('dead', 's.queue')}, ${iso('at')}
    from ledger_seen s;

  create view ledger_parked(kind, tenant, queue, rule, count) as
    select kind, tenant, queue, by_whom, count from ledger_accounts where state = 'parked' and count <> 0;

  create view ledger_discarded(kind, tenant, queue, "by", count) as
    select kind, tenant, queue, by_whom, count from ledger_accounts where state = 'discarded' and count <> 0;

  create view ledger_imbalances(kind, id, place, since) as
    select kind, id, place, ${iso('since')} from ledger_missing;`

export const ledgerMigration: Migration = { name: 'the ledger', sql: columns + tables + indexes + views }
