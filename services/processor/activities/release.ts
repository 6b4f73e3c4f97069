import { z } from 'zod'
import { activity } from '../../../shared/flow/activity.ts'
import { released, release as releaseItems } from '../shop/stock.ts'
import type { Systems } from './systems.ts'

/** Takes `reserve` back. What is to be put back it knows by the order: whether that was set aside may be unknown. */
export const release = ({ shop }: Systems) =>
  activity({
    name: 'release',
    input: z.unknown(),
    output: released,
    run: (_, { idempotencyKey, sagaId }) =>
      shop.once({ idempotencyKey, sagaId, activity: 'release' }, released, releaseItems),
  })
