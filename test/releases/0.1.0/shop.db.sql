pragma user_version = 1;
pragma application_id = 1700950833;
CREATE TABLE stock(sku text primary key, name text not null, price_cents integer not null, "left" integer not null);
CREATE TABLE effect_rows(
        seq integer primary key, key text not null unique, activity text not null, order_id text not null, at integer not null,
        cents integer not null, output text not null
      );
insert into "stock"("sku","name","price_cents","left") values ('tea','Green tea, 100 g',650,999996);
insert into "stock"("sku","name","price_cents","left") values ('kettle','Cast iron kettle',8900,1000);
insert into "stock"("sku","name","price_cents","left") values ('moon-rock','Moon rock',990000,0);
insert into "effect_rows"("seq","key","activity","order_id","at","cents","output") values (1,'20158caf-0536-8d3d-a32c-bff0b2040889.main:reserve','reserve','20158caf-0536-8d3d-a32c-bff0b2040889.main',1795313432897,0,'{"items":[{"sku":"tea","quantity":2}],"totalCents":1300}');
insert into "effect_rows"("seq","key","activity","order_id","at","cents","output") values (2,'20158caf-0536-8d3d-a32c-bff0b2040889.main:charge','charge','20158caf-0536-8d3d-a32c-bff0b2040889.main',1795313433189,1300,'{"chargeId":"ch_bbac47c86459","amountCents":1300}');
insert into "effect_rows"("seq","key","activity","order_id","at","cents","output") values (3,'08646b7f-1e7c-827e-af61-5a863a125361.main:reserve','reserve','08646b7f-1e7c-827e-af61-5a863a125361.main',1795313433190,0,'{"items":[{"sku":"tea","quantity":2}],"totalCents":1300}');
insert into "effect_rows"("seq","key","activity","order_id","at","cents","output") values (4,'20158caf-0536-8d3d-a32c-bff0b2040889.main:ship','ship','20158caf-0536-8d3d-a32c-bff0b2040889.main',1795313433314,0,'{"carrier":"post","tracking":"post_bbac47c86459"}');
insert into "effect_rows"("seq","key","activity","order_id","at","cents","output") values (5,'20158caf-0536-8d3d-a32c-bff0b2040889.main:notify','notify','20158caf-0536-8d3d-a32c-bff0b2040889.main',1795313433314,0,'{"to":"ada@example.com"}');
CREATE INDEX effect_rows_order on effect_rows(order_id, activity);
CREATE VIEW effects(order_id, activity, key, at, cents, output) as
        select order_id, activity, key, strftime('%Y-%m-%dT%H:%M:%fZ', at / 1000.0, 'unixepoch'), cents, output from effect_rows order by seq;
CREATE VIEW orders(
        order_id, reservations, releases, charged_cents, refunded_cents, parcels, carrier, notices, changed_at
      ) as
        select order_id, count(*) filter (where activity in ('reserve')), count(*) filter (where activity in ('release')), coalesce(sum(cents) filter (where activity = 'charge'), 0), coalesce(sum(cents) filter (where activity = 'refund'), 0),
          count(*) filter (where activity in ('ship', 'express-ship')),
          max(case when activity in ('ship', 'express-ship') then json_extract(output, '$.carrier') end),
          count(*) filter (where activity in ('notify')), strftime('%Y-%m-%dT%H:%M:%fZ', max(at) / 1000.0, 'unixepoch')
        from effect_rows group by order_id order by min(seq);
