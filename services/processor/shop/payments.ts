import { createHash } from 'node:crypto'
import { z } from 'zod'
import { Unrecoverable } from '../../../shared/bus/retry.ts'
import type { SqliteTransaction } from '../../../shared/store/sqlite-transaction.ts'
import type { Effect } from './effects.ts'
import { findOutput } from './orders.ts'

export const payment = z.object({ amountCents: z.int().min(1), card: z.string().min(1).max(64) })
export const charged = z.object({ chargeId: z.string(), amountCents: z.int() })
export const refunded = z.object({ amountCents: z.int() })

/** The one card that the bank refuses, for the sake of the example. */
const DECLINED_CARD = 'declined'
const ID_CHARS = 12

/** Takes the money. Throws Unrecoverable when the bank refuses the card. */
export function charge(order: string, { amountCents, card }: z.infer<typeof payment>): Effect<z.infer<typeof charged>> {
  if (card === DECLINED_CARD) throw new Unrecoverable(`The card of ${order} was declined.`)
  return { output: { chargeId: idOf('ch', order), amountCents }, cents: amountCents }
}

/** Gives back what was taken for an order, if anything was. */
export function refund(tx: SqliteTransaction, order: string): Effect<z.infer<typeof refunded>> {
  const { amountCents } = findOutput(tx, { order, activity: 'charge' }, charged) ?? { amountCents: 0 }
  return { output: { amountCents }, cents: amountCents }
}

/** A readable id, the same each time. */
export const idOf = (prefix: string, order: string) =>
  `${prefix}_${createHash('sha256').update(order).digest('hex').slice(0, ID_CHARS)}`
