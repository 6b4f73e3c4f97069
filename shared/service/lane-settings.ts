import { z } from 'zod'

/** Which of two lanes is served next, live messages or those that come back; see `bus/lanes.ts`. */
export type LanePolicy =
  /** In turn, and the lane of those that come back takes no more than live messages leave it. */
  | { readonly kind: 'round-robin' }
  /** In the order in which they came. */
  | { readonly kind: 'fifo' }
  /** So many of the one for so many of the other, while both wait. */
  | { readonly kind: 'ratio'; readonly live: number; readonly replay: number }

/** Finer shares than a thousandth are none. */
const WEIGHT_MAX = 1_000
const error = `round-robin, fifo, or ratio:<live>:<replay> with whole numbers from 1 to ${WEIGHT_MAX}`
const weight = z.coerce.number().int().min(1).max(WEIGHT_MAX)

/** `round-robin`, `fifo` or `ratio:9:1`. */
export const lanePolicy = z.string().transform((text, context): LanePolicy => {
  if (text === 'round-robin' || text === 'fifo') return { kind: text }
  const [, live, replay] = /^ratio:(\d{1,4}):(\d{1,4})$/.exec(text) ?? []
  const weights = z.tuple([weight, weight]).safeParse([live, replay])
  if (weights.success) return { kind: 'ratio', live: weights.data[0], replay: weights.data[1] }
  context.addIssue({ code: 'custom', message: error })
  return z.NEVER
})
