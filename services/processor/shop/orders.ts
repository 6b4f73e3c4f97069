import { z } from 'zod'
import { Unrecoverable } from '../../../shared/bus/retry.ts'
import type { SqliteTransaction } from '../../../shared/store/sqlite-transaction.ts'

const FIND = 'select output from effect_rows where order_id = ? and activity = ? order by seq desc limit 1'
const found = z.object({ output: z.string() })

/** What an activity gave for an order, the last time; undefined when it was not done. */
export function findOutput<S extends z.ZodType>(
  tx: SqliteTransaction,
  { order, activity }: { readonly order: string; readonly activity: string },
  output: S,
): z.output<S> | undefined {
  const row = tx.get(found, FIND, order, activity)
  return row && output.parse(JSON.parse(row.output))
}

/**
 * A step may be taken back while its request, which had timed out, still lies in a queue. When it comes after all, nobody would take it
 * back a second time. Throws Unrecoverable.
 */
export function refuseWhenTakenBack(tx: SqliteTransaction, order: string, by: string): void {
  if (findOutput(tx, { order, activity: by }, z.unknown()) !== undefined)
    throw new Unrecoverable(`The order ${order} was taken back already (${by}), so this is not done any more.`)
}
