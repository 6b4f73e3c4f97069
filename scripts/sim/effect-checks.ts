import { join } from 'node:path'
import { z } from 'zod'
import { migrations } from '../../services/processor/shop/schema.ts'
import { type SqliteReader, SqliteStore } from '../../shared/store/sqlite-store.ts'
import type { Ended } from './checks.ts'

const order = z.object({
  ...{ id: z.string(), reservations: z.number(), releases: z.number() },
  ...{ charges: z.number(), charged: z.number(), refunded: z.number(), parcels: z.number() },
})
const ORDERS = `select order_id as id, reservations, releases, charged_cents as charged, refunded_cents as refunded, parcels,
  (select count(*) from effect_rows e where e.order_id = o.order_id and e.activity = 'charge') as charges from orders o`
const stock = z.object({ left: z.number() })
const TEA_LEFT = `select "left" from stock where sku = 'tea'`
const TEA = 1_000_000

/** What journeys did in the shop was done once each, and taken back where they say so; results of tasks count once. */
export async function effectsBroken({ system, witness }: Ended): Promise<string[]> {
  // Of its own: who has used the shop may have died, and nobody has used it since.
  const store = await SqliteStore.open({ path: join(system.root, 'disk', 'shop.db'), migrations })
  try {
    return brokenIn(store.read, witness)
  } finally {
    await store.close()
  }
}

function brokenIn(shop: SqliteReader, witness: Ended['witness']): string[] {
  const orders = new Map(shop.all(order, ORDERS).map((one) => [one.id, one]))
  const kept = [...orders.values()].filter(({ reservations, releases }) => reservations > 0 && releases === 0).length
  const left = shop.get(stock, TEA_LEFT)?.left ?? 0
  const none = { reservations: 0, releases: 0, charges: 0, charged: 0, refunded: 0, parcels: 0 }
  const skipped = new Set(witness.of('JOURNEY_REMEDIATED').map(({ data }) => data.sagaId))
  return [
    ...[...orders.values()].flatMap(({ id, reservations, releases, charges, parcels }) =>
      Math.max(reservations, releases, charges, parcels) > 1
        ? [`${id} was reserved ${reservations}, released ${releases}, charged ${charges}, sent ${parcels} times`]
        : [],
    ),
    ...(left === TEA - kept ? [] : [`${kept} orders keep tea, and ${TEA - left} are gone`]),
    ...witness.of('JOURNEY_COMPLETED').flatMap(({ data: { sagaId } }) => {
      const { reservations, charges, refunded, parcels } = orders.get(sagaId) ?? none
      return skipped.has(sagaId) || (reservations === 1 && charges === 1 && parcels === 1 && refunded === 0)
        ? []
        : [
            `${sagaId} is completed: reserved ${reservations}, charged ${charges}, sent ${parcels}, refunded ${refunded}`,
          ]
    }),
    ...witness.of('JOURNEY_COMPENSATED').flatMap(({ data: { sagaId } }) => {
      const { reservations, releases, charged, refunded } = orders.get(sagaId) ?? none
      return charged === refunded && reservations <= releases
        ? []
        : [
            `${sagaId} is taken back: reserved ${reservations}, released ${releases}, charged ${charged}, refunded ${refunded}`,
          ]
    }),
  ]
}
