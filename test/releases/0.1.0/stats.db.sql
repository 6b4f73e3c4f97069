pragma user_version = 5;
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
CREATE TABLE counters(name text primary key, place integer not null, value integer not null);
CREATE TABLE updated(id integer primary key check (id = 1), at integer not null);
CREATE TABLE durations(kind text primary key, count integer not null, sum_ms real not null, max_ms real not null);
CREATE TABLE histogram(
    kind text not null, bucket integer not null, ms real not null, count integer not null,
    primary key(kind, bucket)
  ) without rowid;
CREATE TABLE event_kinds(
    type text not null, key text not null, count integer not null, first_at integer not null, last_at integer not null,
    unheard integer not null, unheard_at integer,
    primary key(type, key)
  ) without rowid;
CREATE TABLE minutes(
    at integer primary key, events integer not null,
    objects_created integer not null, objects_completed integer not null, objects_failed integer not null, tasks_created integer not null, tasks_started integer not null, tasks_finished integer not null, tasks_failed integer not null, messages_dead integer not null, messages_parked integer not null
  );
CREATE TABLE object_rows(
    seq integer primary key, id text not null unique, tenant text, created_at integer, completed_at integer,
    failed_at integer, duration_ms real, changed_at integer not null
  , mark text not null default 'outside', mark_stage integer not null default 0, mark_at integer not null default 0, mark_by text not null default '');
CREATE TABLE task_rows(
    seq integer primary key, id text not null unique, object_id text not null, tenant text, created_at integer,
    started_at integer, finished_at integer, failed_at integer, processor text, attempts integer not null,
    duration_ms real, changed_at integer not null
  , mark text not null default 'outside', mark_at integer not null default 0, mark_by text not null default '');
CREATE TABLE entry_rows(
    seq integer primary key, kind text not null, id text not null, tenant text, accepted_at integer, outcome text,
    mark_stage integer not null, mark text not null, mark_at integer not null, mark_by text not null,
    began_at integer, changed_at integer not null,
    unique(kind, id)
  );
CREATE TABLE ledger_accounts(
    kind text not null, tenant text not null, state text not null, queue text not null, by_whom text not null,
    count integer not null,
    primary key(kind, tenant, state, queue, by_whom)
  ) without rowid;
CREATE TABLE ledger_names(role text not null, name text not null, primary key(role, name)) without rowid;
CREATE TABLE ledger_missing(
    kind text not null, id text not null, tenant text not null, place text not null, since integer not null,
    primary key(place, kind, id)
  ) without rowid;
CREATE TABLE ledger_seen(
    queue text primary key, ready integer not null, unsettled integer, replay integer not null, parked integer not null,
    dead integer not null, at integer not null
  ) without rowid;
CREATE TABLE ledger_unobserved(place text primary key, why text not null) without rowid;
CREATE TABLE ledger_watch(
    id integer primary key check (id = 1), holder text not null, until integer not null, said integer not null,
    since integer, compared_at integer, began integer
  );
CREATE TABLE task_failures(
      id text primary key, at integer not null, attempt integer not null, error text not null, retry_at integer
    ) without rowid;
