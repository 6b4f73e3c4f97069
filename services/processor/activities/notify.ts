import { z } from 'zod'
import { activity } from '../../../shared/flow/activity.ts'
import { remembering } from '../../../shared/flow/remembering.ts'
import type { Systems } from './systems.ts'

const TEXT_CHARS_MAX = 2_000
const sent = z.object({ to: z.string() })

/** Writes to the customer. Mail servers know no idempotency keys, so what was sent is remembered here. */
export const notify = ({ shop, memory, clock }: Systems) =>
  remembering(
    activity({
      name: 'notify',
      input: z.object({ to: z.email(), text: z.string().min(1).max(TEXT_CHARS_MAX) }),
      output: sent,
      run: ({ to }, { idempotencyKey, sagaId }) =>
        shop.once({ idempotencyKey, sagaId, activity: 'notify' }, sent, () => ({ output: { to } })),
    }),
    memory,
    { clock },
  )
