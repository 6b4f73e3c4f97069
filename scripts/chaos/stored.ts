import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { migrations as datagenMigrations } from '../../services/datagen/store.ts'
import { migrations as shopMigrations } from '../../services/processor/shop/schema.ts'
import { migrations as statisticsMigrations } from '../../services/statistics/schema.ts'
import type { Migration } from '../../shared/store/migrations.ts'
import { hubMigrations } from '../../shared/store/sqlite-hub-store.ts'
import { SqliteStore } from '../../shared/store/sqlite-store.ts'
import { CHARGED_CENTS } from './load.ts'
import type { Site } from './site.ts'

/** What the databases say when the services have stopped. */
export type Stored = {
  /** Objects by datagen's table: id and state. */
  readonly made: ReadonlyMap<string, string>
  /** Objects by statistics' table: how many ends. */
  readonly counted: ReadonlyMap<string, number>
  readonly tasks: number
  readonly tasksFinished: number
  /** Orders that the shop has delivered, paid and told about exactly once; and any others. */
  readonly ordersRight: number
  readonly ordersWrong: readonly string[]
  /** Rows that wait for the broker, by database. */
  readonly outboxes: Readonly<Record<'datagen.db' | 'hub.db', number>>
}

const objectRow = z.object({ id: z.string(), state: z.string() })
const endsRow = z.object({ id: z.string(), ends: z.number() })
const tasksRow = z.object({ all: z.number(), finished: z.number() })
const orderRow = z.object({
  order_id: z.string(),
  reservations: z.number(),
  charged_cents: z.number(),
  refunded_cents: z.number(),
  parcels: z.number(),
  notices: z.number(),
})

const OBJECTS = 'select id, state from objects'
const ENDS = 'select id, (completed_at is not null) + (failed_at is not null) as ends from objects'
const TASKS = 'select count(*) as "all", count(finished_at) as finished from tasks'
const ORDERS = 'select order_id, reservations, charged_cents, refunded_cents, parcels, notices from orders'

export async function readStored({ dataOf }: Pick<Site, 'dataOf'>): Promise<Stored> {
  const datagen = await reading(join(dataOf('datagen'), 'datagen.db'), datagenMigrations, (store) => ({
    objects: store.read.all(objectRow, OBJECTS),
    pending: store.countPending(),
  }))
  const statistics = await reading(join(dataOf('statistics'), 'stats.db'), statisticsMigrations, ({ read }) => ({
    objects: read.all(endsRow, ENDS),
    tasks: read.get(tasksRow, TASKS),
  }))
  const pendingOfHub = await reading(join(dataOf('hub'), 'hub.db'), hubMigrations, (store) => store.countPending())
  const shop = join(dataOf('processor'), 'shop.db')
  // Made by the first journey.
  const orders = existsSync(shop) ? await reading(shop, shopMigrations, ({ read }) => read.all(orderRow, ORDERS)) : []
  const wrong = orders.filter((order) => !isRight(order))
  return {
    made: new Map(datagen.objects.map(({ id, state }) => [id, state])),
    counted: new Map(statistics.objects.map(({ id, ends }) => [id, ends])),
    tasks: statistics.tasks?.all ?? 0,
    tasksFinished: statistics.tasks?.finished ?? 0,
    ordersRight: orders.length - wrong.length,
    ordersWrong: wrong.map((order) => JSON.stringify(order)),
    outboxes: { 'datagen.db': datagen.pending, 'hub.db': pendingOfHub },
  }
}

const isRight = ({ reservations, charged_cents, refunded_cents, parcels, notices }: z.infer<typeof orderRow>) =>
  reservations === 1 && charged_cents === CHARGED_CENTS && refunded_cents === 0 && parcels === 1 && notices === 1

async function reading<T>(path: string, migrations: readonly Migration[], read: (store: SqliteStore) => T): Promise<T> {
  const store = await SqliteStore.open({ path, migrations })
  try {
    return read(store)
  } finally {
    await store.close()
  }
}