insert into "inbox"("seq","queue","id","at") values (1,'statistics','01a20104-ba6d-7d6d-9b4e-fda9d8cb8da7',1795313417107);
insert into "inbox"("seq","queue","id","at") values (2,'statistics','01a20104-bcfe-786c-98bb-db3376132687',1795313417577);
insert into "inbox"("seq","queue","id","at") values (3,'statistics','01a20104-bf66-7348-873a-3817809bf0c4',1795313418183);
insert into "inbox"("seq","queue","id","at") values (4,'statistics','01a20104-ec88-7ad8-ba7f-ca512feaa9df',1795313429737);
insert into "inbox"("seq","queue","id","at") values (5,'statistics','01a20104-ec96-7c29-b956-b3a98202d17f',1795313429737);
insert into "inbox"("seq","queue","id","at") values (6,'statistics','01a20104-ec68-8b43-b463-2f15d7064442',1795313429737);
insert into "inbox"("seq","queue","id","at") values (7,'statistics','01a20104-ec68-8825-ab74-f1d31f6c6439',1795313429737);
insert into "inbox"("seq","queue","id","at") values (8,'statistics','01a20104-ec68-8c6c-9795-93d8a9e3e540',1795313429789);
insert into "inbox"("seq","queue","id","at") values (9,'statistics','01a20104-ec68-8aff-8b46-40f4ba37ddee',1795313429789);
insert into "inbox"("seq","queue","id","at") values (10,'statistics','01a20104-ec68-8e40-983f-3ebc4c278ea0',1795313429789);
insert into "inbox"("seq","queue","id","at") values (11,'statistics','01a20104-ec68-8611-bb0e-e6e8ea043533',1795313429789);
insert into "inbox"("seq","queue","id","at") values (12,'statistics','01a20104-ec68-8246-8d90-9d5e10ad951a',1795313429789);
insert into "inbox"("seq","queue","id","at") values (13,'statistics','01a20104-ec68-8401-b799-dd7476a02f6c',1795313429789);
insert into "inbox"("seq","queue","id","at") values (14,'statistics','01a20104-ec68-81fe-8c8d-384a7dc816e9',1795313429789);
insert into "inbox"("seq","queue","id","at") values (15,'statistics','01a20104-ec68-8714-9b9f-f2169c46d313',1795313429789);
insert into "inbox"("seq","queue","id","at") values (16,'statistics','01a20104-ec68-8d93-ad1c-a513c4f64f79',1795313429834);
insert into "inbox"("seq","queue","id","at") values (17,'statistics','01a20104-ec68-8767-bf94-7af9916e7731',1795313429834);
insert into "inbox"("seq","queue","id","at") values (18,'statistics','01a20104-ec68-8839-ba30-d0ab4f20c007',1795313429834);
insert into "inbox"("seq","queue","id","at") values (19,'statistics','01a20104-ec68-8c97-a58a-59d9181ccb82',1795313429834);
insert into "inbox"("seq","queue","id","at") values (20,'statistics','01a20104-ec68-8623-8231-53b3a9b4a4c5',1795313429834);
insert into "inbox"("seq","queue","id","at") values (21,'statistics','01a20104-ec68-8c3e-a68d-e51c8defa858',1795313429834);
insert into "inbox"("seq","queue","id","at") values (22,'statistics','01a20104-ec68-8cd9-a9a8-bac38a31b2c9',1795313429834);
insert into "inbox"("seq","queue","id","at") values (23,'statistics','01a20104-ec68-8e48-ad37-4fe8ae785da3',1795313429834);
insert into "inbox"("seq","queue","id","at") values (24,'statistics','01a20104-ec68-894a-94fc-7164bf23afca',1795313429834);
insert into "inbox"("seq","queue","id","at") values (25,'statistics','01a20104-ec68-8c91-ab73-759688db5870',1795313429834);
insert into "inbox"("seq","queue","id","at") values (26,'statistics','01a20104-ec68-870b-a4b2-e515c537d873',1795313429834);
insert into "inbox"("seq","queue","id","at") values (27,'statistics','01a20104-ec68-813a-aa81-2d85f41cb8f2',1795313429834);
insert into "inbox"("seq","queue","id","at") values (28,'statistics','01a20104-ec68-8be4-8dd5-4f278b8e9cb9',1795313429834);
insert into "inbox"("seq","queue","id","at") values (29,'statistics','01a20104-ec68-83b0-9e96-140381f247c1',1795313429834);
insert into "inbox"("seq","queue","id","at") values (30,'statistics','01a20104-ec68-8efd-8236-2e7e6f7dc738',1795313429834);
insert into "inbox"("seq","queue","id","at") values (31,'statistics','01a20104-ec68-8087-9971-5513b539f0fa',1795313429834);
insert into "inbox"("seq","queue","id","at") values (32,'statistics','01a20104-ec68-8284-8128-9df07f79dad7',1795313429834);
insert into "inbox"("seq","queue","id","at") values (33,'statistics','01a20104-ec68-8fd7-9e1d-eb7dd924db8f',1795313429834);
insert into "inbox"("seq","queue","id","at") values (34,'statistics','01a20104-ec68-8978-8e65-d202f7de9b83',1795313429872);
insert into "inbox"("seq","queue","id","at") values (35,'statistics','01a20104-ec68-8d3d-9a6a-ce2283b5ac57',1795313429872);
insert into "inbox"("seq","queue","id","at") values (36,'statistics','01a20104-f688-8704-8486-49b1c0a85c01',1795313432219);
insert into "inbox"("seq","queue","id","at") values (37,'statistics','01a20104-f688-8aae-94d9-5f7582c4b4d4',1795313432219);
insert into "inbox"("seq","queue","id","at") values (38,'statistics','01a20104-f688-8af4-b4e4-2033607cf574',1795313432219);
insert into "inbox"("seq","queue","id","at") values (39,'statistics','01a20104-f688-88dc-bba4-f416d7b706bb',1795313432231);
insert into "inbox"("seq","queue","id","at") values (40,'statistics','01a20104-f688-821b-b177-bfb86f00f97f',1795313432231);
insert into "inbox"("seq","queue","id","at") values (41,'statistics','01a20104-f688-836e-9120-68e9564e2eaf',1795313432231);
insert into "inbox"("seq","queue","id","at") values (42,'statistics','01a20104-f688-8124-987c-76db4a1c7d54',1795313432231);
insert into "inbox"("seq","queue","id","at") values (43,'statistics','01a20104-f688-82a8-a05e-2e887233be27',1795313432231);
insert into "inbox"("seq","queue","id","at") values (44,'statistics','01a20104-f688-807b-a264-2d5dd74b14be',1795313432231);
insert into "inbox"("seq","queue","id","at") values (45,'statistics','01a20104-f688-889d-b65e-509f9a2dccad',1795313432231);
insert into "inbox"("seq","queue","id","at") values (46,'statistics','01a20104-f688-801c-9632-5afc0390df1e',1795313432231);
insert into "inbox"("seq","queue","id","at") values (47,'statistics','01a20104-f688-8dfd-84b8-9f49a3a2dc17',1795313432231);
insert into "inbox"("seq","queue","id","at") values (48,'statistics','01a20104-f688-882b-b409-1f51849021d2',1795313432231);
insert into "inbox"("seq","queue","id","at") values (49,'statistics','01a20104-f688-8ce4-b39f-3b759c1db366',1795313432231);
insert into "inbox"("seq","queue","id","at") values (50,'statistics','01a20104-f688-892d-b6d3-ca024fbe8b28',1795313432231);
insert into "inbox"("seq","queue","id","at") values (51,'statistics','01a20104-f688-82d7-b9e7-1a116aee6f8f',1795313432231);
insert into "inbox"("seq","queue","id","at") values (52,'statistics','01a20104-f688-84c3-904d-eba025b2d26a',1795313432231);
insert into "inbox"("seq","queue","id","at") values (53,'statistics','01a20104-f688-8ef1-a1a6-0b896255a97a',1795313432231);
insert into "inbox"("seq","queue","id","at") values (54,'statistics','01a20104-f688-8f15-bf61-b2fc35992d00',1795313432231);
insert into "inbox"("seq","queue","id","at") values (55,'statistics','01a20104-f688-8055-a564-254ec72138fe',1795313432231);
insert into "inbox"("seq","queue","id","at") values (56,'statistics','01a20104-f6b9-74e6-b34f-bc59cc9c65a6',1795313432258);
insert into "inbox"("seq","queue","id","at") values (57,'statistics','01a20104-f6b9-80fc-bf40-d92b8ecb9a28',1795313432273);
insert into "inbox"("seq","queue","id","at") values (58,'statistics','01a20104-f6b9-8903-8f98-1a3951624207',1795313432273);
insert into "inbox"("seq","queue","id","at") values (59,'statistics','bd40b127-12a4-83da-be80-49684d72c870',1795313432283);
insert into "inbox"("seq","queue","id","at") values (60,'statistics','01a20104-f688-80fe-a903-db75e29988b4',1795313432283);
insert into "inbox"("seq","queue","id","at") values (61,'statistics','01a20104-f688-882a-82fd-e376d4056caa',1795313432283);
insert into "inbox"("seq","queue","id","at") values (62,'statistics','01a20104-f688-8480-99df-e2a0a6bf83af',1795313432283);
insert into "inbox"("seq","queue","id","at") values (63,'statistics','01a20104-f688-8e94-afb2-9c320084ef39',1795313432283);
insert into "inbox"("seq","queue","id","at") values (64,'statistics','01a20104-f688-8fa3-ad1d-b27e0ddff91e',1795313432283);
insert into "inbox"("seq","queue","id","at") values (65,'statistics','01a20104-f688-8b56-b52a-6b54913a753b',1795313432283);
insert into "inbox"("seq","queue","id","at") values (66,'statistics','01a20104-f688-89de-a5e5-fdc105fe2b9f',1795313432283);
insert into "inbox"("seq","queue","id","at") values (67,'statistics','01a20104-f688-8011-af31-7aa775cefb25',1795313432283);
insert into "inbox"("seq","queue","id","at") values (68,'statistics','01a20104-f688-8025-8937-fc23989eebcb',1795313432283);
insert into "inbox"("seq","queue","id","at") values (69,'statistics','99bf808e-12d2-87b5-b942-4475bb1d8d05',1795313432304);
insert into "inbox"("seq","queue","id","at") values (70,'statistics','1fada088-2169-8a5a-9d4f-8a3c1ea7f83d',1795313432304);
insert into "inbox"("seq","queue","id","at") values (71,'statistics','1fada088-2169-86bd-bddb-09df521bcfd4',1795313432317);
insert into "inbox"("seq","queue","id","at") values (72,'statistics','01a20104-f688-8fae-b685-8a4f242b7dfd',1795313432439);
insert into "inbox"("seq","queue","id","at") values (73,'statistics','01a20104-f688-867e-805c-959ed26bdcbb',1795313432439);
insert into "inbox"("seq","queue","id","at") values (74,'statistics','01a20104-f688-8f70-8c4e-d689e6c40e69',1795313432439);
insert into "inbox"("seq","queue","id","at") values (75,'statistics','01a20104-f688-8722-a639-20a4cd331764',1795313432439);
insert into "inbox"("seq","queue","id","at") values (76,'statistics','01a20104-f6b9-8f8d-82a8-7eaef09f9e79',1795313432439);
insert into "inbox"("seq","queue","id","at") values (77,'statistics','01a20104-f6b9-84a3-aaa9-5c8ce904d4a2',1795313432439);
insert into "inbox"("seq","queue","id","at") values (78,'statistics','01a20104-f688-8ffe-b1a2-2eb23ef769a6',1795313432467);
insert into "inbox"("seq","queue","id","at") values (79,'statistics','01a20104-f688-86e4-a772-1697a19c59c9',1795313432467);
insert into "inbox"("seq","queue","id","at") values (80,'statistics','01a20104-f688-8214-8f16-9ae7ace2ef73',1795313432467);
insert into "inbox"("seq","queue","id","at") values (81,'statistics','01a20104-f688-8ed7-bae1-154968cb1245',1795313432467);
insert into "inbox"("seq","queue","id","at") values (82,'statistics','01a20104-f688-8591-ab07-ca3bf4bcde42',1795313432467);
insert into "inbox"("seq","queue","id","at") values (83,'statistics','01a20104-f688-8ec0-917d-5f85123c93aa',1795313432467);
insert into "inbox"("seq","queue","id","at") values (84,'statistics','01a20104-f688-8786-a158-13a2a6b2550d',1795313432467);
insert into "inbox"("seq","queue","id","at") values (85,'statistics','01a20104-f688-8941-bf6a-c1e3fcd32faa',1795313432467);
insert into "inbox"("seq","queue","id","at") values (86,'statistics','01a20104-f688-8aa4-a048-99f6a1932d7b',1795313432467);
insert into "inbox"("seq","queue","id","at") values (87,'statistics','01a20104-f688-8871-a938-995adecb9187',1795313432467);
insert into "inbox"("seq","queue","id","at") values (88,'statistics','01a20104-f688-8d19-af91-05e0bc8b0477',1795313432467);
insert into "inbox"("seq","queue","id","at") values (89,'statistics','01a20104-f6b9-8b4b-840e-ba28e7d92c59',1795313432467);
insert into "inbox"("seq","queue","id","at") values (90,'statistics','01a20104-f6b9-8ae0-99c0-0edb8880c8ac',1795313432467);
insert into "inbox"("seq","queue","id","at") values (91,'statistics','01a20104-f688-822d-8150-2c6ba30f4231',1795313432467);
insert into "inbox"("seq","queue","id","at") values (92,'statistics','01a20104-f688-8ab4-84fc-2e1d2823b572',1795313432467);
insert into "inbox"("seq","queue","id","at") values (93,'statistics','01a20104-f688-8a7e-a7d5-8639c2bf25c4',1795313432467);
insert into "inbox"("seq","queue","id","at") values (94,'statistics','01a20104-f688-8bf7-a0f1-3df2f9e8447d',1795313432467);
insert into "inbox"("seq","queue","id","at") values (95,'statistics','01a20104-f6b9-8fb8-98b6-c6aea51d6abc',1795313432467);
insert into "inbox"("seq","queue","id","at") values (96,'statistics','01a20104-f6b9-88b2-937f-170c3881d59c',1795313432467);
insert into "inbox"("seq","queue","id","at") values (97,'statistics','01a20104-f6b9-8747-a9af-34f1ef5384ef',1795313432557);
insert into "inbox"("seq","queue","id","at") values (98,'statistics','01a20104-f6b9-8faa-94bb-3aacd7a4949c',1795313432557);
insert into "inbox"("seq","queue","id","at") values (99,'statistics','01a20104-f6b9-80b5-9b27-3207f5d0aca9',1795313432557);
insert into "inbox"("seq","queue","id","at") values (100,'statistics','01a20104-f6b9-8e37-b27c-2560bdba3411',1795313432557);
insert into "inbox"("seq","queue","id","at") values (101,'statistics','01a20104-f6b9-899c-a29a-8fbe372faa94',1795313432557);
insert into "inbox"("seq","queue","id","at") values (102,'statistics','01a20104-f6b9-8bf6-9f72-32ab369f7c21',1795313432569);
insert into "inbox"("seq","queue","id","at") values (103,'statistics','01a20104-f6b9-8b19-9919-c9047953827b',1795313432569);
insert into "inbox"("seq","queue","id","at") values (104,'statistics','01a20104-f6b9-83fb-819b-ee1424a335c1',1795313432569);
insert into "inbox"("seq","queue","id","at") values (105,'statistics','01a20104-f6b9-8b94-8fbb-18c4c99487ba',1795313432569);
insert into "inbox"("seq","queue","id","at") values (106,'statistics','01a20104-f830-775a-9621-2d02a1d0aa74',1795313432639);
insert into "inbox"("seq","queue","id","at") values (107,'statistics','01a20104-f86e-75ec-84e8-0ce84a3e1622',1795313432696);
insert into "inbox"("seq","queue","id","at") values (108,'statistics','01a20104-f86e-8068-a343-4db01e06f78f',1795313432744);
insert into "inbox"("seq","queue","id","at") values (109,'statistics','01a20104-f8a4-7b69-90b0-3b801df33ef5',1795313432762);
insert into "inbox"("seq","queue","id","at") values (110,'statistics','01a20104-f86e-834d-8f41-54d07bdfb4da',1795313432917);
insert into "inbox"("seq","queue","id","at") values (111,'statistics','01a20104-f86e-8a5c-891d-45baaa45ce53',1795313432917);
insert into "inbox"("seq","queue","id","at") values (112,'statistics','01a20104-f931-7a74-95c4-2eb5034fcc2a',1795313432925);
insert into "inbox"("seq","queue","id","at") values (113,'statistics','01a20104-f86e-8945-9ae9-529a0de3da8b',1795313432927);
insert into "inbox"("seq","queue","id","at") values (114,'statistics','01a20104-f8a4-824b-a2ab-e5f610fdabb5',1795313432927);
insert into "inbox"("seq","queue","id","at") values (115,'statistics','01a20104-f95b-8e53-8cbb-e812a86a0c1d',1795313433044);
insert into "inbox"("seq","queue","id","at") values (116,'statistics','01a20104-f86e-824b-8f57-291ecb6b5b82',1795313433184);
insert into "inbox"("seq","queue","id","at") values (117,'statistics','01a20104-f8a4-88f7-b698-adddd66441d9',1795313433193);
insert into "inbox"("seq","queue","id","at") values (118,'statistics','01a20104-f8a4-8fca-b046-c699dcf54526',1795313433193);
insert into "inbox"("seq","queue","id","at") values (119,'statistics','01a20104-f931-83c5-af4d-eac009e8201b',1795313433193);
insert into "inbox"("seq","queue","id","at") values (120,'statistics','01a20104-f86e-82cf-95fc-d3db984d2ad4',1795313433201);
insert into "inbox"("seq","queue","id","at") values (121,'statistics','01a20104-f8a4-84c9-8ad9-eb596b5568fe',1795313433201);
insert into "inbox"("seq","queue","id","at") values (122,'statistics','01a20104-f931-8642-8c37-87996390f2e3',1795313433295);
insert into "inbox"("seq","queue","id","at") values (123,'statistics','01a20104-f86e-8e71-8a8f-cb7123bb1bba',1795313433295);
insert into "inbox"("seq","queue","id","at") values (124,'statistics','01a20104-f86e-8ef8-8b6e-d8e32b2a80dd',1795313433295);
insert into "inbox"("seq","queue","id","at") values (125,'statistics','01a20104-f8a4-8123-b3db-98728d32209e',1795313433295);
insert into "inbox"("seq","queue","id","at") values (126,'statistics','01a20104-f86e-87c0-90a8-c491edd96e93',1795313433343);
insert into "inbox"("seq","queue","id","at") values (127,'statistics','01a20104-f86e-8cc5-819c-99f560c6f344',1795313433343);
insert into "inbox"("seq","queue","id","at") values (128,'statistics','01a20104-f8a4-8af5-97ad-24bf689531db',1795313433360);
insert into "inbox"("seq","queue","id","at") values (129,'statistics','01a20104-fb79-81f8-94c4-356ab3886bc3',1795313433480);
insert into "inbox"("seq","queue","id","at") values (130,'statistics','01a20104-fb79-841e-8e96-4ba99b796c53',1795313433480);
insert into "inbox"("seq","queue","id","at") values (131,'statistics','01a20104-fb79-88fe-95fb-809be0d0e5a9',1795313433480);
insert into "inbox"("seq","queue","id","at") values (132,'statistics','01a20104-fb79-8213-8498-599881a2ad85',1795313433480);
insert into "inbox"("seq","queue","id","at") values (133,'statistics','01a20104-fb79-8367-8d89-2eb75106b144',1795313433480);
insert into "inbox"("seq","queue","id","at") values (134,'statistics','01a20104-fb79-8766-bb2b-e2ea43e6631e',1795313433480);
insert into "inbox"("seq","queue","id","at") values (135,'statistics','01a20104-fb79-8ea2-be5e-b9d8d6138301',1795313433480);
insert into "inbox"("seq","queue","id","at") values (136,'statistics','01a20104-fb79-8e5b-985c-32ffe1bcbcf2',1795313433494);
insert into "inbox"("seq","queue","id","at") values (137,'statistics','01a20104-fb79-8d12-a31d-bbc5e5d0801f',1795313433494);
insert into "inbox"("seq","queue","id","at") values (138,'statistics','01a20104-fb79-8ad4-80bd-f9d9efa9b9a8',1795313433494);
insert into "inbox"("seq","queue","id","at") values (139,'statistics','01a20104-fb79-8d6b-ae88-8b59d3433bfb',1795313433494);
insert into "inbox"("seq","queue","id","at") values (140,'statistics','01a20104-fb79-8581-87d6-8df5b8d80694',1795313433494);
insert into "inbox"("seq","queue","id","at") values (141,'statistics','01a20104-fb79-8bc3-997c-c8947581b420',1795313433494);
insert into "inbox"("seq","queue","id","at") values (142,'statistics','01a20104-fb79-8fa5-8030-a29d0ee28292',1795313433494);
insert into "inbox"("seq","queue","id","at") values (143,'statistics','01a20104-fb79-8739-82f9-83b9842677ad',1795313433494);
insert into "inbox"("seq","queue","id","at") values (144,'statistics','01a20104-fb79-864f-bc05-65e4ea0f16b4',1795313433494);
insert into "inbox"("seq","queue","id","at") values (145,'statistics','01a20104-fb79-8370-a5dc-f5c8a44e4783',1795313433494);
insert into "inbox"("seq","queue","id","at") values (146,'statistics','01a20104-fb79-898c-bf9e-a05d57bc28e9',1795313433494);
insert into "inbox"("seq","queue","id","at") values (147,'statistics','01a20104-fb79-8216-8e8c-2f28dd47f852',1795313433494);
insert into "inbox"("seq","queue","id","at") values (148,'statistics','01a20104-fb79-85b4-b5a1-fb39a2a4c1dd',1795313433494);
insert into "inbox"("seq","queue","id","at") values (149,'statistics','01a20104-fb79-8456-8ab0-5f349b3c7644',1795313433494);
insert into "inbox"("seq","queue","id","at") values (150,'statistics','01a20104-fb79-8728-8afb-039621a08992',1795313433494);
insert into "inbox"("seq","queue","id","at") values (151,'statistics','01a20104-fb79-8540-b830-82fa98fcc60c',1795313433494);
insert into "inbox"("seq","queue","id","at") values (152,'statistics','01a20104-fb79-86ed-9d79-6642c83abab2',1795313433494);
insert into "inbox"("seq","queue","id","at") values (153,'statistics','01a20104-f86e-8d7a-bc7b-91bbba0da542',1795313433520);
insert into "inbox"("seq","queue","id","at") values (154,'statistics','01a20104-f8a4-8a38-8e47-2fbb308a3522',1795313433520);
insert into "inbox"("seq","queue","id","at") values (155,'statistics','01a20104-f95b-8cc9-bb86-301a8e4ef9ca',1795313433520);
insert into "inbox"("seq","queue","id","at") values (156,'statistics','01a20104-f95b-8f9d-8f83-637513c16597',1795313433520);
insert into "inbox"("seq","queue","id","at") values (157,'statistics','01a20104-fc8a-7720-8b5d-f5071944edc8',1795313433745);
insert into "inbox"("seq","queue","id","at") values (158,'statistics','01a20104-fc8a-8686-8b0f-1c6ae7c7de23',1795313433793);
insert into "inbox"("seq","queue","id","at") values (159,'statistics','01a20104-fc8a-8f7a-b13d-40b2f9578318',1795313433823);
insert into "inbox"("seq","queue","id","at") values (160,'statistics','01a20104-fc8a-8f0c-86d5-dccddb36c897',1795313433823);
insert into "inbox"("seq","queue","id","at") values (161,'statistics','01a20104-fc8a-8c9e-93b2-7e546ab72e3a',1795313433838);
insert into "inbox"("seq","queue","id","at") values (162,'statistics','c0e75002-e14e-89df-aaf3-beb46efd94f9',1795313433968);
insert into "inbox"("seq","queue","id","at") values (163,'statistics','f79a80b9-1b48-8e25-9ca3-641b1ee6c8d5',1795313433968);
insert into "inbox"("seq","queue","id","at") values (164,'statistics','01a20105-0b09-82c8-9c9d-d1a0ca838ac4',1795313437464);
insert into "inbox"("seq","queue","id","at") values (165,'statistics','01a20105-0b09-8d5a-bb26-a569ac6d6294',1795313437464);
insert into "inbox"("seq","queue","id","at") values (166,'statistics','01a20105-0b09-808c-a30e-ac47c1ae8514',1795313437464);
insert into "inbox"("seq","queue","id","at") values (167,'statistics','01a20105-0b09-8530-89a1-bbad7c009e0c',1795313437464);
insert into "inbox"("seq","queue","id","at") values (168,'statistics','01a20105-0b09-88d2-9a53-152f34300a0b',1795313437464);
insert into "inbox"("seq","queue","id","at") values (169,'statistics','01a20105-0b09-8f69-bb66-c1cfb7d50cd0',1795313437511);
insert into "inbox"("seq","queue","id","at") values (170,'statistics','01a20105-0b09-8c9a-a1ce-fe9c2308f61c',1795313437511);
insert into "inbox"("seq","queue","id","at") values (171,'statistics','01a20105-0b09-8b24-af6d-32b891c9ddd9',1795313437511);
insert into "inbox"("seq","queue","id","at") values (172,'statistics','01a20105-0b09-8705-ba60-8a23bc31bd9e',1795313437511);
insert into "inbox"("seq","queue","id","at") values (173,'statistics','01a20105-0b09-8970-b3d9-0570a8198c32',1795313437511);
insert into "inbox"("seq","queue","id","at") values (174,'statistics','01a20105-0b09-8748-b106-b3c88a91f555',1795313437550);
insert into "inbox"("seq","queue","id","at") values (175,'statistics','01a20105-0b09-899b-baee-fc690c4b64fd',1795313437550);
insert into "inbox"("seq","queue","id","at") values (176,'statistics','01a20105-0b09-8a16-ac2a-874a863f1473',1795313437550);
insert into "inbox"("seq","queue","id","at") values (177,'statistics','01a20105-0b09-871d-bac0-d17faa0b2421',1795313437550);
insert into "inbox"("seq","queue","id","at") values (178,'statistics','01a20105-0b09-83fd-ad71-e1e706adc135',1795313437550);
insert into "inbox"("seq","queue","id","at") values (179,'statistics','01a20105-0b09-8472-aa5b-2c35fda6c43a',1795313437550);
insert into "inbox"("seq","queue","id","at") values (180,'statistics','01a20105-0b09-8cbc-8fab-1e488b58576c',1795313437576);
insert into "inbox"("seq","queue","id","at") values (181,'statistics','01a20105-0b09-85a9-83cc-bfb2fa494c47',1795313437576);
insert into "inbox"("seq","queue","id","at") values (182,'statistics','01a20105-0b09-86bc-b218-e7f2f6eddb5d',1795313437618);
insert into "inbox"("seq","queue","id","at") values (183,'statistics','01a20105-0b09-89ea-9102-51a202c24d1c',1795313437618);
insert into "inbox"("seq","queue","id","at") values (184,'statistics','01a20105-0b09-8f1f-89c9-af158ae757b8',1795313437618);
insert into "inbox"("seq","queue","id","at") values (185,'statistics','01a20105-0b09-8507-a868-5a48b4abef1d',1795313437618);
insert into "inbox"("seq","queue","id","at") values (186,'statistics','01a20105-0bc8-8b90-b011-1d5b8e0f324d',1795313437680);
insert into "inbox"("seq","queue","id","at") values (187,'statistics','01a20105-0bc8-8f8a-b14d-be43dfa6fece',1795313437680);
insert into "inbox"("seq","queue","id","at") values (188,'statistics','01a20105-0bc8-83ae-94be-02560ff95e3b',1795313437680);
insert into "inbox"("seq","queue","id","at") values (189,'statistics','01a20105-0bc8-8e5a-998e-71e2ebbb7972',1795313437680);
insert into "inbox"("seq","queue","id","at") values (190,'statistics','01a20105-0bc8-8799-b6cf-67b9a73ebf28',1795313437680);
insert into "inbox"("seq","queue","id","at") values (191,'statistics','01a20105-0bc8-8153-b380-454dc5b1c773',1795313437680);
insert into "inbox"("seq","queue","id","at") values (192,'statistics','01a20105-0bc8-8292-a856-0452967b951a',1795313437680);
insert into "counters"("name","place","value") values ('objects_created',0,14);
insert into "counters"("name","place","value") values ('objects_completed',1,4);
insert into "counters"("name","place","value") values ('objects_failed',2,2);
insert into "counters"("name","place","value") values ('tasks_created',3,36);
insert into "counters"("name","place","value") values ('tasks_started',4,24);
insert into "counters"("name","place","value") values ('tasks_finished',5,12);
insert into "counters"("name","place","value") values ('tasks_failed',6,6);
insert into "counters"("name","place","value") values ('tasks_in_progress',7,6);
insert into "counters"("name","place","value") values ('messages_dead',8,8);
insert into "counters"("name","place","value") values ('messages_parked',9,9);
insert into "updated"("id","at") values (1,1795313437682);
insert into "durations"("kind","count","sum_ms","max_ms") values ('object',4,624.0,156.0);
insert into "durations"("kind","count","sum_ms","max_ms") values ('task',12,466.0,59.3);
insert into "histogram"("kind","bucket","ms","count") values ('object',353,155.9,4);
insert into "histogram"("kind","bucket","ms","count") values ('task',124,12.4,1);
insert into "histogram"("kind","bucket","ms","count") values ('task',171,21.4,2);
insert into "histogram"("kind","bucket","ms","count") values ('task',185,24.2,1);
insert into "histogram"("kind","bucket","ms","count") values ('task',243,46.1,1);
insert into "histogram"("kind","bucket","ms","count") values ('task',244,46.5,4);
insert into "histogram"("kind","bucket","ms","count") values ('task',245,46.9,1);
insert into "histogram"("kind","bucket","ms","count") values ('task',246,47.3,1);
insert into "histogram"("kind","bucket","ms","count") values ('task',266,59.5,1);
insert into "event_kinds"("type","key","count","first_at","last_at","unheard","unheard_at") values ('ACTIVITY_FAILED','activities.failed',2,1795313433347,1795313433824,0,NULL);
insert into "event_kinds"("type","key","count","first_at","last_at","unheard","unheard_at") values ('ACTIVITY_REQUESTED','activity.call',1,1795313433788,1795313433788,0,NULL);
insert into "event_kinds"("type","key","count","first_at","last_at","unheard","unheard_at") values ('ACTIVITY_REQUESTED','activity.charge',2,1795313433097,1795313433280,0,NULL);
insert into "event_kinds"("type","key","count","first_at","last_at","unheard","unheard_at") values ('ACTIVITY_REQUESTED','activity.notify',1,1795313433280,1795313433280,0,NULL);
insert into "event_kinds"("type","key","count","first_at","last_at","unheard","unheard_at") values ('ACTIVITY_REQUESTED','activity.reserve',2,1795313432805,1795313433101,0,NULL);
insert into "event_kinds"("type","key","count","first_at","last_at","unheard","unheard_at") values ('ACTIVITY_REQUESTED','activity.ship',1,1795313433280,1795313433280,0,NULL);
insert into "event_kinds"("type","key","count","first_at","last_at","unheard","unheard_at") values ('ACTIVITY_SUCCEEDED','activities.succeeded',5,1795313432905,1795313433335,0,NULL);
insert into "event_kinds"("type","key","count","first_at","last_at","unheard","unheard_at") values ('DEFINITION_REGISTERED','journeys.definition-registered',4,1795313416813,1795313432624,0,NULL);
insert into "event_kinds"("type","key","count","first_at","last_at","unheard","unheard_at") values ('EventGroupCollectorCreate','eventbus-collector',14,1795313429676,1795313437649,0,NULL);
insert into "event_kinds"("type","key","count","first_at","last_at","unheard","unheard_at") values ('EventGroupCollectorEntityDone','eventbus-collector',3,1795313432304,1795313433968,0,NULL);
insert into "event_kinds"("type","key","count","first_at","last_at","unheard","unheard_at") values ('EventGroupCollectorSuccess','eventbus-collector.success',1,1795313432294,1795313432294,0,NULL);
insert into "event_kinds"("type","key","count","first_at","last_at","unheard","unheard_at") values ('FLOW_BACKEND_ANSWERED','flow-worker',4,1795313432341,1795313432462,0,NULL);
insert into "event_kinds"("type","key","count","first_at","last_at","unheard","unheard_at") values ('FLOW_BACKEND_REQUESTED','flow-backend',4,1795313432319,1795313432445,0,NULL);
insert into "event_kinds"("type","key","count","first_at","last_at","unheard","unheard_at") values ('FLOW_CALLED','flow-worker',4,1795313432257,1795313432433,0,NULL);
insert into "event_kinds"("type","key","count","first_at","last_at","unheard","unheard_at") values ('FLOW_CALL_ANSWERED','flows.answered',4,1795313432420,1795313432468,0,NULL);
insert into "event_kinds"("type","key","count","first_at","last_at","unheard","unheard_at") values ('FLOW_REQUESTED','flows.requested',1,1795313432249,1795313432249,0,NULL);
insert into "event_kinds"("type","key","count","first_at","last_at","unheard","unheard_at") values ('FLOW_SUCCEEDED','flows.succeeded',1,1795313432480,1795313432480,0,NULL);
insert into "event_kinds"("type","key","count","first_at","last_at","unheard","unheard_at") values ('INITIATE_JOURNEY','initiate_journey.order',2,1795313432705,1795313432909,0,NULL);
insert into "event_kinds"("type","key","count","first_at","last_at","unheard","unheard_at") values ('INITIATE_JOURNEY','initiate_journey.patient-call',1,1795313433770,1795313433770,0,NULL);
insert into "event_kinds"("type","key","count","first_at","last_at","unheard","unheard_at") values ('INITIATE_JOURNEY','initiate_journey.unborn',1,1795313433104,1795313433104,0,NULL);
insert into "event_kinds"("type","key","count","first_at","last_at","unheard","unheard_at") values ('INITIATE_WORKFLOW','initiate_workflow',4,1795313432686,1795313433738,0,NULL);
insert into "event_kinds"("type","key","count","first_at","last_at","unheard","unheard_at") values ('JOURNEY_COMPLETED','journeys.completed',1,1795313433452,1795313433452,0,NULL);
insert into "event_kinds"("type","key","count","first_at","last_at","unheard","unheard_at") values ('JOURNEY_NEEDS_REMEDIATION','journeys.needs-remediation',2,1795313433279,1795313433453,0,NULL);
insert into "event_kinds"("type","key","count","first_at","last_at","unheard","unheard_at") values ('JOURNEY_STARTED','journeys.started',3,1795313432805,1795313433788,0,NULL);
insert into "event_kinds"("type","key","count","first_at","last_at","unheard","unheard_at") values ('MESSAGE_DEAD','messages.dead',8,1795313429636,1795313429763,0,NULL);
insert into "event_kinds"("type","key","count","first_at","last_at","unheard","unheard_at") values ('MESSAGE_PARKED','messages.parked',9,1795313433482,1795313433485,0,NULL);
insert into "event_kinds"("type","key","count","first_at","last_at","unheard","unheard_at") values ('OBJECT_COMPLETED','objects.completed',4,1795313432356,1795313432357,0,NULL);
insert into "event_kinds"("type","key","count","first_at","last_at","unheard","unheard_at") values ('OBJECT_CREATED','objects',14,1795313429608,1795313437640,0,NULL);
insert into "event_kinds"("type","key","count","first_at","last_at","unheard","unheard_at") values ('OBJECT_FAILED','objects.failed',2,1795313429777,1795313429812,0,NULL);
insert into "event_kinds"("type","key","count","first_at","last_at","unheard","unheard_at") values ('SIDELINE_CHANGED','sidelines.changed',2,1795313432933,1795313433455,0,NULL);
insert into "event_kinds"("type","key","count","first_at","last_at","unheard","unheard_at") values ('SIDELINE_SETTLED','sidelines.settled',1,1795313433432,1795313433432,0,NULL);
insert into "event_kinds"("type","key","count","first_at","last_at","unheard","unheard_at") values ('TASK_CREATED','task-requests',36,1795313429677,1795313437650,0,NULL);
insert into "event_kinds"("type","key","count","first_at","last_at","unheard","unheard_at") values ('TASK_FAILED','tasks.failed',12,1795313429724,1795313437608,0,NULL);
insert into "event_kinds"("type","key","count","first_at","last_at","unheard","unheard_at") values ('TASK_FINISHED','tasks.finished',12,1795313432286,1795313432341,0,NULL);
insert into "event_kinds"("type","key","count","first_at","last_at","unheard","unheard_at") values ('TASK_STARTED','tasks.started',24,1795313429705,1795313437540,0,NULL);
insert into "minutes"("at","events","objects_created","objects_completed","objects_failed","tasks_created","tasks_started","tasks_finished","tasks_failed","messages_dead","messages_parked") values (1795313400000,192,14,4,2,36,24,12,6,8,9);
insert into "object_rows"("seq","id","tenant","created_at","completed_at","failed_at","duration_ms","changed_at","mark","mark_stage","mark_at","mark_by") values (1,'01a20104-ec68-78c4-96d2-6827433be1f8','unlucky',1795313429608,NULL,1795313429777,161.0,1795313429875,'inFlight',1,0,'');
insert into "object_rows"("seq","id","tenant","created_at","completed_at","failed_at","duration_ms","changed_at","mark","mark_stage","mark_at","mark_by") values (2,'01a20104-ec68-7a68-8a89-b497d4f9a101','unlucky',1795313429608,NULL,1795313429812,197.0,1795313429875,'inFlight',1,0,'');
insert into "object_rows"("seq","id","tenant","created_at","completed_at","failed_at","duration_ms","changed_at","mark","mark_stage","mark_at","mark_by") values (3,'01a20104-f688-787e-8c6a-555b6290eb94','default',1795313432200,1795313432356,NULL,156.0,1795313432467,'inFlight',1,0,'');
insert into "object_rows"("seq","id","tenant","created_at","completed_at","failed_at","duration_ms","changed_at","mark","mark_stage","mark_at","mark_by") values (4,'01a20104-f688-7104-8dea-f7a749f1f719','default',1795313432200,1795313432356,NULL,156.0,1795313432467,'inFlight',1,0,'');
insert into "object_rows"("seq","id","tenant","created_at","completed_at","failed_at","duration_ms","changed_at","mark","mark_stage","mark_at","mark_by") values (5,'01a20104-f688-7bef-ae8c-3a6d0433411c','default',1795313432200,1795313432356,NULL,156.0,1795313432467,'inFlight',1,0,'');
insert into "object_rows"("seq","id","tenant","created_at","completed_at","failed_at","duration_ms","changed_at","mark","mark_stage","mark_at","mark_by") values (6,'01a20104-f688-78ec-b784-07c3e1ba50cd','default',1795313432200,1795313432357,NULL,156.0,1795313432467,'inFlight',1,0,'');
insert into "object_rows"("seq","id","tenant","created_at","completed_at","failed_at","duration_ms","changed_at","mark","mark_stage","mark_at","mark_by") values (7,'01a20104-fb79-73d4-9a49-092d715ed096','acme',1795313433465,NULL,NULL,NULL,1795313433480,'inFlight',1,0,'');
insert into "object_rows"("seq","id","tenant","created_at","completed_at","failed_at","duration_ms","changed_at","mark","mark_stage","mark_at","mark_by") values (8,'01a20104-fb79-71f9-9641-761d94662438','acme',1795313433465,NULL,NULL,NULL,1795313433494,'inFlight',1,0,'');
insert into "object_rows"("seq","id","tenant","created_at","completed_at","failed_at","duration_ms","changed_at","mark","mark_stage","mark_at","mark_by") values (9,'01a20104-fb79-736f-9ac3-ef26e7f162c7','acme',1795313433465,NULL,NULL,NULL,1795313433494,'inFlight',1,0,'');
insert into "object_rows"("seq","id","tenant","created_at","completed_at","failed_at","duration_ms","changed_at","mark","mark_stage","mark_at","mark_by") values (10,'01a20105-0b09-7ee2-9cca-5fbd1ce392ba','default',1795313437449,NULL,NULL,NULL,1795313437464,'inFlight',1,0,'');
insert into "object_rows"("seq","id","tenant","created_at","completed_at","failed_at","duration_ms","changed_at","mark","mark_stage","mark_at","mark_by") values (11,'01a20105-0b09-73f2-8478-a1e1bdd09daf','default',1795313437449,NULL,NULL,NULL,1795313437511,'inFlight',1,0,'');
insert into "object_rows"("seq","id","tenant","created_at","completed_at","failed_at","duration_ms","changed_at","mark","mark_stage","mark_at","mark_by") values (12,'01a20105-0bc8-7de4-8e81-7fbb86c6f2dd','default',1795313437640,NULL,NULL,NULL,1795313437682,'inFlight',1,0,'');
insert into "object_rows"("seq","id","tenant","created_at","completed_at","failed_at","duration_ms","changed_at","mark","mark_stage","mark_at","mark_by") values (13,'01a20105-0bc8-77a8-a6bd-358efd44b921','default',1795313437640,NULL,NULL,NULL,1795313437682,'inFlight',0,0,'');
insert into "object_rows"("seq","id","tenant","created_at","completed_at","failed_at","duration_ms","changed_at","mark","mark_stage","mark_at","mark_by") values (14,'01a20105-0bc8-7159-9b00-855d9e3b48fb','default',1795313437640,NULL,NULL,NULL,1795313437682,'inFlight',0,0,'');
insert into "task_rows"("seq","id","object_id","tenant","created_at","started_at","finished_at","failed_at","processor","attempts","duration_ms","changed_at","mark","mark_at","mark_by") values (1,'01a20104-ec68-78c4-96d2-6827433be1f8.1','01a20104-ec68-78c4-96d2-6827433be1f8','unlucky',1795313429677,1795313429705,NULL,1795313429742,'vm:16842',1,NULL,1795313429834,'dead',1795313429742,'');
insert into "task_rows"("seq","id","object_id","tenant","created_at","started_at","finished_at","failed_at","processor","attempts","duration_ms","changed_at","mark","mark_at","mark_by") values (2,'01a20104-ec68-78c4-96d2-6827433be1f8.2','01a20104-ec68-78c4-96d2-6827433be1f8','unlucky',1795313429677,1795313429706,NULL,1795313429724,'vm:16842',1,NULL,1795313429834,'dead',1795313429725,'');
insert into "task_rows"("seq","id","object_id","tenant","created_at","started_at","finished_at","failed_at","processor","attempts","duration_ms","changed_at","mark","mark_at","mark_by") values (3,'01a20104-ec68-78c4-96d2-6827433be1f8.3','01a20104-ec68-78c4-96d2-6827433be1f8','unlucky',1795313429677,1795313429706,NULL,1795313429733,'vm:16842',1,NULL,1795313429834,'dead',1795313429733,'');
insert into "task_rows"("seq","id","object_id","tenant","created_at","started_at","finished_at","failed_at","processor","attempts","duration_ms","changed_at","mark","mark_at","mark_by") values (4,'01a20104-ec68-7a68-8a89-b497d4f9a101.1','01a20104-ec68-7a68-8a89-b497d4f9a101','unlucky',1795313429678,1795313429706,NULL,1795313429742,'vm:16842',1,NULL,1795313429834,'dead',1795313429761,'');
insert into "task_rows"("seq","id","object_id","tenant","created_at","started_at","finished_at","failed_at","processor","attempts","duration_ms","changed_at","mark","mark_at","mark_by") values (5,'01a20104-ec68-7a68-8a89-b497d4f9a101.2','01a20104-ec68-7a68-8a89-b497d4f9a101','unlucky',1795313429678,1795313429706,NULL,1795313429763,'vm:16842',1,NULL,1795313429834,'dead',1795313429763,'');
insert into "task_rows"("seq","id","object_id","tenant","created_at","started_at","finished_at","failed_at","processor","attempts","duration_ms","changed_at","mark","mark_at","mark_by") values (6,'01a20104-ec68-7a68-8a89-b497d4f9a101.3','01a20104-ec68-7a68-8a89-b497d4f9a101','unlucky',1795313429678,1795313429706,NULL,1795313429740,'vm:16842',1,NULL,1795313429834,'dead',1795313429741,'');
insert into "task_rows"("seq","id","object_id","tenant","created_at","started_at","finished_at","failed_at","processor","attempts","duration_ms","changed_at","mark","mark_at","mark_by") values (7,'01a20104-f688-787e-8c6a-555b6290eb94.1','01a20104-f688-787e-8c6a-555b6290eb94','default',1795313432216,1795313432258,1795313432286,NULL,'vm:16894',1,12.4,1795313432439,'inFlight',1795313432258,'');
insert into "task_rows"("seq","id","object_id","tenant","created_at","started_at","finished_at","failed_at","processor","attempts","duration_ms","changed_at","mark","mark_at","mark_by") values (8,'01a20104-f688-787e-8c6a-555b6290eb94.2','01a20104-f688-787e-8c6a-555b6290eb94','default',1795313432216,1795313432273,1795313432321,NULL,'vm:16894',1,47.3,1795313432467,'inFlight',1795313432273,'');
insert into "task_rows"("seq","id","object_id","tenant","created_at","started_at","finished_at","failed_at","processor","attempts","duration_ms","changed_at","mark","mark_at","mark_by") values (9,'01a20104-f688-787e-8c6a-555b6290eb94.3','01a20104-f688-787e-8c6a-555b6290eb94','default',1795313432216,1795313432273,1795313432320,NULL,'vm:16894',1,46.6,1795313432467,'inFlight',1795313432273,'');
insert into "task_rows"("seq","id","object_id","tenant","created_at","started_at","finished_at","failed_at","processor","attempts","duration_ms","changed_at","mark","mark_at","mark_by") values (10,'01a20104-f688-7104-8dea-f7a749f1f719.1','01a20104-f688-7104-8dea-f7a749f1f719','default',1795313432216,1795313432274,1795313432320,NULL,'vm:16894',1,46.7,1795313432467,'inFlight',1795313432274,'');
insert into "task_rows"("seq","id","object_id","tenant","created_at","started_at","finished_at","failed_at","processor","attempts","duration_ms","changed_at","mark","mark_at","mark_by") values (11,'01a20104-f688-7104-8dea-f7a749f1f719.2','01a20104-f688-7104-8dea-f7a749f1f719','default',1795313432217,1795313432274,1795313432321,NULL,'vm:16894',1,47.1,1795313432467,'inFlight',1795313432274,'');
insert into "task_rows"("seq","id","object_id","tenant","created_at","started_at","finished_at","failed_at","processor","attempts","duration_ms","changed_at","mark","mark_at","mark_by") values (12,'01a20104-f688-7104-8dea-f7a749f1f719.3','01a20104-f688-7104-8dea-f7a749f1f719','default',1795313432217,1795313432274,1795313432320,NULL,'vm:16894',1,46.1,1795313432467,'inFlight',1795313432274,'');
insert into "task_rows"("seq","id","object_id","tenant","created_at","started_at","finished_at","failed_at","processor","attempts","duration_ms","changed_at","mark","mark_at","mark_by") values (13,'01a20104-f688-7bef-ae8c-3a6d0433411c.1','01a20104-f688-7bef-ae8c-3a6d0433411c','default',1795313432217,1795313432274,1795313432321,NULL,'vm:16894',1,46.6,1795313432467,'inFlight',1795313432274,'');
insert into "task_rows"("seq","id","object_id","tenant","created_at","started_at","finished_at","failed_at","processor","attempts","duration_ms","changed_at","mark","mark_at","mark_by") values (14,'01a20104-f688-7bef-ae8c-3a6d0433411c.2','01a20104-f688-7bef-ae8c-3a6d0433411c','default',1795313432217,1795313432274,1795313432333,NULL,'vm:16894',1,59.3,1795313432467,'inFlight',1795313432274,'');
insert into "task_rows"("seq","id","object_id","tenant","created_at","started_at","finished_at","failed_at","processor","attempts","duration_ms","changed_at","mark","mark_at","mark_by") values (15,'01a20104-f688-7bef-ae8c-3a6d0433411c.3','01a20104-f688-7bef-ae8c-3a6d0433411c','default',1795313432217,1795313432274,1795313432321,NULL,'vm:16894',1,46.7,1795313432467,'inFlight',1795313432274,'');
insert into "task_rows"("seq","id","object_id","tenant","created_at","started_at","finished_at","failed_at","processor","attempts","duration_ms","changed_at","mark","mark_at","mark_by") values (16,'01a20104-f688-78ec-b784-07c3e1ba50cd.1','01a20104-f688-78ec-b784-07c3e1ba50cd','default',1795313432224,1795313432316,1795313432340,NULL,'vm:16894',1,24.2,1795313432467,'inFlight',1795313432316,'');
insert into "task_rows"("seq","id","object_id","tenant","created_at","started_at","finished_at","failed_at","processor","attempts","duration_ms","changed_at","mark","mark_at","mark_by") values (17,'01a20104-f688-78ec-b784-07c3e1ba50cd.2','01a20104-f688-78ec-b784-07c3e1ba50cd','default',1795313432224,1795313432316,1795313432341,NULL,'vm:16894',1,21.5,1795313432467,'inFlight',1795313432316,'');
insert into "task_rows"("seq","id","object_id","tenant","created_at","started_at","finished_at","failed_at","processor","attempts","duration_ms","changed_at","mark","mark_at","mark_by") values (18,'01a20104-f688-78ec-b784-07c3e1ba50cd.3','01a20104-f688-78ec-b784-07c3e1ba50cd','default',1795313432224,1795313432319,1795313432341,NULL,'vm:16894',1,21.5,1795313432467,'inFlight',1795313432319,'');
insert into "task_rows"("seq","id","object_id","tenant","created_at","started_at","finished_at","failed_at","processor","attempts","duration_ms","changed_at","mark","mark_at","mark_by") values (19,'01a20104-fb79-73d4-9a49-092d715ed096.1','01a20104-fb79-73d4-9a49-092d715ed096','acme',1795313433474,NULL,NULL,NULL,NULL,0,NULL,1795313433494,'parked',1795313433482,'acme');
insert into "task_rows"("seq","id","object_id","tenant","created_at","started_at","finished_at","failed_at","processor","attempts","duration_ms","changed_at","mark","mark_at","mark_by") values (20,'01a20104-fb79-73d4-9a49-092d715ed096.2','01a20104-fb79-73d4-9a49-092d715ed096','acme',1795313433474,NULL,NULL,NULL,NULL,0,NULL,1795313433494,'parked',1795313433483,'acme');
insert into "task_rows"("seq","id","object_id","tenant","created_at","started_at","finished_at","failed_at","processor","attempts","duration_ms","changed_at","mark","mark_at","mark_by") values (21,'01a20104-fb79-73d4-9a49-092d715ed096.3','01a20104-fb79-73d4-9a49-092d715ed096','acme',1795313433474,NULL,NULL,NULL,NULL,0,NULL,1795313433494,'parked',1795313433484,'acme');
insert into "task_rows"("seq","id","object_id","tenant","created_at","started_at","finished_at","failed_at","processor","attempts","duration_ms","changed_at","mark","mark_at","mark_by") values (22,'01a20104-fb79-71f9-9641-761d94662438.1','01a20104-fb79-71f9-9641-761d94662438','acme',1795313433474,NULL,NULL,NULL,NULL,0,NULL,1795313433494,'parked',1795313433484,'acme');
insert into "task_rows"("seq","id","object_id","tenant","created_at","started_at","finished_at","failed_at","processor","attempts","duration_ms","changed_at","mark","mark_at","mark_by") values (23,'01a20104-fb79-71f9-9641-761d94662438.2','01a20104-fb79-71f9-9641-761d94662438','acme',1795313433474,NULL,NULL,NULL,NULL,0,NULL,1795313433494,'parked',1795313433484,'acme');
insert into "task_rows"("seq","id","object_id","tenant","created_at","started_at","finished_at","failed_at","processor","attempts","duration_ms","changed_at","mark","mark_at","mark_by") values (24,'01a20104-fb79-71f9-9641-761d94662438.3','01a20104-fb79-71f9-9641-761d94662438','acme',1795313433474,NULL,NULL,NULL,NULL,0,NULL,1795313433494,'parked',1795313433485,'acme');
insert into "task_rows"("seq","id","object_id","tenant","created_at","started_at","finished_at","failed_at","processor","attempts","duration_ms","changed_at","mark","mark_at","mark_by") values (25,'01a20104-fb79-736f-9ac3-ef26e7f162c7.1','01a20104-fb79-736f-9ac3-ef26e7f162c7','acme',1795313433474,NULL,NULL,NULL,NULL,0,NULL,1795313433494,'parked',1795313433485,'acme');
insert into "task_rows"("seq","id","object_id","tenant","created_at","started_at","finished_at","failed_at","processor","attempts","duration_ms","changed_at","mark","mark_at","mark_by") values (26,'01a20104-fb79-736f-9ac3-ef26e7f162c7.2','01a20104-fb79-736f-9ac3-ef26e7f162c7','acme',1795313433474,NULL,NULL,NULL,NULL,0,NULL,1795313433494,'parked',1795313433485,'acme');
insert into "task_rows"("seq","id","object_id","tenant","created_at","started_at","finished_at","failed_at","processor","attempts","duration_ms","changed_at","mark","mark_at","mark_by") values (27,'01a20104-fb79-736f-9ac3-ef26e7f162c7.3','01a20104-fb79-736f-9ac3-ef26e7f162c7','acme',1795313433474,NULL,NULL,NULL,NULL,0,NULL,1795313433494,'parked',1795313433485,'acme');
insert into "task_rows"("seq","id","object_id","tenant","created_at","started_at","finished_at","failed_at","processor","attempts","duration_ms","changed_at","mark","mark_at","mark_by") values (28,'01a20105-0b09-7ee2-9cca-5fbd1ce392ba.1','01a20105-0b09-7ee2-9cca-5fbd1ce392ba','default',1795313437460,1795313437526,NULL,NULL,'vm:16923',1,NULL,1795313437576,'waiting',1795313437551,'');
insert into "task_rows"("seq","id","object_id","tenant","created_at","started_at","finished_at","failed_at","processor","attempts","duration_ms","changed_at","mark","mark_at","mark_by") values (29,'01a20105-0b09-7ee2-9cca-5fbd1ce392ba.2','01a20105-0b09-7ee2-9cca-5fbd1ce392ba','default',1795313437460,1795313437526,NULL,NULL,'vm:16923',1,NULL,1795313437618,'waiting',1795313437566,'');
insert into "task_rows"("seq","id","object_id","tenant","created_at","started_at","finished_at","failed_at","processor","attempts","duration_ms","changed_at","mark","mark_at","mark_by") values (30,'01a20105-0b09-7ee2-9cca-5fbd1ce392ba.3','01a20105-0b09-7ee2-9cca-5fbd1ce392ba','default',1795313437460,1795313437527,NULL,NULL,'vm:16923',1,NULL,1795313437618,'waiting',1795313437608,'');
insert into "task_rows"("seq","id","object_id","tenant","created_at","started_at","finished_at","failed_at","processor","attempts","duration_ms","changed_at","mark","mark_at","mark_by") values (31,'01a20105-0b09-73f2-8478-a1e1bdd09daf.1','01a20105-0b09-73f2-8478-a1e1bdd09daf','default',1795313437460,1795313437538,NULL,NULL,'vm:16923',1,NULL,1795313437618,'waiting',1795313437597,'');
insert into "task_rows"("seq","id","object_id","tenant","created_at","started_at","finished_at","failed_at","processor","attempts","duration_ms","changed_at","mark","mark_at","mark_by") values (32,'01a20105-0b09-73f2-8478-a1e1bdd09daf.2','01a20105-0b09-73f2-8478-a1e1bdd09daf','default',1795313437460,1795313437540,NULL,NULL,'vm:16923',1,NULL,1795313437618,'waiting',1795313437579,'');
insert into "task_rows"("seq","id","object_id","tenant","created_at","started_at","finished_at","failed_at","processor","attempts","duration_ms","changed_at","mark","mark_at","mark_by") values (33,'01a20105-0b09-73f2-8478-a1e1bdd09daf.3','01a20105-0b09-73f2-8478-a1e1bdd09daf','default',1795313437460,1795313437540,NULL,NULL,'vm:16923',1,NULL,1795313437576,'waiting',1795313437565,'');
insert into "task_rows"("seq","id","object_id","tenant","created_at","started_at","finished_at","failed_at","processor","attempts","duration_ms","changed_at","mark","mark_at","mark_by") values (34,'01a20105-0bc8-7de4-8e81-7fbb86c6f2dd.1','01a20105-0bc8-7de4-8e81-7fbb86c6f2dd','default',1795313437650,NULL,NULL,NULL,NULL,0,NULL,1795313437682,'inFlight',0,'');
insert into "task_rows"("seq","id","object_id","tenant","created_at","started_at","finished_at","failed_at","processor","attempts","duration_ms","changed_at","mark","mark_at","mark_by") values (35,'01a20105-0bc8-7de4-8e81-7fbb86c6f2dd.2','01a20105-0bc8-7de4-8e81-7fbb86c6f2dd','default',1795313437650,NULL,NULL,NULL,NULL,0,NULL,1795313437682,'inFlight',0,'');
insert into "task_rows"("seq","id","object_id","tenant","created_at","started_at","finished_at","failed_at","processor","attempts","duration_ms","changed_at","mark","mark_at","mark_by") values (36,'01a20105-0bc8-7de4-8e81-7fbb86c6f2dd.3','01a20105-0bc8-7de4-8e81-7fbb86c6f2dd','default',1795313437650,NULL,NULL,NULL,NULL,0,NULL,1795313437682,'inFlight',0,'');
insert into "entry_rows"("seq","kind","id","tenant","accepted_at","outcome","mark_stage","mark","mark_at","mark_by","began_at","changed_at") values (1,'flow','01a20104-f68c-72b2-8f0c-dc2785068a30',NULL,1795313432249,'done',0,'inFlight',0,'',1795313432255,1795313432569);
insert into "entry_rows"("seq","kind","id","tenant","accepted_at","outcome","mark_stage","mark","mark_at","mark_by","began_at","changed_at") values (2,'group','01a20104-f6cf-7115-83d4-c81abf3bca2a',NULL,1795313432283,'done',0,'inFlight',0,'',1795313432280,1795313432317);
insert into "entry_rows"("seq","kind","id","tenant","accepted_at","outcome","mark_stage","mark","mark_at","mark_by","began_at","changed_at") values (3,'journey','20158caf-0536-8d3d-a32c-bff0b2040889.main','default',1795313432686,'done',2,'inFlight',0,'',1795313432791,1795313433520);
insert into "entry_rows"("seq","kind","id","tenant","accepted_at","outcome","mark_stage","mark","mark_at","mark_by","began_at","changed_at") values (4,'journey','08646b7f-1e7c-827e-af61-5a863a125361.main','default',1795313432740,NULL,2,'waiting',1795313433453,'',NULL,1795313433520);
insert into "entry_rows"("seq","kind","id","tenant","accepted_at","outcome","mark_stage","mark","mark_at","mark_by","began_at","changed_at") values (5,'journey','f7cd78ce-b9e1-895c-a9c7-127476961968.main','default',1795313432881,NULL,1,'waiting',1795313433279,'',NULL,1795313433295);
insert into "entry_rows"("seq","kind","id","tenant","accepted_at","outcome","mark_stage","mark","mark_at","mark_by","began_at","changed_at") values (6,'journey','b7644c2b-f099-84b7-9508-e5ba00229f5f.main','default',1795313433738,NULL,2,'inFlight',0,'',NULL,1795313433823);
insert into "entry_rows"("seq","kind","id","tenant","accepted_at","outcome","mark_stage","mark","mark_at","mark_by","began_at","changed_at") values (7,'group','01a20104-fd68-775f-a039-1a045f766fd1',NULL,1795313433968,NULL,0,'inFlight',0,'',NULL,1795313433968);
insert into "ledger_accounts"("kind","tenant","state","queue","by_whom","count") values ('flow','(none)','accepted','','',1);
insert into "ledger_accounts"("kind","tenant","state","queue","by_whom","count") values ('flow','(none)','done','','',1);
insert into "ledger_accounts"("kind","tenant","state","queue","by_whom","count") values ('flow','(none)','inFlight','hub_consume','',0);
insert into "ledger_accounts"("kind","tenant","state","queue","by_whom","count") values ('group','(none)','accepted','','',2);
insert into "ledger_accounts"("kind","tenant","state","queue","by_whom","count") values ('group','(none)','done','','',1);
insert into "ledger_accounts"("kind","tenant","state","queue","by_whom","count") values ('group','(none)','inFlight','hub_consume','',1);
insert into "ledger_accounts"("kind","tenant","state","queue","by_whom","count") values ('journey','default','accepted','','',4);
insert into "ledger_accounts"("kind","tenant","state","queue","by_whom","count") values ('journey','default','done','','',1);
insert into "ledger_accounts"("kind","tenant","state","queue","by_whom","count") values ('journey','default','inFlight','hub_consume','',1);
insert into "ledger_accounts"("kind","tenant","state","queue","by_whom","count") values ('journey','default','waiting','hub_consume','',2);
insert into "ledger_accounts"("kind","tenant","state","queue","by_whom","count") values ('object','acme','accepted','','',3);
insert into "ledger_accounts"("kind","tenant","state","queue","by_whom","count") values ('object','acme','inFlight','distributor_consume','',0);
insert into "ledger_accounts"("kind","tenant","state","queue","by_whom","count") values ('object','acme','inFlight','hub_consume','',3);
insert into "ledger_accounts"("kind","tenant","state","queue","by_whom","count") values ('object','default','accepted','','',9);
insert into "ledger_accounts"("kind","tenant","state","queue","by_whom","count") values ('object','default','done','','',4);
insert into "ledger_accounts"("kind","tenant","state","queue","by_whom","count") values ('object','default','inFlight','distributor_consume','',2);
insert into "ledger_accounts"("kind","tenant","state","queue","by_whom","count") values ('object','default','inFlight','hub_consume','',3);
insert into "ledger_accounts"("kind","tenant","state","queue","by_whom","count") values ('object','unlucky','accepted','','',2);
insert into "ledger_accounts"("kind","tenant","state","queue","by_whom","count") values ('object','unlucky','failed','','',2);
insert into "ledger_accounts"("kind","tenant","state","queue","by_whom","count") values ('object','unlucky','inFlight','distributor_consume','',0);
insert into "ledger_accounts"("kind","tenant","state","queue","by_whom","count") values ('object','unlucky','inFlight','hub_consume','',0);
insert into "ledger_accounts"("kind","tenant","state","queue","by_whom","count") values ('task','acme','accepted','','',9);
insert into "ledger_accounts"("kind","tenant","state","queue","by_whom","count") values ('task','acme','inFlight','process_consume','',0);
insert into "ledger_accounts"("kind","tenant","state","queue","by_whom","count") values ('task','acme','parked','process_consume','acme',9);
insert into "ledger_accounts"("kind","tenant","state","queue","by_whom","count") values ('task','default','accepted','','',21);
insert into "ledger_accounts"("kind","tenant","state","queue","by_whom","count") values ('task','default','done','','',12);
insert into "ledger_accounts"("kind","tenant","state","queue","by_whom","count") values ('task','default','inFlight','process_consume','',3);
insert into "ledger_accounts"("kind","tenant","state","queue","by_whom","count") values ('task','default','waiting','process_consume','',6);
insert into "ledger_accounts"("kind","tenant","state","queue","by_whom","count") values ('task','unlucky','accepted','','',6);
insert into "ledger_accounts"("kind","tenant","state","queue","by_whom","count") values ('task','unlucky','dead','process_consume','',6);
insert into "ledger_accounts"("kind","tenant","state","queue","by_whom","count") values ('task','unlucky','inFlight','process_consume','',0);
insert into "ledger_names"("role","name") values ('tenant','(none)');
insert into "ledger_names"("role","name") values ('tenant','acme');
insert into "ledger_names"("role","name") values ('tenant','default');
insert into "ledger_names"("role","name") values ('tenant','unlucky');
insert into "ledger_seen"("queue","ready","unsettled","replay","parked","dead","at") values ('distributor_consume',0,0,0,0,0,1795313433024);
insert into "ledger_seen"("queue","ready","unsettled","replay","parked","dead","at") values ('hub_consume',0,0,0,0,0,1795313433024);
insert into "ledger_seen"("queue","ready","unsettled","replay","parked","dead","at") values ('process_consume',0,0,0,0,7,1795313433024);
insert into "ledger_watch"("id","holder","until","said","since","compared_at","began") values (1,'01a20104-a590-7c51-9d75-fb06e05632ba',1795313447964,0,NULL,NULL,1795313416473);
insert into "task_failures"("id","at","attempt","error","retry_at") values ('01a20104-ec68-78c4-96d2-6827433be1f8.1',1795313429742,1,'WorkFailed: simulated failure (EBS_TASK_FAILURE_RATE=1)',NULL);
insert into "task_failures"("id","at","attempt","error","retry_at") values ('01a20104-ec68-78c4-96d2-6827433be1f8.2',1795313429724,1,'WorkFailed: simulated failure (EBS_TASK_FAILURE_RATE=1)',NULL);
insert into "task_failures"("id","at","attempt","error","retry_at") values ('01a20104-ec68-78c4-96d2-6827433be1f8.3',1795313429733,1,'WorkFailed: simulated failure (EBS_TASK_FAILURE_RATE=1)',NULL);
insert into "task_failures"("id","at","attempt","error","retry_at") values ('01a20104-ec68-7a68-8a89-b497d4f9a101.1',1795313429742,1,'WorkFailed: simulated failure (EBS_TASK_FAILURE_RATE=1)',NULL);
insert into "task_failures"("id","at","attempt","error","retry_at") values ('01a20104-ec68-7a68-8a89-b497d4f9a101.2',1795313429763,1,'WorkFailed: simulated failure (EBS_TASK_FAILURE_RATE=1)',NULL);
insert into "task_failures"("id","at","attempt","error","retry_at") values ('01a20104-ec68-7a68-8a89-b497d4f9a101.3',1795313429740,1,'WorkFailed: simulated failure (EBS_TASK_FAILURE_RATE=1)',NULL);
insert into "task_failures"("id","at","attempt","error","retry_at") values ('01a20105-0b09-73f2-8478-a1e1bdd09daf.1',1795313437597,1,'WorkFailed: simulated failure (EBS_TASK_FAILURE_RATE=1)',1795313447595);
insert into "task_failures"("id","at","attempt","error","retry_at") values ('01a20105-0b09-73f2-8478-a1e1bdd09daf.2',1795313437579,1,'WorkFailed: simulated failure (EBS_TASK_FAILURE_RATE=1)',1795313447579);
insert into "task_failures"("id","at","attempt","error","retry_at") values ('01a20105-0b09-73f2-8478-a1e1bdd09daf.3',1795313437565,1,'WorkFailed: simulated failure (EBS_TASK_FAILURE_RATE=1)',1795313447565);
insert into "task_failures"("id","at","attempt","error","retry_at") values ('01a20105-0b09-7ee2-9cca-5fbd1ce392ba.1',1795313437551,1,'WorkFailed: simulated failure (EBS_TASK_FAILURE_RATE=1)',1795313447548);
insert into "task_failures"("id","at","attempt","error","retry_at") values ('01a20105-0b09-7ee2-9cca-5fbd1ce392ba.2',1795313437566,1,'WorkFailed: simulated failure (EBS_TASK_FAILURE_RATE=1)',1795313447566);
insert into "task_failures"("id","at","attempt","error","retry_at") values ('01a20105-0b09-7ee2-9cca-5fbd1ce392ba.3',1795313437608,1,'WorkFailed: simulated failure (EBS_TASK_FAILURE_RATE=1)',1795313447608);
delete from sqlite_sequence;
CREATE VIEW statistics(metric, value) as
    select name, value from (select name, value from counters order by place)
    
  union all select 'object_ms_avg', round(sum_ms / max(count, 1), 1) from durations where kind = 'object'
  union all select 'object_ms_p50', round(coalesce((
    select min(ms, (select max_ms from durations where kind = 'object'))
    from (select bucket, ms, sum(count) over (order by bucket) as up_to from histogram where kind = 'object')
    where up_to * 100 >= 50 * (select count from durations where kind = 'object')
    order by bucket limit 1), 0), 1)
  union all select 'object_ms_p95', round(coalesce((
    select min(ms, (select max_ms from durations where kind = 'object'))
    from (select bucket, ms, sum(count) over (order by bucket) as up_to from histogram where kind = 'object')
    where up_to * 100 >= 95 * (select count from durations where kind = 'object')
    order by bucket limit 1), 0), 1)
  union all select 'object_ms_max', round(max_ms, 1) from durations where kind = 'object'
    
  union all select 'task_ms_avg', round(sum_ms / max(count, 1), 1) from durations where kind = 'task'
  union all select 'task_ms_p50', round(coalesce((
    select min(ms, (select max_ms from durations where kind = 'task'))
    from (select bucket, ms, sum(count) over (order by bucket) as up_to from histogram where kind = 'task')
    where up_to * 100 >= 50 * (select count from durations where kind = 'task')
    order by bucket limit 1), 0), 1)
  union all select 'task_ms_p95', round(coalesce((
    select min(ms, (select max_ms from durations where kind = 'task'))
    from (select bucket, ms, sum(count) over (order by bucket) as up_to from histogram where kind = 'task')
    where up_to * 100 >= 95 * (select count from durations where kind = 'task')
    order by bucket limit 1), 0), 1)
  union all select 'task_ms_max', round(max_ms, 1) from durations where kind = 'task'
    union all select 'updated_at', strftime('%Y-%m-%dT%H:%M:%fZ', at / 1000.0, 'unixepoch') from updated;
