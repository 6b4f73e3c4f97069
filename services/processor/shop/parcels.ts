import { z } from 'zod'
import { Unrecoverable } from '../../../shared/bus/retry.ts'
import type { Effect } from './effects.ts'
import { idOf } from './payments.ts'

export const destination = z.object({ address: z.string().min(1).max(500) })
export const parcel = z.object({ carrier: z.enum(['post', 'courier']), tracking: z.string() })

/** The one place where no carrier goes, for the sake of the example. */
const UNREACHABLE = 'nowhere'

/** Hands an order to a carrier. Throws Unrecoverable when that does not go there. */
export function send(
  order: string,
  { address }: z.infer<typeof destination>,
  carrier: z.infer<typeof parcel>['carrier'],
): Effect<z.infer<typeof parcel>> {
  if (address === UNREACHABLE) throw new Unrecoverable(`No ${carrier} goes to '${address}'.`)
  return { output: { carrier, tracking: idOf(carrier, order) } }
}
