pragma user_version = 1;
pragma application_id = 1700950833;
CREATE TABLE outcome_rows(
      seq integer primary key, activity text not null, key text not null, begun_at integer not null,
      told_attempt integer, ended_at integer, output text, error text,
      unique(activity, key)
    );
insert into "outcome_rows"("seq","activity","key","begun_at","told_attempt","ended_at","output","error") values (1,'notify','20158caf-0536-8d3d-a32c-bff0b2040889.main:notify',1795313433292,NULL,1795313433316,'{"to":"ada@example.com"}',NULL);
CREATE VIEW outcomes(activity, key, begun_at, ended_at, output, error) as
      select activity, key, strftime('%Y-%m-%dT%H:%M:%fZ', begun_at / 1000.0, 'unixepoch'),
        strftime('%Y-%m-%dT%H:%M:%fZ', ended_at / 1000.0, 'unixepoch'), output, error
      from outcome_rows;
