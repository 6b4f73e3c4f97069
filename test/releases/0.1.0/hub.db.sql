pragma user_version = 8;
pragma application_id = 1700950833;
CREATE TABLE inbox(
      seq integer primary key,
      queue text not null,
      id text not null,
      at integer not null,
      unique(queue, id)
    );
CREATE TABLE outbox(
      seq integer primary key autoincrement,
      exchange text not null,
      key text not null,
      body text not null,
      properties text not null
    );
CREATE TABLE history_rows(
    conversation integer not null, n integer not null, at integer not null, what text not null, detail text,
    primary key(conversation, n)
  ) without rowid;
CREATE TABLE timer_rows(
    key text not null, kind text not null, name text not null, token integer not null, due integer not null,
    primary key(key, kind, name)
  ) without rowid;
CREATE TABLE timer_tokens(id integer primary key check (id = 1), last integer not null);
CREATE TABLE wakeup_rows(slot integer primary key);
CREATE TABLE early_rows(
    seq integer primary key, key text not null, kind text not null, at integer not null,
    -- Of the event, in UTF-8: adding them up reads no event.
    bytes integer not null, event text not null
  );
CREATE TABLE ignored_rows(
    kind text not null, why text not null, type text not null, count integer not null,
    last_key text not null, last_at integer not null,
    primary key(kind, why, type)
  ) without rowid;
CREATE TABLE counts(what text not null, kind text not null, n integer not null, primary key(what, kind)) without rowid;
CREATE TABLE frozen_rows(
    key text not null, kind text not null, name text not null, remaining integer not null, since integer not null,
    primary key(key, kind, name)
  ) without rowid;
CREATE TABLE parked_threads(correlation_id text primary key, since integer not null) without rowid;
CREATE TABLE held_sources(
    seq integer primary key,
    place text not null,
    -- Null for what no queue wanted.
    queue text,
    -- Null for what was not set aside.
    rule text
  );
CREATE TABLE held_rows(
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
  , subject text);
CREATE TABLE held_contents(id text primary key, body text not null, properties text not null, edited text) without rowid;
CREATE TABLE archive_rows(
    seq integer primary key, id text not null unique, place text not null, queue text, key text not null,
    at integer not null, actor text not null, reason text not null, properties text not null, body text not null
  );
CREATE TABLE held_strata(
    source integer not null, state text not null, n integer not null,
    primary key(source, state)
  ) without rowid;
CREATE TABLE held_groups(
    fingerprint text not null, source integer not null, type text not null, tenant text not null, n integer not null,
    primary key(fingerprint, source, type, tenant)
  ) without rowid;
CREATE TABLE held_jobs(
    job text not null, source integer not null, state text not null, n integer not null,
    primary key(job, source, state)
  ) without rowid;
CREATE TABLE "conversation_rows"(
    seq integer primary key, key text not null, kind text not null, version integer not null, status text not null,
    created_at integer not null, changed_at integer not null, ended_at integer,
    -- Lines of history that it ever had.
    lines integer not null,
    correlation_id text not null, tenant text, traceparent text, label text, attention text, state text not null,
    unique(key, kind)
  );
CREATE TABLE definition_rows(
      seq integer primary key, type text not null, version integer not null, at integer not null,
      actor text not null, reason text not null, document text not null
    );
CREATE TABLE lead_rows(
      id integer primary key check (id = 1), epoch integer not null, leads integer not null,
      -- Since when it leads; and whether the other store holds nothing that is not here.
      at integer not null, drained integer not null,
      -- The same id in both files of a pair; and which of the two a person has said is going to be away.
      pair text, out text
    );
