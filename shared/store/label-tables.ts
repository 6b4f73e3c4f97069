import { iso } from './conversation-tables.ts'
import type { Migration } from './migrations.ts'

/**
 * Gives conversations a label (of a journey: its type) and what a person has to attend to. The table is built again, so that the state
 * stays the last of its columns: those behind it are only found by reading it.
 */
const table = `
  drop view conversations;
  drop view history;
  create table labelled_rows(
    seq integer primary key, key text not null, kind text not null, version integer not null, status text not null,
    created_at integer not null, changed_at integer not null, ended_at integer,
    -- Lines of history that it ever had.
    lines integer not null,
    correlation_id text not null, tenant text, traceparent text, label text, attention text, state text not null,
    unique(key, kind)
  );
  insert into labelled_rows
    select seq, key, kind, version, status, created_at, changed_at, ended_at, lines, correlation_id, tenant, traceparent,
      null, null, state
    from conversation_rows order by seq;
  drop table conversation_rows;
  alter table labelled_rows rename to conversation_rows;

  create index conversations_by_status on conversation_rows(kind, status, created_at, seq, tenant);
  create index conversations_open on conversation_rows(kind, created_at, seq, tenant) where ended_at is null;
  create index conversations_over on conversation_rows(kind, created_at, seq, tenant) where ended_at is not null;
  create index conversations_ended on conversation_rows(status, ended_at) where ended_at is not null;
  create index conversations_of_thread on conversation_rows(correlation_id, kind) where ended_at is null;`

/** Of conversations without a label, or that need nobody, nothing is in these: they cost what they did. */
const indexes = `
  -- One for lists of a label, for what labels there are, and for how long conversations of one took, with no look at a row.
  create index conversations_by_label
    on conversation_rows(kind, label, (ended_at is null), status, created_at, seq, tenant, ended_at) where label is not null;
  create index conversations_by_attention on conversation_rows(kind, attention, created_at, seq, label, status, tenant)
    where attention is not null;
  -- In the order in which they ended.
  create index conversations_labelled_ended on conversation_rows(kind, ended_at, seq)
    where label is not null and ended_at is not null;`

const views = `
  create view conversations(kind, key, status, version, tenant, created_at, changed_at, ended_at) as
    select kind, key, status, version, tenant, ${iso('created_at')}, ${iso('changed_at')}, ${iso('ended_at')}
    from conversation_rows;

  create view history(kind, key, at, what, detail) as
    select c.kind, c.key, ${iso('h.at')}, h.what, h.detail
    from conversation_rows c join history_rows h on h.conversation = c.seq;

  create view journeys(id, type, status, attention, tenant, created_at, changed_at, ended_at) as
    select key, label, status, attention, tenant, ${iso('created_at')}, ${iso('changed_at')}, ${iso('ended_at')}
    from conversation_rows where kind = 'journey';`

/** What `conversationTables` lacks. */
export const labelTables: Migration = { name: 'labels', sql: table + indexes + views }
