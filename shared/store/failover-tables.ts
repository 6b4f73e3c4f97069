import type { Migration } from './migrations.ts'

/** What a store knows of the other one, when it is one of a pair (`failover-hub-store.ts`). */
export const failoverTables: Migration = {
  name: 'failover',
  sql: `
    -- One row. Of two stores the one with the higher epoch leads; 0 before there was a pair.
    create table lead_rows(
      id integer primary key check (id = 1), epoch integer not null, leads integer not null,
      -- Since when it leads; and whether the other store holds nothing that is not here.
      at integer not null, drained integer not null,
      -- The same id in both files of a pair; and which of the two a person has said is going to be away.
      pair text, out text
    );
    insert into lead_rows values (1, 0, 0, 0, 0, null, null);
    -- Fences: the copy of these conversations here was left behind, or may have been.
    create table moved_rows(key text not null, kind text not null, primary key(key, kind)) without rowid;`,
}
