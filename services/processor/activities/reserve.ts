import { z } from 'zod'
import { activity } from '../../../shared/flow/activity.ts'
import { refuseWhenTakenBack } from '../shop/orders.ts'
import { items, reservation, reserve as reserveItems } from '../shop/stock.ts'
import type { Systems } from './systems.ts'

/** Sets the items of an order aside. What is out of stock is for good: a person changes the order, or gives it up. */
export const reserve = ({ shop }: Systems) =>
  activity({
    name: 'reserve',
    input: z.object({ items }),
    output: reservation,
    run: ({ items: wanted }, { idempotencyKey, sagaId }) =>
      shop.once({ idempotencyKey, sagaId, activity: 'reserve' }, reservation, (tx, order) => {
        refuseWhenTakenBack(tx, order, 'release')
        return reserveItems(tx, order, wanted)
      }),
  })
