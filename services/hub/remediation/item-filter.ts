import { z } from 'zod'
import { findDurationMs } from '../../../shared/flow/journey/durations.ts'
import type { ItemFilter } from './item-search.ts'
import { attentions } from './remediation-item.ts'

const word = z.string().min(1).max(64).optional()
/** In a query everything is text, milliseconds too. */
const duration = z
  .union([z.string().max(16), z.int()])
  .refine((given) => durationMs(given) !== undefined, 'expected a duration such as 30s, 10m, 2h or 1d, or milliseconds')

/** What lists and jobs choose journeys by. */
export const itemFilterShape = {
  type: word,
  tenant: word,
  attention: z.enum(attentions).optional(),
  cause: word,
  /** One of those that it is about. */
  step: word,
  /** It has needed a person for longer than this. */
  olderThan: duration.optional(),
}

type Given = z.infer<z.ZodObject<typeof itemFilterShape>>

export const itemFilterOf = ({ olderThan, ...filter }: Given): ItemFilter => ({
  ...filter,
  olderThanMs: olderThan === undefined ? undefined : durationMs(olderThan),
})

const durationMs = (given: string | number) =>
  findDurationMs(typeof given === 'string' && /^\d{1,15}$/.test(given) ? Number(given) : given)