CREATE TABLE moved_rows(key text not null, kind text not null, primary key(key, kind)) without rowid;
insert into "inbox"("seq","queue","id","at") values (1,'hub_consume','01a20104-ec68-8c6c-9795-93d8a9e3e540',1795313429711);
insert into "inbox"("seq","queue","id","at") values (2,'hub_consume','01a20104-ec68-8246-8d90-9d5e10ad951a',1795313429711);
insert into "inbox"("seq","queue","id","at") values (3,'hub_consume','01a20104-ec68-8cd9-a9a8-bac38a31b2c9',1795313429769);
insert into "inbox"("seq","queue","id","at") values (4,'hub_consume','01a20104-ec68-894a-94fc-7164bf23afca',1795313429803);
insert into "inbox"("seq","queue","id","at") values (5,'hub_consume','01a20104-ec68-870b-a4b2-e515c537d873',1795313429803);
insert into "inbox"("seq","queue","id","at") values (6,'hub_consume','01a20104-ec68-8be4-8dd5-4f278b8e9cb9',1795313429803);
insert into "inbox"("seq","queue","id","at") values (7,'hub_consume','01a20104-ec68-8efd-8236-2e7e6f7dc738',1795313429803);
insert into "inbox"("seq","queue","id","at") values (8,'hub_consume','01a20104-ec68-8284-8128-9df07f79dad7',1795313429803);
insert into "inbox"("seq","queue","id","at") values (9,'hub_consume','01a20104-f688-821b-b177-bfb86f00f97f',1795313432226);
insert into "inbox"("seq","queue","id","at") values (10,'hub_consume','01a20104-f688-807b-a264-2d5dd74b14be',1795313432238);
insert into "inbox"("seq","queue","id","at") values (11,'hub_consume','01a20104-f688-882b-b409-1f51849021d2',1795313432238);
insert into "inbox"("seq","queue","id","at") values (12,'hub_consume','01a20104-f688-84c3-904d-eba025b2d26a',1795313432238);
insert into "inbox"("seq","queue","id","at") values (13,'hub_consume','01a20104-f6b9-74e6-b34f-bc59cc9c65a6',1795313432254);
insert into "inbox"("seq","queue","id","at") values (14,'hub_consume','bd40b127-12a4-83da-be80-49684d72c870',1795313432280);
insert into "inbox"("seq","queue","id","at") values (15,'hub_consume','99bf808e-12d2-87b5-b942-4475bb1d8d05',1795313432288);
insert into "inbox"("seq","queue","id","at") values (16,'hub_consume','1fada088-2169-8a5a-9d4f-8a3c1ea7f83d',1795313432294);
insert into "inbox"("seq","queue","id","at") values (17,'hub_consume','01a20104-f688-8fae-b685-8a4f242b7dfd',1795313432325);
insert into "inbox"("seq","queue","id","at") values (18,'hub_consume','01a20104-f688-8ffe-b1a2-2eb23ef769a6',1795313432351);
insert into "inbox"("seq","queue","id","at") values (19,'hub_consume','01a20104-f688-86e4-a772-1697a19c59c9',1795313432352);
insert into "inbox"("seq","queue","id","at") values (20,'hub_consume','01a20104-f688-8214-8f16-9ae7ace2ef73',1795313432352);
insert into "inbox"("seq","queue","id","at") values (21,'hub_consume','01a20104-f688-8ed7-bae1-154968cb1245',1795313432354);
insert into "inbox"("seq","queue","id","at") values (22,'hub_consume','01a20104-f688-8591-ab07-ca3bf4bcde42',1795313432356);
insert into "inbox"("seq","queue","id","at") values (23,'hub_consume','01a20104-f688-8ec0-917d-5f85123c93aa',1795313432356);
insert into "inbox"("seq","queue","id","at") values (24,'hub_consume','01a20104-f688-8786-a158-13a2a6b2550d',1795313432356);
insert into "inbox"("seq","queue","id","at") values (25,'hub_consume','01a20104-f688-8941-bf6a-c1e3fcd32faa',1795313432356);
insert into "inbox"("seq","queue","id","at") values (26,'hub_consume','01a20104-f688-8aa4-a048-99f6a1932d7b',1795313432356);
insert into "inbox"("seq","queue","id","at") values (27,'hub_consume','01a20104-f688-8871-a938-995adecb9187',1795313432356);
insert into "inbox"("seq","queue","id","at") values (28,'hub_consume','01a20104-f688-8d19-af91-05e0bc8b0477',1795313432356);
insert into "inbox"("seq","queue","id","at") values (29,'hub_consume','01a20104-f6b9-8fb8-98b6-c6aea51d6abc',1795313432424);
insert into "inbox"("seq","queue","id","at") values (30,'hub_consume','01a20104-f6b9-88b2-937f-170c3881d59c',1795313432432);
insert into "inbox"("seq","queue","id","at") values (31,'hub_consume','01a20104-f6b9-8bf6-9f72-32ab369f7c21',1795313432475);
insert into "inbox"("seq","queue","id","at") values (32,'hub_consume','01a20104-f6b9-83fb-819b-ee1424a335c1',1795313432479);
insert into "inbox"("seq","queue","id","at") values (33,'hub_consume','01a20104-f6b9-8b94-8fbb-18c4c99487ba',1795313432495);
insert into "inbox"("seq","queue","id","at") values (34,'hub_consume','01a20104-f86e-75ec-84e8-0ce84a3e1622',1795313432704);
insert into "inbox"("seq","queue","id","at") values (35,'hub_consume','01a20104-f86e-8068-a343-4db01e06f78f',1795313432785);
insert into "inbox"("seq","queue","id","at") values (36,'hub_consume','01a20104-f8a4-7b69-90b0-3b801df33ef5',1795313432909);
insert into "inbox"("seq","queue","id","at") values (37,'hub_consume','01a20104-f931-7a74-95c4-2eb5034fcc2a',1795313433064);
insert into "inbox"("seq","queue","id","at") values (38,'hub_consume','01a20104-f86e-8945-9ae9-529a0de3da8b',1795313433064);
insert into "inbox"("seq","queue","id","at") values (39,'hub_consume','01a20104-f8a4-824b-a2ab-e5f610fdabb5',1795313433064);
insert into "inbox"("seq","queue","id","at") values (40,'hub_consume','01a20104-f95b-8e53-8cbb-e812a86a0c1d',1795313433278);
insert into "inbox"("seq","queue","id","at") values (41,'hub_consume','01a20104-f931-83c5-af4d-eac009e8201b',1795313433278);
insert into "inbox"("seq","queue","id","at") values (42,'hub_consume','01a20104-f86e-82cf-95fc-d3db984d2ad4',1795313433278);
insert into "inbox"("seq","queue","id","at") values (43,'hub_consume','01a20104-f8a4-84c9-8ad9-eb596b5568fe',1795313433278);
insert into "inbox"("seq","queue","id","at") values (44,'hub_consume','01a20104-f86e-87c0-90a8-c491edd96e93',1795313433358);
insert into "inbox"("seq","queue","id","at") values (45,'hub_consume','01a20104-f86e-8cc5-819c-99f560c6f344',1795313433445);
insert into "inbox"("seq","queue","id","at") values (46,'hub_consume','01a20104-f8a4-8af5-97ad-24bf689531db',1795313433445);
insert into "inbox"("seq","queue","id","at") values (47,'hub_consume','01a20104-f95b-8cc9-bb86-301a8e4ef9ca',1795313433454);
insert into "inbox"("seq","queue","id","at") values (48,'hub_consume','01a20104-fb79-8213-8498-599881a2ad85',1795313433529);
insert into "inbox"("seq","queue","id","at") values (49,'hub_consume','01a20104-fb79-8e5b-985c-32ffe1bcbcf2',1795313433529);
insert into "inbox"("seq","queue","id","at") values (50,'hub_consume','01a20104-fb79-8581-87d6-8df5b8d80694',1795313433529);
insert into "inbox"("seq","queue","id","at") values (51,'hub_consume','01a20104-f95b-8f9d-8f83-637513c16597',1795313433529);
insert into "inbox"("seq","queue","id","at") values (52,'hub_consume','01a20104-fc8a-7720-8b5d-f5071944edc8',1795313433770);
insert into "inbox"("seq","queue","id","at") values (53,'hub_consume','01a20104-fc8a-8686-8b0f-1c6ae7c7de23',1795313433788);
insert into "inbox"("seq","queue","id","at") values (54,'hub_consume','01a20104-fc8a-8c9e-93b2-7e546ab72e3a',1795313433918);
insert into "inbox"("seq","queue","id","at") values (55,'hub_consume','c0e75002-e14e-89df-aaf3-beb46efd94f9',1795313433976);
insert into "inbox"("seq","queue","id","at") values (56,'hub_consume','f79a80b9-1b48-8e25-9ca3-641b1ee6c8d5',1795313433987);
insert into "inbox"("seq","queue","id","at") values (57,'hub_consume','01a20105-0b09-808c-a30e-ac47c1ae8514',1795313437465);
insert into "inbox"("seq","queue","id","at") values (58,'hub_consume','01a20105-0b09-8c9a-a1ce-fe9c2308f61c',1795313437476);
insert into "inbox"("seq","queue","id","at") values (59,'hub_consume','01a20105-0b09-8cbc-8fab-1e488b58576c',1795313437570);
insert into "inbox"("seq","queue","id","at") values (60,'hub_consume','01a20105-0b09-85a9-83cc-bfb2fa494c47',1795313437573);
insert into "inbox"("seq","queue","id","at") values (61,'hub_consume','01a20105-0b09-86bc-b218-e7f2f6eddb5d',1795313437612);
insert into "inbox"("seq","queue","id","at") values (62,'hub_consume','01a20105-0b09-89ea-9102-51a202c24d1c',1795313437624);
insert into "inbox"("seq","queue","id","at") values (63,'hub_consume','01a20105-0b09-8f1f-89c9-af158ae757b8',1795313437636);
insert into "inbox"("seq","queue","id","at") values (64,'hub_consume','01a20105-0b09-8507-a868-5a48b4abef1d',1795313437636);
insert into "inbox"("seq","queue","id","at") values (65,'hub_consume','01a20105-0bc8-8e5a-998e-71e2ebbb7972',1795313437660);
insert into "inbox"("seq","queue","id","at") values (66,'hub_consume','01a20105-0bc8-8a58-b368-9bcbf8df281b',1795313437688);
insert into "inbox"("seq","queue","id","at") values (67,'hub_consume','01a20105-0bc8-8bc2-bd87-10acc52f6af8',1795313437688);
insert into "inbox"("seq","queue","id","at") values (68,'hub_consume','01a20105-0c74-74be-b8e6-225054bedfcd',1795313437817);
insert into "inbox"("seq","queue","id","at") values (69,'hub_consume','01a20105-0c8c-7326-b71e-3283a98b512b',1795313437841);
insert into "inbox"("seq","queue","id","at") values (70,'hub_consume','01a20105-0c8c-8e05-a52d-b8186120ede9',1795313437849);
insert into "inbox"("seq","queue","id","at") values (71,'hub_consume','d8fe0907-3cc7-8c58-9e9a-19214f6b5e68',1795313437942);
insert into "inbox"("seq","queue","id","at") values (72,'hub_consume','9fe7a458-6b62-871a-a3e5-09bfd8c18b81',1795313437950);
insert into "outbox"("seq","exchange","key","body","properties") values (72,'ebs.delay.1h','0.0.0.1.0.0.0.0.0.1.hub_consume','{"type":"TIMERS_DUE","slotMs":1795317037950}','{"messageId":"01a20105-0cf6-75cf-815c-0a21838aed69","correlationId":"01a20105-0cf6-75cf-815c-0a21838aed69","timestamp":1795313437,"appId":"hub","contentType":"application/json","headers":{"x-ebs-at":1795313437942,"x-ebs-key":"timers.due"},"type":"TIMERS_DUE"}');
insert into "history_rows"("conversation","n","at","what","detail") values (1,1,1795313429711,'opened','3 members, 600 s');
insert into "history_rows"("conversation","n","at","what","detail") values (1,2,1795313429769,'failed','01a20104-ec68-78c4-96d2-6827433be1f8.2: WorkFailed: simulated failure (EBS_TASK_FAILURE_RATE=1)');
insert into "history_rows"("conversation","n","at","what","detail") values (1,3,1795313429769,'failure','error of 01a20104-ec68-78c4-96d2-6827433be1f8.2: task 01a20104-ec68-78c4-96d2-6827433be1f8.2: WorkFailed: simulated failure (EBS_TASK_FAILURE_RATE=1)');
insert into "history_rows"("conversation","n","at","what","detail") values (2,1,1795313429711,'opened','3 members, 600 s');
insert into "history_rows"("conversation","n","at","what","detail") values (2,2,1795313429805,'failed','01a20104-ec68-7a68-8a89-b497d4f9a101.3: WorkFailed: simulated failure (EBS_TASK_FAILURE_RATE=1)');
insert into "history_rows"("conversation","n","at","what","detail") values (2,3,1795313429805,'failure','error of 01a20104-ec68-7a68-8a89-b497d4f9a101.3: task 01a20104-ec68-7a68-8a89-b497d4f9a101.3: WorkFailed: simulated failure (EBS_TASK_FAILURE_RATE=1)');
insert into "history_rows"("conversation","n","at","what","detail") values (3,1,1795313432226,'opened','3 members, 600 s');
insert into "history_rows"("conversation","n","at","what","detail") values (3,2,1795313432326,'done','01a20104-f688-787e-8c6a-555b6290eb94.1');
insert into "history_rows"("conversation","n","at","what","detail") values (3,3,1795313432352,'done','01a20104-f688-787e-8c6a-555b6290eb94.3');
insert into "history_rows"("conversation","n","at","what","detail") values (3,4,1795313432356,'done','01a20104-f688-787e-8c6a-555b6290eb94.2');
insert into "history_rows"("conversation","n","at","what","detail") values (3,5,1795313432356,'success','all');
insert into "history_rows"("conversation","n","at","what","detail") values (4,1,1795313432238,'opened','3 members, 600 s');
insert into "history_rows"("conversation","n","at","what","detail") values (4,2,1795313432351,'done','01a20104-f688-7104-8dea-f7a749f1f719.3');
insert into "history_rows"("conversation","n","at","what","detail") values (4,3,1795313432352,'done','01a20104-f688-7104-8dea-f7a749f1f719.1');
insert into "history_rows"("conversation","n","at","what","detail") values (4,4,1795313432356,'done','01a20104-f688-7104-8dea-f7a749f1f719.2');
insert into "history_rows"("conversation","n","at","what","detail") values (4,5,1795313432356,'success','all');
insert into "history_rows"("conversation","n","at","what","detail") values (5,1,1795313432238,'opened','3 members, 600 s');
insert into "history_rows"("conversation","n","at","what","detail") values (5,2,1795313432354,'done','01a20104-f688-7bef-ae8c-3a6d0433411c.1');
insert into "history_rows"("conversation","n","at","what","detail") values (5,3,1795313432356,'done','01a20104-f688-7bef-ae8c-3a6d0433411c.3');
insert into "history_rows"("conversation","n","at","what","detail") values (5,4,1795313432356,'done','01a20104-f688-7bef-ae8c-3a6d0433411c.2');
insert into "history_rows"("conversation","n","at","what","detail") values (5,5,1795313432356,'success','all');
insert into "history_rows"("conversation","n","at","what","detail") values (6,1,1795313432238,'opened','3 members, 600 s');
insert into "history_rows"("conversation","n","at","what","detail") values (6,2,1795313432356,'done','01a20104-f688-78ec-b784-07c3e1ba50cd.1');
insert into "history_rows"("conversation","n","at","what","detail") values (6,3,1795313432356,'done','01a20104-f688-78ec-b784-07c3e1ba50cd.2');
insert into "history_rows"("conversation","n","at","what","detail") values (6,4,1795313432356,'done','01a20104-f688-78ec-b784-07c3e1ba50cd.3');
insert into "history_rows"("conversation","n","at","what","detail") values (6,5,1795313432356,'success','all');
insert into "history_rows"("conversation","n","at","what","detail") values (7,1,1795313432254,'requested',NULL);
insert into "history_rows"("conversation","n","at","what","detail") values (7,2,1795313432254,'called','install 01a20104-f68c-72b2-8f0c-dc2785068a30.1, attempt 1');
insert into "history_rows"("conversation","n","at","what","detail") values (7,3,1795313432254,'called','install 01a20104-f68c-72b2-8f0c-dc2785068a30.2, attempt 1');
insert into "history_rows"("conversation","n","at","what","detail") values (7,4,1795313432427,'answered','install 01a20104-f68c-72b2-8f0c-dc2785068a30.1, attempt 1: 200');
insert into "history_rows"("conversation","n","at","what","detail") values (7,5,1795313432433,'answered','install 01a20104-f68c-72b2-8f0c-dc2785068a30.2, attempt 1: 200');
insert into "history_rows"("conversation","n","at","what","detail") values (7,6,1795313432433,'called','validate 01a20104-f68c-72b2-8f0c-dc2785068a30.3, attempt 1');
insert into "history_rows"("conversation","n","at","what","detail") values (7,7,1795313432433,'called','validate 01a20104-f68c-72b2-8f0c-dc2785068a30.4, attempt 1');
insert into "history_rows"("conversation","n","at","what","detail") values (7,8,1795313432475,'answered','validate 01a20104-f68c-72b2-8f0c-dc2785068a30.4, attempt 1: 200');
insert into "history_rows"("conversation","n","at","what","detail") values (7,9,1795313432479,'answered','validate 01a20104-f68c-72b2-8f0c-dc2785068a30.3, attempt 1: 200');
insert into "history_rows"("conversation","n","at","what","detail") values (7,10,1795313432479,'ended','success');
insert into "history_rows"("conversation","n","at","what","detail") values (8,1,1795313432280,'opened','2 members, 3600 s');
insert into "history_rows"("conversation","n","at","what","detail") values (8,2,1795313432288,'done','a');
insert into "history_rows"("conversation","n","at","what","detail") values (8,3,1795313432294,'done','b');
insert into "history_rows"("conversation","n","at","what","detail") values (8,4,1795313432294,'success','all');
insert into "history_rows"("conversation","n","at","what","detail") values (9,1,1795313432785,'started','order version 1');
insert into "history_rows"("conversation","n","at","what","detail") values (9,2,1795313433064,'answered','reserve, attempt 1: 200');
insert into "history_rows"("conversation","n","at","what","detail") values (9,3,1795313433278,'answered','charge, attempt 1: 200');
insert into "history_rows"("conversation","n","at","what","detail") values (9,4,1795313433278,'skipped','express: its condition does not hold');
insert into "history_rows"("conversation","n","at","what","detail") values (9,5,1795313433358,'answered','ship, attempt 1: 200');
insert into "history_rows"("conversation","n","at","what","detail") values (9,6,1795313433446,'answered','notify, attempt 1: 200');
insert into "history_rows"("conversation","n","at","what","detail") values (9,7,1795313433446,'ended','COMPLETED');
insert into "history_rows"("conversation","n","at","what","detail") values (10,1,1795313432926,'start','ann: their system is down');
insert into "history_rows"("conversation","n","at","what","detail") values (10,2,1795313432926,'sets aside','tenant == "acme" in process_consume');
insert into "history_rows"("conversation","n","at","what","detail") values (10,3,1795313432926,'starting',NULL);
insert into "history_rows"("conversation","n","at","what","detail") values (10,4,1795313433454,'consumers confirmed','1 of them');
insert into "history_rows"("conversation","n","at","what","detail") values (10,5,1795313433454,'active',NULL);
insert into "history_rows"("conversation","n","at","what","detail") values (11,1,1795313433064,'started','order version 1');
insert into "history_rows"("conversation","n","at","what","detail") values (11,2,1795313433278,'answered','reserve, attempt 1: 200');
insert into "history_rows"("conversation","n","at","what","detail") values (11,3,1795313433446,'answered','charge, attempt 1: 400 The card of 08646b7f-1e7c-827e-af61-5a863a125361.main was declined.');
insert into "history_rows"("conversation","n","at","what","detail") values (11,4,1795313433446,'needs remediation','permanent: charge: The card of 08646b7f-1e7c-827e-af61-5a863a125361.main was declined.');
insert into "history_rows"("conversation","n","at","what","detail") values (12,1,1795313433278,'needs remediation','unknown-type: Nobody has registered a journey of the type unborn: this one begins when somebody does.');
insert into "history_rows"("conversation","n","at","what","detail") values (13,1,1795313433530,'opened','3 members, 600 s');
insert into "history_rows"("conversation","n","at","what","detail") values (14,1,1795313433530,'opened','3 members, 600 s');
insert into "history_rows"("conversation","n","at","what","detail") values (15,1,1795313433530,'opened','3 members, 600 s');
insert into "history_rows"("conversation","n","at","what","detail") values (16,1,1795313433788,'started','patient-call version 1');
insert into "history_rows"("conversation","n","at","what","detail") values (16,2,1795313433918,'answered','call, attempt 1: 503 busy');
insert into "history_rows"("conversation","n","at","what","detail") values (17,1,1795313433976,'opened','2 members, 15 s');
insert into "history_rows"("conversation","n","at","what","detail") values (17,2,1795313433988,'done','a');
insert into "history_rows"("conversation","n","at","what","detail") values (18,1,1795313437465,'opened','3 members, 600 s');
insert into "history_rows"("conversation","n","at","what","detail") values (19,1,1795313437476,'opened','3 members, 600 s');
insert into "history_rows"("conversation","n","at","what","detail") values (20,1,1795313437671,'opened','3 members, 600 s');
insert into "history_rows"("conversation","n","at","what","detail") values (21,1,1795313437688,'opened','3 members, 600 s');
insert into "history_rows"("conversation","n","at","what","detail") values (22,1,1795313437688,'opened','3 members, 600 s');
insert into "history_rows"("conversation","n","at","what","detail") values (23,1,1795313437817,'requested',NULL);
insert into "history_rows"("conversation","n","at","what","detail") values (23,2,1795313437817,'called','install 01a20105-0c55-7b03-850c-511dcae8ff19.1, attempt 1');
insert into "history_rows"("conversation","n","at","what","detail") values (23,3,1795313437817,'called','install 01a20105-0c55-7b03-850c-511dcae8ff19.2, attempt 1');
insert into "history_rows"("conversation","n","at","what","detail") values (24,1,1795313437849,'started','order version 1');
insert into "history_rows"("conversation","n","at","what","detail") values (25,1,1795313437942,'opened','2 members, 3600 s');
insert into "history_rows"("conversation","n","at","what","detail") values (25,2,1795313437950,'done','a');
insert into "timer_rows"("key","kind","name","token","due") values ('4c479ac2-68d5-88ba-bd02-8a0539dfa21c.main','journey','step:reserve',38,1795313442849);
insert into "timer_rows"("key","kind","name","token","due") values ('01a20104-fd68-775f-a039-1a045f766fd1','group','deadline',28,1795313448976);
insert into "timer_rows"("key","kind","name","token","due") values ('01a20105-0c55-7b03-850c-511dcae8ff19','flow','call 1',35,1795313452817);
insert into "timer_rows"("key","kind","name","token","due") values ('01a20105-0c55-7b03-850c-511dcae8ff19','flow','call 2',36,1795313452817);
insert into "timer_rows"("key","kind","name","token","due") values ('b7644c2b-f099-84b7-9508-e5ba00229f5f.main','journey','step:call',27,1795313458918);
insert into "timer_rows"("key","kind","name","token","due") values ('01a20105-0c55-7b03-850c-511dcae8ff19','flow','deadline',34,1795313492817);
insert into "timer_rows"("key","kind","name","token","due") values ('01a20104-fb79-73d4-9a49-092d715ed096','group','deadline',22,1795314033530);
insert into "timer_rows"("key","kind","name","token","due") values ('01a20104-fb79-71f9-9641-761d94662438','group','deadline',23,1795314033530);
insert into "timer_rows"("key","kind","name","token","due") values ('01a20104-fb79-736f-9ac3-ef26e7f162c7','group','deadline',24,1795314033530);
insert into "timer_rows"("key","kind","name","token","due") values ('01a20105-0b09-7ee2-9cca-5fbd1ce392ba','group','deadline',29,1795314037465);
insert into "timer_rows"("key","kind","name","token","due") values ('01a20105-0b09-73f2-8478-a1e1bdd09daf','group','deadline',30,1795314037476);
insert into "timer_rows"("key","kind","name","token","due") values ('01a20105-0bc8-7de4-8e81-7fbb86c6f2dd','group','deadline',31,1795314037671);
insert into "timer_rows"("key","kind","name","token","due") values ('01a20105-0bc8-77a8-a6bd-358efd44b921','group','deadline',32,1795314037688);
insert into "timer_rows"("key","kind","name","token","due") values ('01a20105-0bc8-7159-9b00-855d9e3b48fb','group','deadline',33,1795314037688);
insert into "timer_rows"("key","kind","name","token","due") values ('4c479ac2-68d5-88ba-bd02-8a0539dfa21c.main','journey','deadline',37,1795314037849);
insert into "timer_rows"("key","kind","name","token","due") values ('b7644c2b-f099-84b7-9508-e5ba00229f5f.main','journey','deadline',25,1795317033788);
insert into "timer_rows"("key","kind","name","token","due") values ('01a20105-0cf2-7205-a3be-ca776ae49528','group','deadline',39,1795317037942);
insert into "timer_tokens"("id","last") values (1,39);
insert into "wakeup_rows"("slot") values (1795313438070);
insert into "wakeup_rows"("slot") values (1795313438280);
insert into "wakeup_rows"("slot") values (1795313442850);
insert into "wakeup_rows"("slot") values (1795313443070);
insert into "wakeup_rows"("slot") values (1795313443280);
insert into "wakeup_rows"("slot") values (1795313443790);
insert into "wakeup_rows"("slot") values (1795313447260);
insert into "wakeup_rows"("slot") values (1795313447440);
insert into "wakeup_rows"("slot") values (1795313448980);
insert into "wakeup_rows"("slot") values (1795313452820);
insert into "wakeup_rows"("slot") values (1795313458920);
insert into "wakeup_rows"("slot") values (1795313462930);
insert into "wakeup_rows"("slot") values (1795313487260);
insert into "wakeup_rows"("slot") values (1795313492820);
insert into "wakeup_rows"("slot") values (1795314029720);
insert into "wakeup_rows"("slot") values (1795314032230);
insert into "wakeup_rows"("slot") values (1795314032240);
insert into "wakeup_rows"("slot") values (1795314032790);
insert into "wakeup_rows"("slot") values (1795314033070);
insert into "wakeup_rows"("slot") values (1795314033530);
insert into "wakeup_rows"("slot") values (1795314037470);
insert into "wakeup_rows"("slot") values (1795314037480);
insert into "wakeup_rows"("slot") values (1795314037680);
insert into "wakeup_rows"("slot") values (1795314037690);
insert into "wakeup_rows"("slot") values (1795314037850);
insert into "wakeup_rows"("slot") values (1795317032280);
insert into "wakeup_rows"("slot") values (1795317033790);
insert into "wakeup_rows"("slot") values (1795317037950);
insert into "ignored_rows"("kind","why","type","count","last_key","last_at") values ('group','late','TASK_FAILED',4,'01a20104-ec68-7a68-8a89-b497d4f9a101',1795313429805);
insert into "counts"("what","kind","n") values ('open','flow',1);
insert into "counts"("what","kind","n") values ('open','group',10);
insert into "counts"("what","kind","n") values ('open','journey',4);
insert into "counts"("what","kind","n") values ('open','sideline',1);
insert into "counts"("what","kind","n") values ('timers','',17);
insert into "held_sources"("seq","place","queue","rule") values (1,'statistics.dead','statistics',NULL);
insert into "held_sources"("seq","place","queue","rule") values (2,'process_consume.dead','process_consume',NULL);
insert into "held_sources"("seq","place","queue","rule") values (3,'ebs.sideline.acme.process_consume','process_consume','acme#1795313432926');
insert into "held_rows"("seq","id","source","state","message_id","type","key","tenant","correlation_id","reason","error","attempts","fingerprint","first_failed_at","held_at","job","changed_at","seen_at","failing","lies","settled","subject") values (1,'01a20104-ec88-7ad8-ba7f-ca512feaa9df',1,'held','428ee5d9-0663-8236-a3ba-d67156265563',NULL,'task-requests',NULL,'428ee5d9-0663-8236-a3ba-d67156265563','poison','Unrecoverable: body: not JSON (Unexpected token ''o'', "no JSON" is not valid JSON)',1,'a393b95d4dab',1795313429639,1795313429640,NULL,1795313429649,1795313429649,0,1,0,NULL);
insert into "held_rows"("seq","id","source","state","message_id","type","key","tenant","correlation_id","reason","error","attempts","fingerprint","first_failed_at","held_at","job","changed_at","seen_at","failing","lies","settled","subject") values (2,'01a20104-ec96-7c29-b956-b3a98202d17f',2,'held','428ee5d9-0663-8236-a3ba-d67156265563',NULL,'task-requests',NULL,'428ee5d9-0663-8236-a3ba-d67156265563','poison','Unrecoverable: body: not JSON (Unexpected token ''o'', "no JSON" is not valid JSON)',1,'323583599246',1795313429636,1795313429636,NULL,1795313429700,1795313429700,0,1,0,NULL);
insert into "held_rows"("seq","id","source","state","message_id","type","key","tenant","correlation_id","reason","error","attempts","fingerprint","first_failed_at","held_at","job","changed_at","seen_at","failing","lies","settled","subject") values (3,'01a20104-ec68-8e48-ad37-4fe8ae785da3',2,'held','01a20104-ec68-8e40-983f-3ebc4c278ea0','TASK_CREATED','task-requests','unlucky','01a20104-ec68-78c4-96d2-6827433be1f8','exhausted','WorkFailed: simulated failure (EBS_TASK_FAILURE_RATE=1)',1,'4f209385783d',1795313429724,1795313429725,NULL,1795313429804,1795313429804,0,1,0,'01a20104-ec68-78c4-96d2-6827433be1f8.2');
insert into "held_rows"("seq","id","source","state","message_id","type","key","tenant","correlation_id","reason","error","attempts","fingerprint","first_failed_at","held_at","job","changed_at","seen_at","failing","lies","settled","subject") values (4,'01a20104-ec68-8c91-ab73-759688db5870',2,'held','01a20104-ec68-8611-bb0e-e6e8ea043533','TASK_CREATED','task-requests','unlucky','01a20104-ec68-78c4-96d2-6827433be1f8','exhausted','WorkFailed: simulated failure (EBS_TASK_FAILURE_RATE=1)',1,'4f209385783d',1795313429733,1795313429733,NULL,1795313429804,1795313429804,0,1,0,'01a20104-ec68-78c4-96d2-6827433be1f8.3');
insert into "held_rows"("seq","id","source","state","message_id","type","key","tenant","correlation_id","reason","error","attempts","fingerprint","first_failed_at","held_at","job","changed_at","seen_at","failing","lies","settled","subject") values (5,'01a20104-ec68-813a-aa81-2d85f41cb8f2',2,'held','01a20104-ec68-8714-9b9f-f2169c46d313','TASK_CREATED','task-requests','unlucky','01a20104-ec68-7a68-8a89-b497d4f9a101','exhausted','WorkFailed: simulated failure (EBS_TASK_FAILURE_RATE=1)',1,'4f209385783d',1795313429741,1795313429741,NULL,1795313429804,1795313429804,0,1,0,'01a20104-ec68-7a68-8a89-b497d4f9a101.3');
insert into "held_rows"("seq","id","source","state","message_id","type","key","tenant","correlation_id","reason","error","attempts","fingerprint","first_failed_at","held_at","job","changed_at","seen_at","failing","lies","settled","subject") values (6,'01a20104-ec68-83b0-9e96-140381f247c1',2,'held','01a20104-ec68-8aff-8b46-40f4ba37ddee','TASK_CREATED','task-requests','unlucky','01a20104-ec68-78c4-96d2-6827433be1f8','exhausted','WorkFailed: simulated failure (EBS_TASK_FAILURE_RATE=1)',1,'4f209385783d',1795313429742,1795313429742,NULL,1795313429804,1795313429804,0,1,0,'01a20104-ec68-78c4-96d2-6827433be1f8.1');
insert into "held_rows"("seq","id","source","state","message_id","type","key","tenant","correlation_id","reason","error","attempts","fingerprint","first_failed_at","held_at","job","changed_at","seen_at","failing","lies","settled","subject") values (7,'01a20104-ec68-8087-9971-5513b539f0fa',2,'held','01a20104-ec68-8401-b799-dd7476a02f6c','TASK_CREATED','task-requests','unlucky','01a20104-ec68-7a68-8a89-b497d4f9a101','exhausted','WorkFailed: simulated failure (EBS_TASK_FAILURE_RATE=1)',1,'4f209385783d',1795313429761,1795313429761,NULL,1795313429804,1795313429804,0,1,0,'01a20104-ec68-7a68-8a89-b497d4f9a101.1');
insert into "held_rows"("seq","id","source","state","message_id","type","key","tenant","correlation_id","reason","error","attempts","fingerprint","first_failed_at","held_at","job","changed_at","seen_at","failing","lies","settled","subject") values (8,'01a20104-ec68-8fd7-9e1d-eb7dd924db8f',2,'held','01a20104-ec68-81fe-8c8d-384a7dc816e9','TASK_CREATED','task-requests','unlucky','01a20104-ec68-7a68-8a89-b497d4f9a101','exhausted','WorkFailed: simulated failure (EBS_TASK_FAILURE_RATE=1)',1,'4f209385783d',1795313429763,1795313429763,NULL,1795313429804,1795313429804,0,1,0,'01a20104-ec68-7a68-8a89-b497d4f9a101.2');
insert into "held_rows"("seq","id","source","state","message_id","type","key","tenant","correlation_id","reason","error","attempts","fingerprint","first_failed_at","held_at","job","changed_at","seen_at","failing","lies","settled","subject") values (9,'01a20104-fb79-864f-bc05-65e4ea0f16b4',3,'held','01a20104-fb79-8367-8d89-2eb75106b144','TASK_CREATED','task-requests','acme','01a20104-fb79-73d4-9a49-092d715ed096','their system is down',NULL,NULL,NULL,NULL,1795313433482,NULL,1795313433529,1795313433529,0,1,0,'01a20104-fb79-73d4-9a49-092d715ed096.1');
insert into "held_rows"("seq","id","source","state","message_id","type","key","tenant","correlation_id","reason","error","attempts","fingerprint","first_failed_at","held_at","job","changed_at","seen_at","failing","lies","settled","subject") values (10,'01a20104-fb79-8370-a5dc-f5c8a44e4783',3,'held','01a20104-fb79-8766-bb2b-e2ea43e6631e','TASK_CREATED','task-requests','acme','01a20104-fb79-73d4-9a49-092d715ed096','their system is down',NULL,NULL,NULL,NULL,1795313433483,NULL,1795313433529,1795313433529,0,1,0,'01a20104-fb79-73d4-9a49-092d715ed096.2');
insert into "held_rows"("seq","id","source","state","message_id","type","key","tenant","correlation_id","reason","error","attempts","fingerprint","first_failed_at","held_at","job","changed_at","seen_at","failing","lies","settled","subject") values (11,'01a20104-fb79-898c-bf9e-a05d57bc28e9',3,'held','01a20104-fb79-8ea2-be5e-b9d8d6138301','TASK_CREATED','task-requests','acme','01a20104-fb79-73d4-9a49-092d715ed096','their system is down',NULL,NULL,NULL,NULL,1795313433484,NULL,1795313433530,1795313433530,0,1,0,'01a20104-fb79-73d4-9a49-092d715ed096.3');
insert into "held_rows"("seq","id","source","state","message_id","type","key","tenant","correlation_id","reason","error","attempts","fingerprint","first_failed_at","held_at","job","changed_at","seen_at","failing","lies","settled","subject") values (12,'01a20104-fb79-8216-8e8c-2f28dd47f852',3,'held','01a20104-fb79-8d12-a31d-bbc5e5d0801f','TASK_CREATED','task-requests','acme','01a20104-fb79-71f9-9641-761d94662438','their system is down',NULL,NULL,NULL,NULL,1795313433484,NULL,1795313433530,1795313433530,0,1,0,'01a20104-fb79-71f9-9641-761d94662438.1');
insert into "held_rows"("seq","id","source","state","message_id","type","key","tenant","correlation_id","reason","error","attempts","fingerprint","first_failed_at","held_at","job","changed_at","seen_at","failing","lies","settled","subject") values (13,'01a20104-fb79-85b4-b5a1-fb39a2a4c1dd',3,'held','01a20104-fb79-8ad4-80bd-f9d9efa9b9a8','TASK_CREATED','task-requests','acme','01a20104-fb79-71f9-9641-761d94662438','their system is down',NULL,NULL,NULL,NULL,1795313433484,NULL,1795313433530,1795313433530,0,1,0,'01a20104-fb79-71f9-9641-761d94662438.2');
insert into "held_rows"("seq","id","source","state","message_id","type","key","tenant","correlation_id","reason","error","attempts","fingerprint","first_failed_at","held_at","job","changed_at","seen_at","failing","lies","settled","subject") values (14,'01a20104-fb79-8456-8ab0-5f349b3c7644',3,'held','01a20104-fb79-8d6b-ae88-8b59d3433bfb','TASK_CREATED','task-requests','acme','01a20104-fb79-71f9-9641-761d94662438','their system is down',NULL,NULL,NULL,NULL,1795313433485,NULL,1795313433530,1795313433530,0,1,0,'01a20104-fb79-71f9-9641-761d94662438.3');
insert into "held_rows"("seq","id","source","state","message_id","type","key","tenant","correlation_id","reason","error","attempts","fingerprint","first_failed_at","held_at","job","changed_at","seen_at","failing","lies","settled","subject") values (15,'01a20104-fb79-8728-8afb-039621a08992',3,'held','01a20104-fb79-8bc3-997c-c8947581b420','TASK_CREATED','task-requests','acme','01a20104-fb79-736f-9ac3-ef26e7f162c7','their system is down',NULL,NULL,NULL,NULL,1795313433485,NULL,1795313433530,1795313433530,0,1,0,'01a20104-fb79-736f-9ac3-ef26e7f162c7.1');
insert into "held_rows"("seq","id","source","state","message_id","type","key","tenant","correlation_id","reason","error","attempts","fingerprint","first_failed_at","held_at","job","changed_at","seen_at","failing","lies","settled","subject") values (16,'01a20104-fb79-8540-b830-82fa98fcc60c',3,'held','01a20104-fb79-8fa5-8030-a29d0ee28292','TASK_CREATED','task-requests','acme','01a20104-fb79-736f-9ac3-ef26e7f162c7','their system is down',NULL,NULL,NULL,NULL,1795313433485,NULL,1795313433530,1795313433530,0,1,0,'01a20104-fb79-736f-9ac3-ef26e7f162c7.2');
insert into "held_rows"("seq","id","source","state","message_id","type","key","tenant","correlation_id","reason","error","attempts","fingerprint","first_failed_at","held_at","job","changed_at","seen_at","failing","lies","settled","subject") values (17,'01a20104-fb79-86ed-9d79-6642c83abab2',3,'held','01a20104-fb79-8739-82f9-83b9842677ad','TASK_CREATED','task-requests','acme','01a20104-fb79-736f-9ac3-ef26e7f162c7','their system is down',NULL,NULL,NULL,NULL,1795313433485,NULL,1795313433530,1795313433530,0,1,0,'01a20104-fb79-736f-9ac3-ef26e7f162c7.3');
insert into "held_strata"("source","state","n") values (1,'held',1);
insert into "held_strata"("source","state","n") values (2,'held',7);
insert into "held_strata"("source","state","n") values (3,'held',9);
insert into "held_groups"("fingerprint","source","type","tenant","n") values ('323583599246',2,'','',1);
insert into "held_groups"("fingerprint","source","type","tenant","n") values ('4f209385783d',2,'TASK_CREATED','unlucky',6);
insert into "held_groups"("fingerprint","source","type","tenant","n") values ('a393b95d4dab',1,'','',1);
insert into "conversation_rows"("seq","key","kind","version","status","created_at","changed_at","ended_at","lines","correlation_id","tenant","traceparent","label","attention","state") values (1,'01a20104-ec68-78c4-96d2-6827433be1f8','group',2,'failure',1795313429711,1795313429769,1795313429769,3,'01a20104-ec68-78c4-96d2-6827433be1f8','unlucky',NULL,NULL,NULL,'{"id":"01a20104-ec68-78c4-96d2-6827433be1f8","createdMs":1795313429711,"dueMs":1795314029711,"ttlS":600,"expected":["01a20104-ec68-78c4-96d2-6827433be1f8.1","01a20104-ec68-78c4-96d2-6827433be1f8.2","01a20104-ec68-78c4-96d2-6827433be1f8.3"],"quorum":3,"partial":false,"object":{"tenant":"unlucky","createdMs":1795313429608},"payload":{"tenant":"unlucky","createdAt":"2026-11-22T02:10:29.608Z"},"heard":[{"id":"01a20104-ec68-78c4-96d2-6827433be1f8.2","atMs":1795313429769,"by":"vm:16842","error":"WorkFailed: simulated failure (EBS_TASK_FAILURE_RATE=1)"}],"resultsBytes":57,"end":{"atMs":1795313429769,"by":"error","entity":"01a20104-ec68-78c4-96d2-6827433be1f8.2","error":"task 01a20104-ec68-78c4-96d2-6827433be1f8.2: WorkFailed: simulated failure (EBS_TASK_FAILURE_RATE=1)"}}');
insert into "conversation_rows"("seq","key","kind","version","status","created_at","changed_at","ended_at","lines","correlation_id","tenant","traceparent","label","attention","state") values (2,'01a20104-ec68-7a68-8a89-b497d4f9a101','group',2,'failure',1795313429711,1795313429805,1795313429805,3,'01a20104-ec68-7a68-8a89-b497d4f9a101','unlucky',NULL,NULL,NULL,'{"id":"01a20104-ec68-7a68-8a89-b497d4f9a101","createdMs":1795313429711,"dueMs":1795314029711,"ttlS":600,"expected":["01a20104-ec68-7a68-8a89-b497d4f9a101.1","01a20104-ec68-7a68-8a89-b497d4f9a101.2","01a20104-ec68-7a68-8a89-b497d4f9a101.3"],"quorum":3,"partial":false,"object":{"tenant":"unlucky","createdMs":1795313429608},"payload":{"tenant":"unlucky","createdAt":"2026-11-22T02:10:29.608Z"},"heard":[{"id":"01a20104-ec68-7a68-8a89-b497d4f9a101.3","atMs":1795313429805,"by":"vm:16842","error":"WorkFailed: simulated failure (EBS_TASK_FAILURE_RATE=1)"}],"resultsBytes":57,"end":{"atMs":1795313429805,"by":"error","entity":"01a20104-ec68-7a68-8a89-b497d4f9a101.3","error":"task 01a20104-ec68-7a68-8a89-b497d4f9a101.3: WorkFailed: simulated failure (EBS_TASK_FAILURE_RATE=1)"}}');
insert into "conversation_rows"("seq","key","kind","version","status","created_at","changed_at","ended_at","lines","correlation_id","tenant","traceparent","label","attention","state") values (3,'01a20104-f688-787e-8c6a-555b6290eb94','group',4,'success',1795313432226,1795313432356,1795313432356,5,'01a20104-f688-787e-8c6a-555b6290eb94','default',NULL,NULL,NULL,'{"id":"01a20104-f688-787e-8c6a-555b6290eb94","createdMs":1795313432226,"dueMs":1795314032226,"ttlS":600,"expected":["01a20104-f688-787e-8c6a-555b6290eb94.1","01a20104-f688-787e-8c6a-555b6290eb94.2","01a20104-f688-787e-8c6a-555b6290eb94.3"],"quorum":3,"partial":false,"object":{"tenant":"default","createdMs":1795313432200},"payload":{"tenant":"default","createdAt":"2026-11-22T02:10:32.200Z"},"heard":[{"id":"01a20104-f688-787e-8c6a-555b6290eb94.1","atMs":1795313432326,"by":"vm:16894","result":"789c54c403f285de2c1ca40bc879b82aa8ea7c725315fff7955543bbff126136"},{"id":"01a20104-f688-787e-8c6a-555b6290eb94.3","atMs":1795313432352,"by":"vm:16894","result":"789c54c403f285de2c1ca40bc879b82aa8ea7c725315fff7955543bbff126136"},{"id":"01a20104-f688-787e-8c6a-555b6290eb94.2","atMs":1795313432356,"by":"vm:16894","result":"789c54c403f285de2c1ca40bc879b82aa8ea7c725315fff7955543bbff126136"}],"resultsBytes":198,"end":{"atMs":1795313432356,"by":"all"}}');
insert into "conversation_rows"("seq","key","kind","version","status","created_at","changed_at","ended_at","lines","correlation_id","tenant","traceparent","label","attention","state") values (4,'01a20104-f688-7104-8dea-f7a749f1f719','group',4,'success',1795313432238,1795313432356,1795313432356,5,'01a20104-f688-7104-8dea-f7a749f1f719','default',NULL,NULL,NULL,'{"id":"01a20104-f688-7104-8dea-f7a749f1f719","createdMs":1795313432238,"dueMs":1795314032238,"ttlS":600,"expected":["01a20104-f688-7104-8dea-f7a749f1f719.1","01a20104-f688-7104-8dea-f7a749f1f719.2","01a20104-f688-7104-8dea-f7a749f1f719.3"],"quorum":3,"partial":false,"object":{"tenant":"default","createdMs":1795313432200},"payload":{"tenant":"default","createdAt":"2026-11-22T02:10:32.200Z"},"heard":[{"id":"01a20104-f688-7104-8dea-f7a749f1f719.3","atMs":1795313432351,"by":"vm:16894","result":"789c54c403f285de2c1ca40bc879b82aa8ea7c725315fff7955543bbff126136"},{"id":"01a20104-f688-7104-8dea-f7a749f1f719.1","atMs":1795313432352,"by":"vm:16894","result":"789c54c403f285de2c1ca40bc879b82aa8ea7c725315fff7955543bbff126136"},{"id":"01a20104-f688-7104-8dea-f7a749f1f719.2","atMs":1795313432356,"by":"vm:16894","result":"789c54c403f285de2c1ca40bc879b82aa8ea7c725315fff7955543bbff126136"}],"resultsBytes":198,"end":{"atMs":1795313432356,"by":"all"}}');
insert into "conversation_rows"("seq","key","kind","version","status","created_at","changed_at","ended_at","lines","correlation_id","tenant","traceparent","label","attention","state") values (5,'01a20104-f688-7bef-ae8c-3a6d0433411c','group',4,'success',1795313432238,1795313432356,1795313432356,5,'01a20104-f688-7bef-ae8c-3a6d0433411c','default',NULL,NULL,NULL,'{"id":"01a20104-f688-7bef-ae8c-3a6d0433411c","createdMs":1795313432238,"dueMs":1795314032238,"ttlS":600,"expected":["01a20104-f688-7bef-ae8c-3a6d0433411c.1","01a20104-f688-7bef-ae8c-3a6d0433411c.2","01a20104-f688-7bef-ae8c-3a6d0433411c.3"],"quorum":3,"partial":false,"object":{"tenant":"default","createdMs":1795313432200},"payload":{"tenant":"default","createdAt":"2026-11-22T02:10:32.200Z"},"heard":[{"id":"01a20104-f688-7bef-ae8c-3a6d0433411c.1","atMs":1795313432354,"by":"vm:16894","result":"789c54c403f285de2c1ca40bc879b82aa8ea7c725315fff7955543bbff126136"},{"id":"01a20104-f688-7bef-ae8c-3a6d0433411c.3","atMs":1795313432356,"by":"vm:16894","result":"789c54c403f285de2c1ca40bc879b82aa8ea7c725315fff7955543bbff126136"},{"id":"01a20104-f688-7bef-ae8c-3a6d0433411c.2","atMs":1795313432356,"by":"vm:16894","result":"789c54c403f285de2c1ca40bc879b82aa8ea7c725315fff7955543bbff126136"}],"resultsBytes":198,"end":{"atMs":1795313432356,"by":"all"}}');
insert into "conversation_rows"("seq","key","kind","version","status","created_at","changed_at","ended_at","lines","correlation_id","tenant","traceparent","label","attention","state") values (6,'01a20104-f688-78ec-b784-07c3e1ba50cd','group',4,'success',1795313432238,1795313432356,1795313432356,5,'01a20104-f688-78ec-b784-07c3e1ba50cd','default',NULL,NULL,NULL,'{"id":"01a20104-f688-78ec-b784-07c3e1ba50cd","createdMs":1795313432238,"dueMs":1795314032238,"ttlS":600,"expected":["01a20104-f688-78ec-b784-07c3e1ba50cd.1","01a20104-f688-78ec-b784-07c3e1ba50cd.2","01a20104-f688-78ec-b784-07c3e1ba50cd.3"],"quorum":3,"partial":false,"object":{"tenant":"default","createdMs":1795313432200},"payload":{"tenant":"default","createdAt":"2026-11-22T02:10:32.200Z"},"heard":[{"id":"01a20104-f688-78ec-b784-07c3e1ba50cd.1","atMs":1795313432356,"by":"vm:16894","result":"789c54c403f285de2c1ca40bc879b82aa8ea7c725315fff7955543bbff126136"},{"id":"01a20104-f688-78ec-b784-07c3e1ba50cd.2","atMs":1795313432356,"by":"vm:16894","result":"789c54c403f285de2c1ca40bc879b82aa8ea7c725315fff7955543bbff126136"},{"id":"01a20104-f688-78ec-b784-07c3e1ba50cd.3","atMs":1795313432356,"by":"vm:16894","result":"789c54c403f285de2c1ca40bc879b82aa8ea7c725315fff7955543bbff126136"}],"resultsBytes":198,"end":{"atMs":1795313432356,"by":"all"}}');
insert into "conversation_rows"("seq","key","kind","version","status","created_at","changed_at","ended_at","lines","correlation_id","tenant","traceparent","label","attention","state") values (7,'01a20104-f68c-72b2-8f0c-dc2785068a30','flow',5,'success',1795313432254,1795313432479,1795313432479,10,'0f1d8282-c974-4c0d-a73b-94118b0e4a61',NULL,NULL,NULL,NULL,'{"key":"01a20104-f68c-72b2-8f0c-dc2785068a30","requestKey":"[2,\"parallel\",null]","request":{"type":"FLOW_REQUESTED","flowId":"01a20104-f68c-72b2-8f0c-dc2785068a30","length":2,"mode":"parallel"},"createdAtMs":1795313432254,"deadlineMs":1795313487254,"askers":[],"calls":[{"n":1,"name":"install","input":{"item":1},"undo":{"name":"uninstall","input":{"item":1}},"state":"done","attempt":1,"dueMs":1795313447254,"status":200,"output":{"item":1},"attempts":[{"attempt":1,"endedMs":1795313432427,"status":200,"answered":true}],"bytes":524},{"n":2,"name":"install","input":{"item":2},"undo":{"name":"uninstall","input":{"item":2}},"state":"done","attempt":1,"dueMs":1795313447254,"status":200,"output":{"item":2},"attempts":[{"attempt":1,"endedMs":1795313432433,"status":200,"answered":true}],"bytes":524},{"n":3,"name":"validate","input":{"item":1},"state":"done","attempt":1,"dueMs":1795313447433,"attempts":[{"attempt":1,"endedMs":1795313432479,"status":200,"answered":true}],"bytes":216,"status":200,"output":{"item":1}},{"n":4,"name":"validate","input":{"item":2},"state":"done","attempt":1,"dueMs":1795313447433,"status":200,"output":{"item":2},"attempts":[{"attempt":1,"endedMs":1795313432475,"status":200,"answered":true}],"bytes":216}],"phase":"running","toUndo":[1,2],"undone":[],"notUndone":[],"own":{"length":2,"mode":"parallel","install":[1,2],"validate":[2,1]},"end":{"status":"success","atMs":1795313432479,"reply":{"type":"FLOW_SUCCEEDED","flowId":"01a20104-f68c-72b2-8f0c-dc2785068a30","length":2,"mode":"parallel","durationMs":225,"output":{"installed":[1,2],"validated":[1,2]}}}}');
insert into "conversation_rows"("seq","key","kind","version","status","created_at","changed_at","ended_at","lines","correlation_id","tenant","traceparent","label","attention","state") values (8,'01a20104-f6cf-7115-83d4-c81abf3bca2a','group',3,'success',1795313432280,1795313432294,1795313432294,4,'bd40b127-12a4-83da-be80-49684d72c870',NULL,NULL,NULL,NULL,'{"id":"01a20104-f6cf-7115-83d4-c81abf3bca2a","createdMs":1795313432280,"dueMs":1795317032280,"ttlS":3600,"expected":["a","b"],"quorum":2,"partial":false,"heard":[{"id":"a","atMs":1795313432288,"result":"a"},{"id":"b","atMs":1795313432294,"result":"b"}],"resultsBytes":6,"end":{"atMs":1795313432294,"by":"all"}}');
insert into "conversation_rows"("seq","key","kind","version","status","created_at","changed_at","ended_at","lines","correlation_id","tenant","traceparent","label","attention","state") values (9,'20158caf-0536-8d3d-a32c-bff0b2040889.main','journey',5,'COMPLETED',1795313432785,1795313433446,1795313433446,7,'63672f3d-23af-4d3b-b43c-128d359e6d76','default',NULL,'order',NULL,'{"id":"20158caf-0536-8d3d-a32c-bff0b2040889.main","revision":5,"type":"order","version":1,"tenant":"default","key":"done","payload":{"items":[{"sku":"tea","quantity":2}],"card":"4242","address":"Main St 1","email":"ada@example.com"},"askers":[],"createdMs":1795313432785,"startedMs":1795313432785,"status":"COMPLETED","phase":"ended","steps":[{"state":"done","attempt":1,"attempts":[{"attempt":1,"endedMs":1795313433064,"status":200}],"status":200,"input":{"items":[{"sku":"tea","quantity":2}]},"name":"reserve","output":{"items":[{"sku":"tea","quantity":2}],"totalCents":1300}},{"state":"done","attempt":1,"attempts":[{"attempt":1,"endedMs":1795313433278,"status":200}],"status":200,"input":{"amountCents":1300,"card":"4242"},"name":"charge","output":{"chargeId":"ch_bbac47c86459","amountCents":1300}},{"state":"done","attempt":1,"attempts":[{"attempt":1,"endedMs":1795313433358,"status":200}],"status":200,"input":{"address":"Main St 1"},"name":"ship","output":{"carrier":"post","tracking":"post_bbac47c86459"}},{"state":"skipped","attempt":0,"attempts":[],"name":"express"},{"state":"done","attempt":1,"attempts":[{"attempt":1,"endedMs":1795313433446,"status":200}],"input":{"to":"ada@example.com","text":"Thank you for your order done. It is on its way."},"name":"notify","status":200,"output":{"to":"ada@example.com"}}],"order":["reserve","charge","ship","notify"],"failed":[],"toUndo":[],"undone":[],"endedMs":1795313433446,"output":{"totalCents":1300,"carrier":"post","tracking":"post_bbac47c86459"}}');
insert into "conversation_rows"("seq","key","kind","version","status","created_at","changed_at","ended_at","lines","correlation_id","tenant","traceparent","label","attention","state") values (10,'acme','sideline',2,'active',1795313432926,1795313433454,NULL,5,'01a20104-f95b-7c01-93b0-4b64545f5927',NULL,NULL,NULL,NULL,'{"id":"acme","episode":1795313432926,"revision":1795313432926,"phase":"park","filter":"tenant == \"acme\"","queues":["process_consume"],"actor":"ann","reason":"their system is down","sinceMs":1795313432926,"by":{"actor":"ann","reason":"their system is down"},"pacing":{},"isSettled":true,"missing":[],"lastJob":0}');
insert into "conversation_rows"("seq","key","kind","version","status","created_at","changed_at","ended_at","lines","correlation_id","tenant","traceparent","label","attention","state") values (11,'08646b7f-1e7c-827e-af61-5a863a125361.main','journey',3,'NEEDS_REMEDIATION',1795313433064,1795313433446,NULL,4,'73f77ee8-db31-43bd-8bde-aaa5e30ee179','default',NULL,'order','remediation','{"id":"08646b7f-1e7c-827e-af61-5a863a125361.main","revision":3,"type":"order","version":1,"tenant":"default","key":"declined","payload":{"items":[{"sku":"tea","quantity":2}],"card":"declined","address":"Main St 1","email":"ada@example.com"},"askers":[],"createdMs":1795313433064,"startedMs":1795313433064,"status":"NEEDS_REMEDIATION","phase":"remediation","steps":[{"state":"done","attempt":1,"attempts":[{"attempt":1,"endedMs":1795313433278,"status":200}],"status":200,"input":{"items":[{"sku":"tea","quantity":2}]},"name":"reserve","output":{"items":[{"sku":"tea","quantity":2}],"totalCents":1300}},{"state":"failed","attempt":1,"attempts":[{"attempt":1,"endedMs":1795313433446,"status":400,"error":"The card of 08646b7f-1e7c-827e-af61-5a863a125361.main was declined."}],"input":{"amountCents":1300,"card":"declined"},"name":"charge","status":400,"error":"The card of 08646b7f-1e7c-827e-af61-5a863a125361.main was declined."}],"order":["reserve"],"failed":["charge"],"toUndo":[],"undone":[],"leftMs":599618,"remediation":{"cause":"permanent","error":"charge: The card of 08646b7f-1e7c-827e-af61-5a863a125361.main was declined.","steps":["charge"],"sinceMs":1795313433446}}');
insert into "conversation_rows"("seq","key","kind","version","status","created_at","changed_at","ended_at","lines","correlation_id","tenant","traceparent","label","attention","state") values (12,'f7cd78ce-b9e1-895c-a9c7-127476961968.main','journey',1,'ACCEPTED',1795313433278,1795313433278,NULL,1,'2030c89d-7c14-44ab-8318-fcc00efa9463','default',NULL,'unborn','unknown-type','{"id":"f7cd78ce-b9e1-895c-a9c7-127476961968.main","type":"unborn","tenant":"default","key":"early","payload":{"content":"a b c"},"revision":1,"version":0,"status":"ACCEPTED","phase":"waiting","steps":[],"order":[],"failed":[],"toUndo":[],"undone":[],"askers":[],"createdMs":1795313433278,"remediation":{"cause":"unknown-type","error":"Nobody has registered a journey of the type unborn: this one begins when somebody does.","steps":[],"sinceMs":1795313433278}}');
insert into "conversation_rows"("seq","key","kind","version","status","created_at","changed_at","ended_at","lines","correlation_id","tenant","traceparent","label","attention","state") values (13,'01a20104-fb79-73d4-9a49-092d715ed096','group',1,'open',1795313433530,1795313433530,NULL,1,'01a20104-fb79-73d4-9a49-092d715ed096','acme',NULL,NULL,NULL,'{"id":"01a20104-fb79-73d4-9a49-092d715ed096","createdMs":1795313433530,"dueMs":1795314033530,"ttlS":600,"expected":["01a20104-fb79-73d4-9a49-092d715ed096.1","01a20104-fb79-73d4-9a49-092d715ed096.2","01a20104-fb79-73d4-9a49-092d715ed096.3"],"quorum":3,"partial":false,"object":{"tenant":"acme","createdMs":1795313433465},"payload":{"tenant":"acme","createdAt":"2026-11-22T02:10:33.465Z"},"heard":[],"resultsBytes":0}');
insert into "conversation_rows"("seq","key","kind","version","status","created_at","changed_at","ended_at","lines","correlation_id","tenant","traceparent","label","attention","state") values (14,'01a20104-fb79-71f9-9641-761d94662438','group',1,'open',1795313433530,1795313433530,NULL,1,'01a20104-fb79-71f9-9641-761d94662438','acme',NULL,NULL,NULL,'{"id":"01a20104-fb79-71f9-9641-761d94662438","createdMs":1795313433530,"dueMs":1795314033530,"ttlS":600,"expected":["01a20104-fb79-71f9-9641-761d94662438.1","01a20104-fb79-71f9-9641-761d94662438.2","01a20104-fb79-71f9-9641-761d94662438.3"],"quorum":3,"partial":false,"object":{"tenant":"acme","createdMs":1795313433465},"payload":{"tenant":"acme","createdAt":"2026-11-22T02:10:33.465Z"},"heard":[],"resultsBytes":0}');
insert into "conversation_rows"("seq","key","kind","version","status","created_at","changed_at","ended_at","lines","correlation_id","tenant","traceparent","label","attention","state") values (15,'01a20104-fb79-736f-9ac3-ef26e7f162c7','group',1,'open',1795313433530,1795313433530,NULL,1,'01a20104-fb79-736f-9ac3-ef26e7f162c7','acme',NULL,NULL,NULL,'{"id":"01a20104-fb79-736f-9ac3-ef26e7f162c7","createdMs":1795313433530,"dueMs":1795314033530,"ttlS":600,"expected":["01a20104-fb79-736f-9ac3-ef26e7f162c7.1","01a20104-fb79-736f-9ac3-ef26e7f162c7.2","01a20104-fb79-736f-9ac3-ef26e7f162c7.3"],"quorum":3,"partial":false,"object":{"tenant":"acme","createdMs":1795313433465},"payload":{"tenant":"acme","createdAt":"2026-11-22T02:10:33.465Z"},"heard":[],"resultsBytes":0}');
insert into "conversation_rows"("seq","key","kind","version","status","created_at","changed_at","ended_at","lines","correlation_id","tenant","traceparent","label","attention","state") values (16,'b7644c2b-f099-84b7-9508-e5ba00229f5f.main','journey',2,'RUNNING',1795313433788,1795313433918,NULL,2,'032be3c4-46e2-4bd9-859c-60ca81c05cdc','default',NULL,'patient-call',NULL,'{"id":"b7644c2b-f099-84b7-9508-e5ba00229f5f.main","revision":2,"type":"patient-call","version":1,"tenant":"default","key":"later","payload":{},"askers":[],"createdMs":1795313433788,"startedMs":1795313433788,"deadlineMs":1795317033788,"status":"RUNNING","phase":"running","steps":[{"state":"retrying","attempt":1,"dueMs":1795313458918,"attempts":[{"attempt":1,"endedMs":1795313433918,"status":503,"error":"busy"}],"name":"call","isUnsure":true}],"order":[],"failed":[],"toUndo":[],"undone":[]}');
insert into "conversation_rows"("seq","key","kind","version","status","created_at","changed_at","ended_at","lines","correlation_id","tenant","traceparent","label","attention","state") values (17,'01a20104-fd68-775f-a039-1a045f766fd1','group',2,'open',1795313433976,1795313433988,NULL,2,'c0e75002-e14e-89df-aaf3-beb46efd94f9',NULL,NULL,NULL,NULL,'{"id":"01a20104-fd68-775f-a039-1a045f766fd1","createdMs":1795313433976,"dueMs":1795313448976,"ttlS":15,"expected":["a","b"],"quorum":2,"partial":false,"heard":[{"id":"a","atMs":1795313433988,"result":"a"}],"resultsBytes":3}');
insert into "conversation_rows"("seq","key","kind","version","status","created_at","changed_at","ended_at","lines","correlation_id","tenant","traceparent","label","attention","state") values (18,'01a20105-0b09-7ee2-9cca-5fbd1ce392ba','group',1,'open',1795313437465,1795313437465,NULL,1,'01a20105-0b09-7ee2-9cca-5fbd1ce392ba','default',NULL,NULL,NULL,'{"id":"01a20105-0b09-7ee2-9cca-5fbd1ce392ba","createdMs":1795313437465,"dueMs":1795314037465,"ttlS":600,"expected":["01a20105-0b09-7ee2-9cca-5fbd1ce392ba.1","01a20105-0b09-7ee2-9cca-5fbd1ce392ba.2","01a20105-0b09-7ee2-9cca-5fbd1ce392ba.3"],"quorum":3,"partial":false,"object":{"tenant":"default","createdMs":1795313437449},"payload":{"tenant":"default","createdAt":"2026-11-22T02:10:37.449Z"},"heard":[],"resultsBytes":0}');
insert into "conversation_rows"("seq","key","kind","version","status","created_at","changed_at","ended_at","lines","correlation_id","tenant","traceparent","label","attention","state") values (19,'01a20105-0b09-73f2-8478-a1e1bdd09daf','group',1,'open',1795313437476,1795313437476,NULL,1,'01a20105-0b09-73f2-8478-a1e1bdd09daf','default',NULL,NULL,NULL,'{"id":"01a20105-0b09-73f2-8478-a1e1bdd09daf","createdMs":1795313437476,"dueMs":1795314037476,"ttlS":600,"expected":["01a20105-0b09-73f2-8478-a1e1bdd09daf.1","01a20105-0b09-73f2-8478-a1e1bdd09daf.2","01a20105-0b09-73f2-8478-a1e1bdd09daf.3"],"quorum":3,"partial":false,"object":{"tenant":"default","createdMs":1795313437449},"payload":{"tenant":"default","createdAt":"2026-11-22T02:10:37.449Z"},"heard":[],"resultsBytes":0}');
insert into "conversation_rows"("seq","key","kind","version","status","created_at","changed_at","ended_at","lines","correlation_id","tenant","traceparent","label","attention","state") values (20,'01a20105-0bc8-7de4-8e81-7fbb86c6f2dd','group',1,'open',1795313437671,1795313437671,NULL,1,'01a20105-0bc8-7de4-8e81-7fbb86c6f2dd','default',NULL,NULL,NULL,'{"id":"01a20105-0bc8-7de4-8e81-7fbb86c6f2dd","createdMs":1795313437671,"dueMs":1795314037671,"ttlS":600,"expected":["01a20105-0bc8-7de4-8e81-7fbb86c6f2dd.1","01a20105-0bc8-7de4-8e81-7fbb86c6f2dd.2","01a20105-0bc8-7de4-8e81-7fbb86c6f2dd.3"],"quorum":3,"partial":false,"object":{"tenant":"default","createdMs":1795313437640},"payload":{"tenant":"default","createdAt":"2026-11-22T02:10:37.640Z"},"heard":[],"resultsBytes":0}');
insert into "conversation_rows"("seq","key","kind","version","status","created_at","changed_at","ended_at","lines","correlation_id","tenant","traceparent","label","attention","state") values (21,'01a20105-0bc8-77a8-a6bd-358efd44b921','group',1,'open',1795313437688,1795313437688,NULL,1,'01a20105-0bc8-77a8-a6bd-358efd44b921','default',NULL,NULL,NULL,'{"id":"01a20105-0bc8-77a8-a6bd-358efd44b921","createdMs":1795313437688,"dueMs":1795314037688,"ttlS":600,"expected":["01a20105-0bc8-77a8-a6bd-358efd44b921.1","01a20105-0bc8-77a8-a6bd-358efd44b921.2","01a20105-0bc8-77a8-a6bd-358efd44b921.3"],"quorum":3,"partial":false,"object":{"tenant":"default","createdMs":1795313437640},"payload":{"tenant":"default","createdAt":"2026-11-22T02:10:37.640Z"},"heard":[],"resultsBytes":0}');
insert into "conversation_rows"("seq","key","kind","version","status","created_at","changed_at","ended_at","lines","correlation_id","tenant","traceparent","label","attention","state") values (22,'01a20105-0bc8-7159-9b00-855d9e3b48fb','group',1,'open',1795313437688,1795313437688,NULL,1,'01a20105-0bc8-7159-9b00-855d9e3b48fb','default',NULL,NULL,NULL,'{"id":"01a20105-0bc8-7159-9b00-855d9e3b48fb","createdMs":1795313437688,"dueMs":1795314037688,"ttlS":600,"expected":["01a20105-0bc8-7159-9b00-855d9e3b48fb.1","01a20105-0bc8-7159-9b00-855d9e3b48fb.2","01a20105-0bc8-7159-9b00-855d9e3b48fb.3"],"quorum":3,"partial":false,"object":{"tenant":"default","createdMs":1795313437640},"payload":{"tenant":"default","createdAt":"2026-11-22T02:10:37.640Z"},"heard":[],"resultsBytes":0}');
insert into "conversation_rows"("seq","key","kind","version","status","created_at","changed_at","ended_at","lines","correlation_id","tenant","traceparent","label","attention","state") values (23,'01a20105-0c55-7b03-850c-511dcae8ff19','flow',1,'running',1795313437817,1795313437817,NULL,3,'3839dae3-e073-417a-b6ec-f56448263253',NULL,NULL,NULL,NULL,'{"request":{"type":"FLOW_REQUESTED","flowId":"01a20105-0c55-7b03-850c-511dcae8ff19","length":2,"mode":"parallel"},"createdAtMs":1795313437817,"askers":[],"calls":[{"n":1,"name":"install","input":{"item":1},"undo":{"name":"uninstall","input":{"item":1}},"state":"waiting","attempt":1,"dueMs":1795313452817,"attempts":[],"bytes":332},{"n":2,"name":"install","input":{"item":2},"undo":{"name":"uninstall","input":{"item":2}},"state":"waiting","attempt":1,"dueMs":1795313452817,"attempts":[],"bytes":332}],"phase":"running","toUndo":[],"undone":[],"notUndone":[],"key":"01a20105-0c55-7b03-850c-511dcae8ff19","requestKey":"[2,\"parallel\",null]","deadlineMs":1795313492817,"own":{"length":2,"mode":"parallel","install":[],"validate":[]}}');
insert into "conversation_rows"("seq","key","kind","version","status","created_at","changed_at","ended_at","lines","correlation_id","tenant","traceparent","label","attention","state") values (24,'4c479ac2-68d5-88ba-bd02-8a0539dfa21c.main','journey',1,'RUNNING',1795313437849,1795313437849,NULL,1,'6b8d02fe-fc48-4852-a17c-47036726dd31','default',NULL,'order',NULL,'{"id":"4c479ac2-68d5-88ba-bd02-8a0539dfa21c.main","type":"order","tenant":"default","key":"running","payload":{"items":[{"sku":"tea","quantity":2}],"card":"4242","address":"Main St 1","email":"ada@example.com"},"revision":1,"version":1,"status":"RUNNING","phase":"running","steps":[{"state":"running","attempt":1,"attempts":[],"name":"reserve","dueMs":1795313442849,"input":{"items":[{"sku":"tea","quantity":2}]}}],"order":[],"failed":[],"toUndo":[],"undone":[],"askers":[],"createdMs":1795313437849,"startedMs":1795313437849,"deadlineMs":1795314037849}');
insert into "conversation_rows"("seq","key","kind","version","status","created_at","changed_at","ended_at","lines","correlation_id","tenant","traceparent","label","attention","state") values (25,'01a20105-0cf2-7205-a3be-ca776ae49528','group',2,'open',1795313437942,1795313437950,NULL,2,'d8fe0907-3cc7-8c58-9e9a-19214f6b5e68',NULL,NULL,NULL,NULL,'{"id":"01a20105-0cf2-7205-a3be-ca776ae49528","createdMs":1795313437942,"dueMs":1795317037942,"ttlS":3600,"expected":["a","b"],"quorum":2,"partial":false,"heard":[{"id":"a","atMs":1795313437950,"result":"a"}],"resultsBytes":3}');
insert into "definition_rows"("seq","type","version","at","actor","reason","document") values (1,'gift',1,1795313416813,'hub','found in EBS_DEFINITIONS_DIR as gift.json','{"type":"gift","version":1,"description":"One step, which a program in Python does: docs/examples/python/activity_worker.py.","deadline":"1h","payload":{"type":"object","required":["to"],"properties":{"to":{"type":"string","minLength":1}},"additionalProperties":false},"activities":{"wrap":{"activity":"gift-wrap","timeout":"10m"}}}');
insert into "definition_rows"("seq","type","version","at","actor","reason","document") values (2,'object-enrichment',1,1795313417470,'hub','found in EBS_DEFINITIONS_DIR as object-enrichment.json','{"type":"object-enrichment","version":1,"description":"Finds out about an object what can be told by its content: digest and words at the same time, then a summary.","deadline":"1m","payload":{"type":"object","required":["name","content"],"properties":{"name":{"type":"string","minLength":1,"maxLength":256},"content":{"type":"string"}},"additionalProperties":false},"activities":{"digest":{"activity":"digest","input":"{''content'': payload.content}","timeout":"5s"},"words":{"activity":"words","input":"{''content'': payload.content}","timeout":"5s"},"summary":{"activity":"summary","after":["digest","words"],"input":"{''name'': payload.name, ''sha256'': outputs.digest.sha256, ''count'': outputs.words.count, ''distinct'': outputs.words.distinct}","timeout":"5s"}},"output":"{''text'': outputs.summary.text, ''sha256'': outputs.digest.sha256, ''words'': outputs.words.count}"}');
insert into "definition_rows"("seq","type","version","at","actor","reason","document") values (3,'order',1,1795313418086,'hub','found in EBS_DEFINITIONS_DIR as order.json','{"type":"order","version":1,"description":"Sells what is in stock: reserves it, takes the money, sends it by post or by courier, and tells the customer.","deadline":"10m","payload":{"type":"object","required":["items","card","address","email"],"properties":{"items":{"type":"array","minItems":1,"maxItems":50,"items":{"type":"object","required":["sku","quantity"],"properties":{"sku":{"type":"string","minLength":1},"quantity":{"type":"integer","minimum":1,"maximum":1000}},"additionalProperties":false}},"card":{"type":"string","minLength":1},"address":{"type":"string","minLength":1},"email":{"type":"string","format":"email"},"express":{"type":"boolean"}},"additionalProperties":false},"output":"{''totalCents'': outputs.charge.amountCents, ''carrier'': has(outputs.express) ? outputs.express.carrier : outputs.ship.carrier, ''tracking'': has(outputs.express) ? outputs.express.tracking : outputs.ship.tracking}","activities":{"reserve":{"activity":"reserve","input":"{''items'': payload.items}","timeout":"5s","compensate":{"activity":"release","timeout":"5s"}},"charge":{"activity":"charge","after":["reserve"],"input":"{''amountCents'': outputs.reserve.totalCents, ''card'': payload.card}","timeout":"10s","retry":{"retries":5,"initialMs":200,"factor":2,"maxMs":5000},"compensate":{"activity":"refund","timeout":"10s","retry":{"retries":10,"initialMs":500}}},"ship":{"activity":"ship","after":["charge"],"when":"!(has(payload.express) && payload.express)","input":"{''address'': payload.address}","timeout":"5s"},"express":{"activity":"express-ship","after":["charge"],"when":"has(payload.express) && payload.express","input":"{''address'': payload.address}","timeout":"5s"},"notify":{"activity":"notify","after":["charge"],"input":"{''to'': payload.email, ''text'': ''Thank you for your order '' + key + ''. It is on its way.''}","timeout":"5s"}}}');
insert into "definition_rows"("seq","type","version","at","actor","reason","document") values (4,'patient-call',1,1795313432624,'api','api','{"type":"patient-call","version":1,"deadline":"1h","activities":{"call":{"activity":"call","timeout":"10s","retry":{"retries":5,"initialMs":25000,"factor":1,"maxMs":25000}}}}');
insert into "lead_rows"("id","epoch","leads","at","drained","pair","out") values (1,0,0,0,0,NULL,NULL);
delete from sqlite_sequence;
insert into "sqlite_sequence"("name","seq") values ('outbox',72);
CREATE INDEX timers_due on timer_rows(due, token);
CREATE INDEX early_of on early_rows(key, kind, seq, bytes);
CREATE INDEX early_at on early_rows(at);
CREATE VIEW timers(kind, key, name, due_at) as
    select kind, key, name, strftime('%Y-%m-%dT%H:%M:%fZ', due / 1000.0, 'unixepoch') from timer_rows;