CREATE VIEW objects(id, tenant, created_at, completed_at, failed_at, duration_ms) as
    select id, tenant, strftime('%Y-%m-%dT%H:%M:%fZ', created_at / 1000.0, 'unixepoch'), strftime('%Y-%m-%dT%H:%M:%fZ', completed_at / 1000.0, 'unixepoch'), strftime('%Y-%m-%dT%H:%M:%fZ', failed_at / 1000.0, 'unixepoch'), duration_ms from object_rows;
CREATE VIEW tasks(
    id, object_id, tenant, created_at, started_at, finished_at, failed_at, processor, attempts, duration_ms
  ) as
    select id, object_id, tenant, strftime('%Y-%m-%dT%H:%M:%fZ', created_at / 1000.0, 'unixepoch'), strftime('%Y-%m-%dT%H:%M:%fZ', started_at / 1000.0, 'unixepoch'), strftime('%Y-%m-%dT%H:%M:%fZ', finished_at / 1000.0, 'unixepoch'), strftime('%Y-%m-%dT%H:%M:%fZ', failed_at / 1000.0, 'unixepoch'),
      processor, attempts, duration_ms
    from task_rows;
CREATE VIEW events_by_type(type, key, count, first_at, last_at) as
    select type, key, count, strftime('%Y-%m-%dT%H:%M:%fZ', first_at / 1000.0, 'unixepoch'), strftime('%Y-%m-%dT%H:%M:%fZ', last_at / 1000.0, 'unixepoch') from event_kinds;
