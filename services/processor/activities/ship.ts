import { activity } from '../../../shared/flow/activity.ts'
import { destination, parcel, send } from '../shop/parcels.ts'
import type { Systems } from './systems.ts'

/** Sends an order by post. */
export const ship = ({ shop }: Systems) =>
  activity({
    name: 'ship',
    input: destination,
    output: parcel,
    run: (input, { idempotencyKey, sagaId }) =>
      shop.once({ idempotencyKey, sagaId, activity: 'ship' }, parcel, (_, order) => send(order, input, 'post')),
  })