CREATE VIEW ignored(kind, why, type, count, last_key, last_at) as
    select kind, why, type, count, last_key, strftime('%Y-%m-%dT%H:%M:%fZ', last_at / 1000.0, 'unixepoch') from ignored_rows;
CREATE VIEW frozen_timers(kind, key, name, left_ms, since) as
    select kind, key, name, remaining, strftime('%Y-%m-%dT%H:%M:%fZ', since / 1000.0, 'unixepoch') from frozen_rows;
CREATE UNIQUE INDEX held_source on held_sources(place, coalesce(queue, ''), coalesce(rule, ''));
CREATE INDEX held_of_source on held_rows(source, state, held_at, seq, tenant, type);
CREATE INDEX held_of_fingerprint on held_rows(fingerprint, lies, held_at, seq, tenant) where fingerprint is not null;
CREATE INDEX held_of_job on held_rows(job, held_at, seq) where job is not null;
CREATE INDEX held_of_thread on held_rows(correlation_id, held_at, seq) where correlation_id is not null and settled = 0;
CREATE INDEX held_settled on held_rows(changed_at, seq) where settled = 1;
CREATE TRIGGER held_added after insert on held_rows begin
    insert into held_strata(source, state, n) values (new.source, new.state, 1)
      on conflict(source, state) do update set n = n + 1;
  end;
