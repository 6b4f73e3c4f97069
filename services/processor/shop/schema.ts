import type { Migration } from '../../../shared/store/migrations.ts'

/**
 * Tables and views of `shop.db`, the other system of the example journeys. The views are for people: `orders` adds up and counts, so that
 * an effect that happened twice would be seen.
 */

const iso = (column: string) => `strftime('%Y-%m-%dT%H:%M:%fZ', ${column} / 1000.0, 'unixepoch')`
const count = (activities: string) => `count(*) filter (where activity in (${activities}))`
const cents = (activity: string) => `coalesce(sum(cents) filter (where activity = '${activity}'), 0)`

export const migrations: readonly Migration[] = [
  {
    name: 'shop',
    sql: `
      create table stock(sku text primary key, name text not null, price_cents integer not null, "left" integer not null);
      insert into stock values
        ('tea', 'Green tea, 100 g', 650, 1000000),
        ('kettle', 'Cast iron kettle', 8900, 1000),
        ('moon-rock', 'Moon rock', 990000, 0);

      create table effect_rows(
        seq integer primary key, key text not null unique, activity text not null, order_id text not null, at integer not null,
        cents integer not null, output text not null
      );
      create index effect_rows_order on effect_rows(order_id, activity);

      create view effects(order_id, activity, key, at, cents, output) as
        select order_id, activity, key, ${iso('at')}, cents, output from effect_rows order by seq;

      create view orders(
        order_id, reservations, releases, charged_cents, refunded_cents, parcels, carrier, notices, changed_at
      ) as
        select order_id, ${count("'reserve'")}, ${count("'release'")}, ${cents('charge')}, ${cents('refund')},
          ${count("'ship', 'express-ship'")},
          max(case when activity in ('ship', 'express-ship') then json_extract(output, '$.carrier') end),
          ${count("'notify'")}, ${iso('max(at)')}
        from effect_rows group by order_id order by min(seq);`,
  },
]