CREATE VIEW unheard(key, type, count, last) as
    select key, type, unheard, strftime('%Y-%m-%dT%H:%M:%fZ', unheard_at / 1000.0, 'unixepoch') from event_kinds where unheard > 0;
CREATE VIEW throughput(minute, events, objects_created, objects_completed, objects_failed, tasks_created, tasks_started, tasks_finished, tasks_failed, messages_dead, messages_parked) as
    select strftime('%Y-%m-%dT%H:%MZ', at / 1000.0, 'unixepoch'), events, objects_created, objects_completed, objects_failed, tasks_created, tasks_started, tasks_finished, tasks_failed, messages_dead, messages_parked from minutes;
CREATE INDEX ledger_missing_whose on ledger_missing(kind, tenant);
CREATE INDEX task_rows_open on task_rows(mark, mark_by, changed_at)
    where finished_at is null and created_at is not null and mark <> 'outside';
CREATE INDEX object_rows_open on object_rows(mark_stage, mark, mark_by, changed_at)
    where completed_at is null and failed_at is null and created_at is not null and mark <> 'outside';
CREATE INDEX entry_rows_open on entry_rows(kind, mark, mark_by, changed_at)
    where outcome is null and accepted_at is not null;
CREATE INDEX task_rows_strange on task_rows(changed_at)
    where created_at is null and finished_at is not null and mark <> 'outside';