CREATE TRIGGER held_removed after delete on held_rows begin
    update held_strata set n = n - 1 where source = old.source and state = old.state;
  end;
CREATE TRIGGER held_changed after update of state on held_rows begin
    update held_strata set n = n - 1 where source = old.source and state = old.state;
    insert into held_strata(source, state, n) values (new.source, new.state, 1)
      on conflict(source, state) do update set n = n + 1;
  end;
CREATE TRIGGER held_in_group after insert on held_rows when new.lies = 1 and new.fingerprint is not null begin
    insert into held_groups(fingerprint, source, type, tenant, n)
      values (new.fingerprint, new.source, coalesce(new.type, ''), coalesce(new.tenant, ''), 1)
      on conflict(fingerprint, source, type, tenant) do update set n = n + excluded.n;
  end;
CREATE TRIGGER held_out_of_group after delete on held_rows when old.lies = 1 and old.fingerprint is not null begin
    insert into held_groups(fingerprint, source, type, tenant, n)
      values (old.fingerprint, old.source, coalesce(old.type, ''), coalesce(old.tenant, ''), -1)
      on conflict(fingerprint, source, type, tenant) do update set n = n + excluded.n;
  end;
CREATE TRIGGER held_left_group after update of lies on held_rows when old.lies > new.lies and new.fingerprint is not null begin
    insert into held_groups(fingerprint, source, type, tenant, n)
      values (new.fingerprint, new.source, coalesce(new.type, ''), coalesce(new.tenant, ''), -1)
      on conflict(fingerprint, source, type, tenant) do update set n = n + excluded.n;
  end;
