import { activity } from '../../../shared/flow/activity.ts'
import { refuseWhenTakenBack } from '../shop/orders.ts'
import { charge as chargeCard, charged, payment } from '../shop/payments.ts'
import type { Systems } from './systems.ts'

/** Takes the money for an order. The card `declined` is declined: a retry with another one is a person's decision. */
export const charge = ({ shop }: Systems) =>
  activity({
    name: 'charge',
    input: payment,
    output: charged,
    run: (input, { idempotencyKey, sagaId }) =>
      shop.once({ idempotencyKey, sagaId, activity: 'charge' }, charged, (tx, order) => {
        refuseWhenTakenBack(tx, order, 'refund')
        return chargeCard(order, input)
      }),
  })
