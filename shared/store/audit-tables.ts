import { iso } from './conversation-tables.ts'
import type { Migration } from './migrations.ts'

/** The table of `AuditTransaction`, and its view: who did what, when, why, and with which outcome. */
export const auditTables: Migration = {
  name: 'audit',
  sql: `
    create table audit_rows(
      seq integer primary key, id text not null, at integer not null, actor text, is_proven integer not null,
      is_stranger integer not null, address text not null, act text not null, target text, reason text, status integer not null,
      correlation_id text not null
    );
    -- In the order of lists.
    create index audit_at on audit_rows(at);
    create index audit_of_actor on audit_rows(actor, at);
    create index audit_of_act on audit_rows(act, at);
    -- Whoever has no token can fill his own share only: what was done is not pushed out by it.
    create index audit_acts on audit_rows(at, is_stranger) where is_stranger = 0;
    create index audit_strangers on audit_rows(at) where is_stranger = 1;

    create view audit(at, actor, is_proven, address, act, target, reason, status, id, correlation_id) as
      select ${iso('at')}, actor, is_proven, address, act, target, reason, status, id, correlation_id from audit_rows;`,
}