CREATE TRIGGER held_back_in_group after update of lies on held_rows when old.lies < new.lies and new.fingerprint is not null begin
    insert into held_groups(fingerprint, source, type, tenant, n)
      values (new.fingerprint, new.source, coalesce(new.type, ''), coalesce(new.tenant, ''), 1)
      on conflict(fingerprint, source, type, tenant) do update set n = n + excluded.n;
  end;
CREATE TRIGGER held_with_job after insert on held_rows when new.job is not null begin
    insert into held_jobs(job, source, state, n) values (new.job, new.source, new.state, 1)
      on conflict(job, source, state) do update set n = n + excluded.n;
  end;
CREATE TRIGGER held_removed_from_job after delete on held_rows when old.job is not null begin
    insert into held_jobs(job, source, state, n) values (old.job, old.source, old.state, -1)
      on conflict(job, source, state) do update set n = n + excluded.n;
  end;
CREATE TRIGGER held_left_job after update of state on held_rows when old.job is not null begin
    insert into held_jobs(job, source, state, n) values (old.job, old.source, old.state, -1)
      on conflict(job, source, state) do update set n = n + excluded.n;
  end;
CREATE TRIGGER held_in_job after update of state on held_rows when new.job is not null begin
    insert into held_jobs(job, source, state, n) values (new.job, new.source, new.state, 1)
      on conflict(job, source, state) do update set n = n + excluded.n;
  end;
