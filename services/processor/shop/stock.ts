import { z } from 'zod'
import { Unrecoverable } from '../../../shared/bus/retry.ts'
import type { SqliteTransaction } from '../../../shared/store/sqlite-transaction.ts'
import type { Effect } from './effects.ts'
import { findOutput } from './orders.ts'

const ITEMS_MAX = 50
const QUANTITY_MAX = 1_000

export const items = z
  .array(z.object({ sku: z.string().min(1).max(64), quantity: z.int().min(1).max(QUANTITY_MAX) }))
  .min(1)
  .max(ITEMS_MAX)
export type Items = z.infer<typeof items>

export const reservation = z.object({ items, totalCents: z.int() })
export const released = z.object({ items: z.array(items.element) })

const FIND = 'select price_cents as priceCents, "left" from stock where sku = ?'
const MOVE = 'update stock set "left" = "left" + ? where sku = ?'
const article = z.object({ priceCents: z.number(), left: z.number() })

/** Sets the items aside for an order. Throws Unrecoverable when there is no such article, or not enough of it. */
export function reserve(tx: SqliteTransaction, order: string, wanted: Items): Effect<z.infer<typeof reservation>> {
  let totalCents = 0
  for (const { sku, quantity } of wanted) {
    const there = tx.get(article, FIND, sku)
    if (there === undefined)
      throw new Unrecoverable(`There is no article '${sku}'. The view stock of shop.db lists all.`)
    if (there.left < quantity)
      throw new Unrecoverable(`'${sku}' is out of stock: ${quantity} wanted for ${order}, ${there.left} left.`)
    tx.run(MOVE, -quantity, sku)
    totalCents += there.priceCents * quantity
  }
  return { output: { items: wanted, totalCents } }
}

/** Puts back what was set aside for an order, if anything was. */
export function release(tx: SqliteTransaction, order: string): Effect<z.infer<typeof released>> {
  const { items: back } = findOutput(tx, { order, activity: 'reserve' }, reservation) ?? { items: [] }
  for (const { sku, quantity } of back) tx.run(MOVE, quantity, sku)
  return { output: { items: back } }
}
