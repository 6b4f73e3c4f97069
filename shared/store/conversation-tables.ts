import type { Migration } from './migrations.ts'

/**
 * Tables and views of conversations. The views are the contract, for a person with sqlite3: times as ISO 8601 text in UTC, null for what
 * has not happened. The tables hold times as ms since 1970 and may change. Only SQL that a sqlite3 of 2019 knows.
 *
 * Keys come first in the primary keys, so that a person who knows only a key finds its rows at once. The state comes last in its row:
 * a look at the other columns then never reads the pages that a large state spills into.
 */
const tables = `
  create table conversation_rows(
    seq integer primary key, key text not null, kind text not null, version integer not null, status text not null,
    created_at integer not null, changed_at integer not null, ended_at integer,
    -- Lines of history that it ever had.
    lines integer not null,
    correlation_id text not null, tenant text, traceparent text, state text not null,
    unique(key, kind)
  );
  -- For lists, newest first; the tenant last, so that those of others are passed over without a look at their rows.
  -- A change that leaves status and end as they were touches none of these.
  create index conversations_by_status on conversation_rows(kind, status, created_at, seq, tenant);
  create index conversations_open on conversation_rows(kind, created_at, seq, tenant) where ended_at is null;
  create index conversations_over on conversation_rows(kind, created_at, seq, tenant) where ended_at is not null;
  -- For forgetting those that ended long ago.
  create index conversations_ended on conversation_rows(status, ended_at) where ended_at is not null;

  create table history_rows(
    conversation integer not null, n integer not null, at integer not null, what text not null, detail text,
    primary key(conversation, n)
  ) without rowid;

  create table timer_rows(
    key text not null, kind text not null, name text not null, token integer not null, due integer not null,
    primary key(key, kind, name)
  ) without rowid;
  create index timers_due on timer_rows(due, token);
  -- One row: the last token given, whatever became of its timer.
  create table timer_tokens(id integer primary key check (id = 1), last integer not null);
  insert into timer_tokens values (1, 0);
  create table wakeup_rows(slot integer primary key);

  create table early_rows(
    seq integer primary key, key text not null, kind text not null, at integer not null,
    -- Of the event, in UTF-8: adding them up reads no event.
    bytes integer not null, event text not null
  );
  create index early_of on early_rows(key, kind, seq, bytes);
  create index early_at on early_rows(at);

  create table ignored_rows(
    kind text not null, why text not null, type text not null, count integer not null,
    last_key text not null, last_at integer not null,
    primary key(kind, why, type)
  ) without rowid;

  -- How many rows there are, kept with every change, because counting 100,000 takes longer than the work of a message:
  -- open conversations by kind, timers, early events and their bytes.
  create table counts(what text not null, kind text not null, n integer not null, primary key(what, kind)) without rowid;`

/** SQL of a time, which is stored as ms since 1970, as ISO 8601 text in UTC. */
export const iso = (column: string) => `strftime('%Y-%m-%dT%H:%M:%fZ', ${column} / 1000.0, 'unixepoch')`

const views = `
  create view conversations(kind, key, status, version, tenant, created_at, changed_at, ended_at) as
    select kind, key, status, version, tenant, ${iso('created_at')}, ${iso('changed_at')}, ${iso('ended_at')}
    from conversation_rows;

  create view history(kind, key, at, what, detail) as
    select c.kind, c.key, ${iso('h.at')}, h.what, h.detail
    from conversation_rows c join history_rows h on h.conversation = c.seq;

  create view timers(kind, key, name, due_at) as
    select kind, key, name, ${iso('due')} from timer_rows;

  create view ignored(kind, why, type, count, last_key, last_at) as
    select kind, why, type, count, last_key, ${iso('last_at')} from ignored_rows;`

/** What stands still, and why: one row per timer, and one per thread of which messages are set aside. */
const frozen = `
  create table frozen_rows(
    key text not null, kind text not null, name text not null, remaining integer not null, since integer not null,
    primary key(key, kind, name)
  ) without rowid;
  create table parked_threads(correlation_id text primary key, since integer not null) without rowid;
  create index conversations_of_thread on conversation_rows(correlation_id, kind) where ended_at is null;

  create view frozen_timers(kind, key, name, left_ms, since) as
    select kind, key, name, remaining, ${iso('since')} from frozen_rows;`

/** The tables of `ConversationTransaction` besides those of `messagingTables`. */
export const conversationTables: Migration = { name: 'conversations', sql: tables + views }
export const frozenTables: Migration = { name: 'frozen timers', sql: frozen }