CREATE VIEW dead(
    id, place, queue, type, key, tenant, message_id, correlation_id, reason, error, attempts, fingerprint,
    first_failed_at, dead_at, state, replay, changed_at
  ) as
    select r.id, s.place, s.queue, r.type, r.key, r.tenant, r.message_id, r.correlation_id, r.reason, r.error, r.attempts,
      r.fingerprint, strftime('%Y-%m-%dT%H:%M:%fZ', r.first_failed_at / 1000.0, 'unixepoch'), strftime('%Y-%m-%dT%H:%M:%fZ', r.held_at / 1000.0, 'unixepoch'), r.state, r.job, strftime('%Y-%m-%dT%H:%M:%fZ', r.changed_at / 1000.0, 'unixepoch')
    from held_rows r join held_sources s on s.seq = r.source where s.rule is null;
CREATE VIEW sidelined(
    id, rule, place, queue, type, key, tenant, message_id, correlation_id, reason, error, parked_at, state, replay, changed_at
  ) as
    select r.id, s.rule, s.place, s.queue, r.type, r.key, r.tenant, r.message_id, r.correlation_id, r.reason,
      r.error, strftime('%Y-%m-%dT%H:%M:%fZ', r.held_at / 1000.0, 'unixepoch'), r.state, r.job, strftime('%Y-%m-%dT%H:%M:%fZ', r.changed_at / 1000.0, 'unixepoch')
    from held_rows r join held_sources s on s.seq = r.source where s.rule is not null;
