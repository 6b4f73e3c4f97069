import { iso } from './conversation-tables.ts'
import type { Migration } from './migrations.ts'

/** The table of `DefinitionTransaction`, and its view: who registered what, when and why. */
export const definitionTables: Migration = {
  name: 'definitions',
  sql: `
    create table definition_rows(
      seq integer primary key, type text not null, version integer not null, at integer not null,
      actor text not null, reason text not null, document text not null
    );
    -- In the order of lists.
    create unique index definitions_of on definition_rows(type, version desc);

    create view definitions(type, version, at, actor, reason, document) as
      select type, version, ${iso('at')}, actor, reason, document from definition_rows;`,
}
