pragma user_version = 3;
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
CREATE TABLE object_rows(
        seq integer primary key,
        id text not null unique,
        tenant text not null,
        name text not null,
        content text not null,
        created_at text not null
      );
CREATE TABLE idempotency_keys(key text primary key, request text not null, answer text not null, at integer not null);
CREATE TABLE open_objects(seq integer primary key);
CREATE TABLE object_ends(
      seq integer primary key,
      state text not null,
      ended_at text not null,
      duration_ms real not null,
      error text,
      missing text
    );
insert into "outbox"("seq","exchange","key","body","properties") values (17,'ebs','objects','{"type":"OBJECT_CREATED","object":{"id":"01a20105-0f6c-7815-95d0-b441a326b000","tenant":"default","name":"object-b441a326b000","content":"made by datagen at 2026-11-22T02:10:38.572Z","createdAt":"2026-11-22T02:10:38.572Z"}}','{"messageId":"01a20105-0f6c-8a59-b385-0fc3935e005e","correlationId":"01a20105-0f6c-7815-95d0-b441a326b000","timestamp":1795313438,"appId":"datagen","contentType":"application/json","headers":{"x-ebs-at":1795313438572,"x-ebs-tenant":"default"},"type":"OBJECT_CREATED"}');
insert into "outbox"("seq","exchange","key","body","properties") values (18,'ebs','objects','{"type":"OBJECT_CREATED","object":{"id":"01a20105-0f6c-7522-a91e-ab6b07de60d7","tenant":"default","name":"object-ab6b07de60d7","content":"made by datagen at 2026-11-22T02:10:38.572Z","createdAt":"2026-11-22T02:10:38.572Z"}}','{"messageId":"01a20105-0f6c-8550-bc9c-36cd88251e2e","correlationId":"01a20105-0f6c-7522-a91e-ab6b07de60d7","timestamp":1795313438,"appId":"datagen","contentType":"application/json","headers":{"x-ebs-at":1795313438572,"x-ebs-tenant":"default"},"type":"OBJECT_CREATED"}');
insert into "outbox"("seq","exchange","key","body","properties") values (19,'ebs','objects','{"type":"OBJECT_CREATED","object":{"id":"01a20105-0f6c-7a3d-9cc1-e0170f6cacbd","tenant":"default","name":"object-e0170f6cacbd","content":"made by datagen at 2026-11-22T02:10:38.572Z","createdAt":"2026-11-22T02:10:38.572Z"}}','{"messageId":"01a20105-0f6c-85c0-a2c1-2705f980ccb5","correlationId":"01a20105-0f6c-7a3d-9cc1-e0170f6cacbd","timestamp":1795313438,"appId":"datagen","contentType":"application/json","headers":{"x-ebs-at":1795313438572,"x-ebs-tenant":"default"},"type":"OBJECT_CREATED"}');
insert into "outbox"("seq","exchange","key","body","properties") values (20,'ebs','objects','{"type":"OBJECT_CREATED","object":{"id":"01a20105-0f6c-73cb-b600-64e227133c56","tenant":"default","name":"object-64e227133c56","content":"made by datagen at 2026-11-22T02:10:38.572Z","createdAt":"2026-11-22T02:10:38.572Z"}}','{"messageId":"01a20105-0f6c-8d3a-be89-9dc68d0b298c","correlationId":"01a20105-0f6c-73cb-b600-64e227133c56","timestamp":1795313438,"appId":"datagen","contentType":"application/json","headers":{"x-ebs-at":1795313438572,"x-ebs-tenant":"default"},"type":"OBJECT_CREATED"}');
insert into "outbox"("seq","exchange","key","body","properties") values (21,'ebs','objects','{"type":"OBJECT_CREATED","object":{"id":"01a20105-0f6c-71b7-b64d-586a1a806616","tenant":"default","name":"object-586a1a806616","content":"made by datagen at 2026-11-22T02:10:38.572Z","createdAt":"2026-11-22T02:10:38.572Z"}}','{"messageId":"01a20105-0f6c-8ae3-b7f4-475b800be67b","correlationId":"01a20105-0f6c-71b7-b64d-586a1a806616","timestamp":1795313438,"appId":"datagen","contentType":"application/json","headers":{"x-ebs-at":1795313438572,"x-ebs-tenant":"default"},"type":"OBJECT_CREATED"}');
insert into "outbox"("seq","exchange","key","body","properties") values (22,'ebs','objects','{"type":"OBJECT_CREATED","object":{"id":"01a20105-0f6c-7267-99d8-ab64d468aa66","tenant":"default","name":"object-ab64d468aa66","content":"made by datagen at 2026-11-22T02:10:38.572Z","createdAt":"2026-11-22T02:10:38.572Z"}}','{"messageId":"01a20105-0f6c-8e74-b933-a92c9a6a29eb","correlationId":"01a20105-0f6c-7267-99d8-ab64d468aa66","timestamp":1795313438,"appId":"datagen","contentType":"application/json","headers":{"x-ebs-at":1795313438572,"x-ebs-tenant":"default"},"type":"OBJECT_CREATED"}');
insert into "outbox"("seq","exchange","key","body","properties") values (23,'ebs','objects','{"type":"OBJECT_CREATED","object":{"id":"01a20105-0f6c-780e-8d90-1d5f9cf4d97c","tenant":"default","name":"object-1d5f9cf4d97c","content":"made by datagen at 2026-11-22T02:10:38.572Z","createdAt":"2026-11-22T02:10:38.572Z"}}','{"messageId":"01a20105-0f6c-8902-b63c-560052fa1a66","correlationId":"01a20105-0f6c-780e-8d90-1d5f9cf4d97c","timestamp":1795313438,"appId":"datagen","contentType":"application/json","headers":{"x-ebs-at":1795313438572,"x-ebs-tenant":"default"},"type":"OBJECT_CREATED"}');
insert into "outbox"("seq","exchange","key","body","properties") values (24,'ebs','objects','{"type":"OBJECT_CREATED","object":{"id":"01a20105-0f6c-7c5a-b7f5-4d3880fc3b74","tenant":"default","name":"object-4d3880fc3b74","content":"made by datagen at 2026-11-22T02:10:38.572Z","createdAt":"2026-11-22T02:10:38.572Z"}}','{"messageId":"01a20105-0f6c-85ad-8522-44637d625caa","correlationId":"01a20105-0f6c-7c5a-b7f5-4d3880fc3b74","timestamp":1795313438,"appId":"datagen","contentType":"application/json","headers":{"x-ebs-at":1795313438572,"x-ebs-tenant":"default"},"type":"OBJECT_CREATED"}');
insert into "object_rows"("seq","id","tenant","name","content","created_at") values (1,'01a20104-ec68-78c4-96d2-6827433be1f8','unlucky','object-6827433be1f8','made by datagen at 2026-11-22T02:10:29.608Z','2026-11-22T02:10:29.608Z');
insert into "object_rows"("seq","id","tenant","name","content","created_at") values (2,'01a20104-ec68-7a68-8a89-b497d4f9a101','unlucky','object-b497d4f9a101','made by datagen at 2026-11-22T02:10:29.608Z','2026-11-22T02:10:29.608Z');
insert into "object_rows"("seq","id","tenant","name","content","created_at") values (3,'01a20104-f688-787e-8c6a-555b6290eb94','default','object-555b6290eb94','made by datagen at 2026-11-22T02:10:32.200Z','2026-11-22T02:10:32.200Z');
insert into "object_rows"("seq","id","tenant","name","content","created_at") values (4,'01a20104-f688-7104-8dea-f7a749f1f719','default','object-f7a749f1f719','made by datagen at 2026-11-22T02:10:32.200Z','2026-11-22T02:10:32.200Z');
insert into "object_rows"("seq","id","tenant","name","content","created_at") values (5,'01a20104-f688-7bef-ae8c-3a6d0433411c','default','object-3a6d0433411c','made by datagen at 2026-11-22T02:10:32.200Z','2026-11-22T02:10:32.200Z');
insert into "object_rows"("seq","id","tenant","name","content","created_at") values (6,'01a20104-f688-78ec-b784-07c3e1ba50cd','default','object-07c3e1ba50cd','made by datagen at 2026-11-22T02:10:32.200Z','2026-11-22T02:10:32.200Z');
insert into "object_rows"("seq","id","tenant","name","content","created_at") values (7,'01a20104-fb79-73d4-9a49-092d715ed096','acme','object-092d715ed096','made by datagen at 2026-11-22T02:10:33.465Z','2026-11-22T02:10:33.465Z');
insert into "object_rows"("seq","id","tenant","name","content","created_at") values (8,'01a20104-fb79-71f9-9641-761d94662438','acme','object-761d94662438','made by datagen at 2026-11-22T02:10:33.465Z','2026-11-22T02:10:33.465Z');
insert into "object_rows"("seq","id","tenant","name","content","created_at") values (9,'01a20104-fb79-736f-9ac3-ef26e7f162c7','acme','object-ef26e7f162c7','made by datagen at 2026-11-22T02:10:33.465Z','2026-11-22T02:10:33.465Z');
insert into "object_rows"("seq","id","tenant","name","content","created_at") values (10,'01a20105-0b09-7ee2-9cca-5fbd1ce392ba','default','object-5fbd1ce392ba','made by datagen at 2026-11-22T02:10:37.449Z','2026-11-22T02:10:37.449Z');
insert into "object_rows"("seq","id","tenant","name","content","created_at") values (11,'01a20105-0b09-73f2-8478-a1e1bdd09daf','default','object-a1e1bdd09daf','made by datagen at 2026-11-22T02:10:37.449Z','2026-11-22T02:10:37.449Z');
insert into "object_rows"("seq","id","tenant","name","content","created_at") values (12,'01a20105-0bc8-7de4-8e81-7fbb86c6f2dd','default','object-7fbb86c6f2dd','made by datagen at 2026-11-22T02:10:37.640Z','2026-11-22T02:10:37.640Z');
insert into "object_rows"("seq","id","tenant","name","content","created_at") values (13,'01a20105-0bc8-77a8-a6bd-358efd44b921','default','object-358efd44b921','made by datagen at 2026-11-22T02:10:37.640Z','2026-11-22T02:10:37.640Z');
insert into "object_rows"("seq","id","tenant","name","content","created_at") values (14,'01a20105-0bc8-7159-9b00-855d9e3b48fb','default','object-855d9e3b48fb','made by datagen at 2026-11-22T02:10:37.640Z','2026-11-22T02:10:37.640Z');
insert into "object_rows"("seq","id","tenant","name","content","created_at") values (15,'01a20105-0cee-7ed5-942a-cb2fb9ca9d24','default','object-cb2fb9ca9d24','made by datagen at 2026-11-22T02:10:37.934Z','2026-11-22T02:10:37.934Z');
insert into "object_rows"("seq","id","tenant","name","content","created_at") values (16,'01a20105-0cee-708c-af23-9c54c18500c6','default','object-9c54c18500c6','made by datagen at 2026-11-22T02:10:37.934Z','2026-11-22T02:10:37.934Z');
insert into "object_rows"("seq","id","tenant","name","content","created_at") values (17,'01a20105-0f6c-7815-95d0-b441a326b000','default','object-b441a326b000','made by datagen at 2026-11-22T02:10:38.572Z','2026-11-22T02:10:38.572Z');
insert into "object_rows"("seq","id","tenant","name","content","created_at") values (18,'01a20105-0f6c-7522-a91e-ab6b07de60d7','default','object-ab6b07de60d7','made by datagen at 2026-11-22T02:10:38.572Z','2026-11-22T02:10:38.572Z');
insert into "object_rows"("seq","id","tenant","name","content","created_at") values (19,'01a20105-0f6c-7a3d-9cc1-e0170f6cacbd','default','object-e0170f6cacbd','made by datagen at 2026-11-22T02:10:38.572Z','2026-11-22T02:10:38.572Z');
insert into "object_rows"("seq","id","tenant","name","content","created_at") values (20,'01a20105-0f6c-73cb-b600-64e227133c56','default','object-64e227133c56','made by datagen at 2026-11-22T02:10:38.572Z','2026-11-22T02:10:38.572Z');
insert into "object_rows"("seq","id","tenant","name","content","created_at") values (21,'01a20105-0f6c-71b7-b64d-586a1a806616','default','object-586a1a806616','made by datagen at 2026-11-22T02:10:38.572Z','2026-11-22T02:10:38.572Z');
insert into "object_rows"("seq","id","tenant","name","content","created_at") values (22,'01a20105-0f6c-7267-99d8-ab64d468aa66','default','object-ab64d468aa66','made by datagen at 2026-11-22T02:10:38.572Z','2026-11-22T02:10:38.572Z');
insert into "object_rows"("seq","id","tenant","name","content","created_at") values (23,'01a20105-0f6c-780e-8d90-1d5f9cf4d97c','default','object-1d5f9cf4d97c','made by datagen at 2026-11-22T02:10:38.572Z','2026-11-22T02:10:38.572Z');
insert into "object_rows"("seq","id","tenant","name","content","created_at") values (24,'01a20105-0f6c-7c5a-b7f5-4d3880fc3b74','default','object-4d3880fc3b74','made by datagen at 2026-11-22T02:10:38.572Z','2026-11-22T02:10:38.572Z');
insert into "open_objects"("seq") values (7);
insert into "open_objects"("seq") values (8);
insert into "open_objects"("seq") values (9);
insert into "open_objects"("seq") values (10);
insert into "open_objects"("seq") values (11);
insert into "open_objects"("seq") values (12);
insert into "open_objects"("seq") values (13);
insert into "open_objects"("seq") values (14);
insert into "open_objects"("seq") values (15);
insert into "open_objects"("seq") values (16);
insert into "open_objects"("seq") values (17);
insert into "open_objects"("seq") values (18);
insert into "open_objects"("seq") values (19);
insert into "open_objects"("seq") values (20);
insert into "open_objects"("seq") values (21);
insert into "open_objects"("seq") values (22);
insert into "open_objects"("seq") values (23);
insert into "open_objects"("seq") values (24);
insert into "object_ends"("seq","state","ended_at","duration_ms","error","missing") values (1,'failed','2026-11-22T02:10:29.777Z',161.0,'task 01a20104-ec68-78c4-96d2-6827433be1f8.2: WorkFailed: simulated failure (EBS_TASK_FAILURE_RATE=1)','["01a20104-ec68-78c4-96d2-6827433be1f8.1","01a20104-ec68-78c4-96d2-6827433be1f8.2","01a20104-ec68-78c4-96d2-6827433be1f8.3"]');
insert into "object_ends"("seq","state","ended_at","duration_ms","error","missing") values (2,'failed','2026-11-22T02:10:29.812Z',197.0,'task 01a20104-ec68-7a68-8a89-b497d4f9a101.3: WorkFailed: simulated failure (EBS_TASK_FAILURE_RATE=1)','["01a20104-ec68-7a68-8a89-b497d4f9a101.1","01a20104-ec68-7a68-8a89-b497d4f9a101.2","01a20104-ec68-7a68-8a89-b497d4f9a101.3"]');
insert into "object_ends"("seq","state","ended_at","duration_ms","error","missing") values (3,'completed','2026-11-22T02:10:32.356Z',156.0,NULL,NULL);
insert into "object_ends"("seq","state","ended_at","duration_ms","error","missing") values (4,'completed','2026-11-22T02:10:32.356Z',156.0,NULL,NULL);
insert into "object_ends"("seq","state","ended_at","duration_ms","error","missing") values (5,'completed','2026-11-22T02:10:32.356Z',156.0,NULL,NULL);
insert into "object_ends"("seq","state","ended_at","duration_ms","error","missing") values (6,'completed','2026-11-22T02:10:32.357Z',156.0,NULL,NULL);
delete from sqlite_sequence;
insert into "sqlite_sequence"("name","seq") values ('outbox',24);
CREATE INDEX idempotency_keys_at on idempotency_keys(at);
CREATE INDEX object_ends_state on object_ends(state, seq);
CREATE VIEW objects as
      select id, tenant, name, content, created_at, coalesce(state, 'accepted') as state, ended_at, duration_ms, error, missing
      from object_rows left join object_ends using (seq);