CREATE VIEW held_by_place(place, rule, state, count) as
    select s.place, s.rule, t.state, t.n from held_strata t join held_sources s on s.seq = t.source where t.n > 0;
CREATE VIEW archive(id, place, queue, key, archived_at, actor, reason, properties, body) as
    select id, place, queue, key, strftime('%Y-%m-%dT%H:%M:%fZ', at / 1000.0, 'unixepoch'), actor, reason, properties, body from archive_rows;
CREATE INDEX conversations_by_status on conversation_rows(kind, status, created_at, seq, tenant);
CREATE INDEX conversations_open on conversation_rows(kind, created_at, seq, tenant) where ended_at is null;
CREATE INDEX conversations_over on conversation_rows(kind, created_at, seq, tenant) where ended_at is not null;
CREATE INDEX conversations_ended on conversation_rows(status, ended_at) where ended_at is not null;
CREATE INDEX conversations_of_thread on conversation_rows(correlation_id, kind) where ended_at is null;
CREATE INDEX conversations_by_label
    on conversation_rows(kind, label, (ended_at is null), status, created_at, seq, tenant, ended_at) where label is not null;
CREATE INDEX conversations_by_attention on conversation_rows(kind, attention, created_at, seq, label, status, tenant)
    where attention is not null;
CREATE INDEX conversations_labelled_ended on conversation_rows(kind, ended_at, seq)
    where label is not null and ended_at is not null;
