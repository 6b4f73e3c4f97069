import { z } from 'zod'
import { activity } from '../../../shared/flow/activity.ts'
import { refund as refundCharge, refunded } from '../shop/payments.ts'
import type { Systems } from './systems.ts'

/** Takes `charge` back. How much, it knows by the order: whether anything was taken may be unknown. */
export const refund = ({ shop }: Systems) =>
  activity({
    name: 'refund',
    input: z.unknown(),
    output: refunded,
    run: (_, { idempotencyKey, sagaId }) =>
      shop.once({ idempotencyKey, sagaId, activity: 'refund' }, refunded, refundCharge),
  })
