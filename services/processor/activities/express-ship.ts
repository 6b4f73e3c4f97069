import { activity } from '../../../shared/flow/activity.ts'
import { destination, parcel, send } from '../shop/parcels.ts'
import type { Systems } from './systems.ts'

/** Sends an order by courier. */
export const expressShip = ({ shop }: Systems) =>
  activity({
    name: 'express-ship',
    input: destination,
    output: parcel,
    run: (input, { idempotencyKey, sagaId }) =>
      shop.once({ idempotencyKey, sagaId, activity: 'express-ship' }, parcel, (_, order) =>
        send(order, input, 'courier'),
      ),
  })
