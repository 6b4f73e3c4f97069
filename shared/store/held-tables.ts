import type { Migration } from './migrations.ts'

/**
 * Tables and views of the catalogue of held messages. The views are the contract, as with conversations; see `conversation-tables.ts`.
 *
 * Sums that people and jobs ask for again and again are kept by triggers with every change, because counting a million rows takes longer
 * than the work of a message: `held_strata` by place, rule and state, `held_groups` by fingerprint, `held_jobs` by job.
 */
const tables = `
  -- Where messages come from: few, so that a list knows in which of them to look at all.
  create table held_sources(
    seq integer primary key,
    place text not null,
    -- Null for what no queue wanted.
    queue text,
    -- Null for what was not set aside.
    rule text
  );
  create unique index held_source on held_sources(place, coalesce(queue, ''), coalesce(rule, ''));

  create table held_rows(
    seq integer primary key, id text not null unique, source integer not null, state text not null,
    message_id text not null, type text, key text, tenant text, correlation_id text,
    reason text not null, error text, attempts integer, fingerprint text,
    first_failed_at integer, held_at integer not null, job text, changed_at integer not null,
    -- When it was last known to lie in its place.
    seen_at integer not null,
    -- Failed again after it came back.
    failing integer not null,
    -- 1 while it is held or chosen; 1 when nothing more will become of it. Beside the state, because an index is written again whenever
    -- one of its columns is set: most changes of the state touch one index instead of five.
    lies integer not null, settled integer not null
  );
  -- For lists, newest first; what else they are chosen by last, so that others are passed over without a look at their rows.
  create index held_of_source on held_rows(source, state, held_at, seq, tenant, type);
  create index held_of_fingerprint on held_rows(fingerprint, lies, held_at, seq, tenant) where fingerprint is not null;
  create index held_of_job on held_rows(job, held_at, seq) where job is not null;
  create index held_of_thread on held_rows(correlation_id, held_at, seq) where correlation_id is not null and settled = 0;
  -- For forgetting those that were settled long ago.
  create index held_settled on held_rows(changed_at, seq) where settled = 1;

  create table held_contents(id text primary key, body text not null, properties text not null, edited text) without rowid;

  create table archive_rows(
    seq integer primary key, id text not null unique, place text not null, queue text, key text not null,
    at integer not null, actor text not null, reason text not null, properties text not null, body text not null
  );

  create table held_strata(
    source integer not null, state text not null, n integer not null,
    primary key(source, state)
  ) without rowid;
  -- Of what lies in its place. An empty text stands for what is not known.
  create table held_groups(
    fingerprint text not null, source integer not null, type text not null, tenant text not null, n integer not null,
    primary key(fingerprint, source, type, tenant)
  ) without rowid;
  create table held_jobs(
    job text not null, source integer not null, state text not null, n integer not null,
    primary key(job, source, state)
  ) without rowid;`

type Row = 'new' | 'old'

const group = (row: Row, by: 1 | -1) => `
    insert into held_groups(fingerprint, source, type, tenant, n)
      values (${row}.fingerprint, ${row}.source, coalesce(${row}.type, ''), coalesce(${row}.tenant, ''), ${by})
      on conflict(fingerprint, source, type, tenant) do update set n = n + excluded.n;`

const job = (row: Row, by: 1 | -1) => `
    insert into held_jobs(job, source, state, n) values (${row}.job, ${row}.source, ${row}.state, ${by})
      on conflict(job, source, state) do update set n = n + excluded.n;`

/** Where a row comes from, and what makes its group, never change. Sums that come to nothing are removed with settled rows. */
const triggers = `
  create trigger held_added after insert on held_rows begin
    insert into held_strata(source, state, n) values (new.source, new.state, 1)
      on conflict(source, state) do update set n = n + 1;
  end;
  create trigger held_removed after delete on held_rows begin
    update held_strata set n = n - 1 where source = old.source and state = old.state;
  end;
  create trigger held_changed after update of state on held_rows begin
    update held_strata set n = n - 1 where source = old.source and state = old.state;
    insert into held_strata(source, state, n) values (new.source, new.state, 1)
      on conflict(source, state) do update set n = n + 1;
  end;

  create trigger held_in_group after insert on held_rows when new.lies = 1 and new.fingerprint is not null begin${group('new', 1)}
  end;
  create trigger held_out_of_group after delete on held_rows when old.lies = 1 and old.fingerprint is not null begin${group('old', -1)}
  end;
  create trigger held_left_group after update of lies on held_rows when old.lies > new.lies and new.fingerprint is not null begin${group('new', -1)}
  end;
  create trigger held_back_in_group after update of lies on held_rows when old.lies < new.lies and new.fingerprint is not null begin${group('new', 1)}
  end;

  create trigger held_with_job after insert on held_rows when new.job is not null begin${job('new', 1)}
  end;
  create trigger held_removed_from_job after delete on held_rows when old.job is not null begin${job('old', -1)}
  end;
  create trigger held_left_job after update of state on held_rows when old.job is not null begin${job('old', -1)}
  end;
  create trigger held_in_job after update of state on held_rows when new.job is not null begin${job('new', 1)}
  end;`

const iso = (column: string) => `strftime('%Y-%m-%dT%H:%M:%fZ', ${column} / 1000.0, 'unixepoch')`

const views = `
  create view dead(
    id, place, queue, type, key, tenant, message_id, correlation_id, reason, error, attempts, fingerprint,
    first_failed_at, dead_at, state, replay, changed_at
  ) as
    select r.id, s.place, s.queue, r.type, r.key, r.tenant, r.message_id, r.correlation_id, r.reason, r.error, r.attempts,
      r.fingerprint, ${iso('r.first_failed_at')}, ${iso('r.held_at')}, r.state, r.job, ${iso('r.changed_at')}
    from held_rows r join held_sources s on s.seq = r.source where s.rule is null;

  create view sidelined(
    id, rule, place, queue, type, key, tenant, message_id, correlation_id, reason, error, parked_at, state, replay, changed_at
  ) as
    select r.id, s.rule, s.place, s.queue, r.type, r.key, r.tenant, r.message_id, r.correlation_id, r.reason,
      r.error, ${iso('r.held_at')}, r.state, r.job, ${iso('r.changed_at')}
    from held_rows r join held_sources s on s.seq = r.source where s.rule is not null;

  create view held_by_place(place, rule, state, count) as
    select s.place, s.rule, t.state, t.n from held_strata t join held_sources s on s.seq = t.source where t.n > 0;

  create view archive(id, place, queue, key, archived_at, actor, reason, properties, body) as
    select id, place, queue, key, ${iso('at')}, actor, reason, properties, body from archive_rows;`

/** The tables of `HeldTransaction`. */
export const heldTables: Migration = { name: 'held messages', sql: tables + triggers + views }

/** For whoever knows the id of a message, or of what it was about. Neither ever changes: only a row that comes or goes pays for it. */
export const heldSubjects: Migration = {
  name: 'what held messages are about',
  sql: `
    alter table held_rows add column subject text;
    create index held_of_subject on held_rows(subject, held_at, seq) where subject is not null;
    create index held_of_message on held_rows(message_id, held_at, seq);`,
}