CREATE VIEW conversations(kind, key, status, version, tenant, created_at, changed_at, ended_at) as
    select kind, key, status, version, tenant, strftime('%Y-%m-%dT%H:%M:%fZ', created_at / 1000.0, 'unixepoch'), strftime('%Y-%m-%dT%H:%M:%fZ', changed_at / 1000.0, 'unixepoch'), strftime('%Y-%m-%dT%H:%M:%fZ', ended_at / 1000.0, 'unixepoch')
    from conversation_rows;
CREATE VIEW history(kind, key, at, what, detail) as
    select c.kind, c.key, strftime('%Y-%m-%dT%H:%M:%fZ', h.at / 1000.0, 'unixepoch'), h.what, h.detail
    from conversation_rows c join history_rows h on h.conversation = c.seq;
CREATE VIEW journeys(id, type, status, attention, tenant, created_at, changed_at, ended_at) as
    select key, label, status, attention, tenant, strftime('%Y-%m-%dT%H:%M:%fZ', created_at / 1000.0, 'unixepoch'), strftime('%Y-%m-%dT%H:%M:%fZ', changed_at / 1000.0, 'unixepoch'), strftime('%Y-%m-%dT%H:%M:%fZ', ended_at / 1000.0, 'unixepoch')
    from conversation_rows where kind = 'journey';
CREATE UNIQUE INDEX definitions_of on definition_rows(type, version desc);
CREATE VIEW definitions(type, version, at, actor, reason, document) as
      select type, version, strftime('%Y-%m-%dT%H:%M:%fZ', at / 1000.0, 'unixepoch'), actor, reason, document from definition_rows;
CREATE INDEX held_of_subject on held_rows(subject, held_at, seq) where subject is not null;
CREATE INDEX held_of_message on held_rows(message_id, held_at, seq);