CREATE INDEX object_rows_strange on object_rows(changed_at)
    where created_at is null and (completed_at is not null or failed_at is not null) and mark <> 'outside';
CREATE INDEX entry_rows_strange on entry_rows(changed_at) where accepted_at is null and outcome is not null;
CREATE VIEW ledger(kind, tenant, accepted, done, failed, in_flight, waiting, parked, dead, discarded, imbalance) as
    select a.kind, a.tenant, sum(case when state = 'accepted' then count else 0 end),
      sum(case when state = 'done' then count else 0 end),
      sum(case when state = 'failed' then count else 0 end),
      sum(case when state = 'inFlight' then count else 0 end),
      sum(case when state = 'waiting' then count else 0 end),
      sum(case when state = 'parked' then count else 0 end),
      sum(case when state = 'dead' then count else 0 end),
      sum(case when state = 'discarded' then count else 0 end),
      (select count(*) from ledger_missing m where m.kind = a.kind and m.tenant = a.tenant)
    from (
      select kind, tenant, state, count from ledger_accounts union all select kind, tenant, '', 0 from ledger_missing
    ) a group by a.kind, a.tenant;
CREATE VIEW ledger_queues(
    queue, ready, unsettled, replay, parked, dead, in_flight, waiting, entries_parked, entries_dead, at
  ) as
    select queue, ready, unsettled, replay, parked, dead, (select coalesce(sum(count), 0) from ledger_accounts where state = 'inFlight' and queue = s.queue), (select coalesce(sum(count), 0) from ledger_accounts where state = 'waiting' and queue = s.queue),
      (select coalesce(sum(count), 0) from ledger_accounts where state = 'parked' and queue = s.queue), (select coalesce(sum(count), 0) from ledger_accounts where state = 'dead' and queue = s.queue), strftime('%Y-%m-%dT%H:%M:%fZ', at / 1000.0, 'unixepoch')
    from ledger_seen s;
CREATE VIEW ledger_parked(kind, tenant, queue, rule, count) as
    select kind, tenant, queue, by_whom, count from ledger_accounts where state = 'parked' and count <> 0;
CREATE VIEW ledger_discarded(kind, tenant, queue, "by", count) as
    select kind, tenant, queue, by_whom, count from ledger_accounts where state = 'discarded' and count <> 0;
CREATE VIEW ledger_imbalances(kind, id, place, since) as
    select kind, id, place, strftime('%Y-%m-%dT%H:%M:%fZ', since / 1000.0, 'unixepoch') from ledger_missing;
CREATE INDEX task_failures_at on task_failures(at);
