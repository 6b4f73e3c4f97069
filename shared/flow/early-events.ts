import { z } from 'zod'
import type { Event, Meta } from '../bus/envelope.ts'
import { isEventType, rowOf } from '../events.ts'

/** How an event that waits for its conversation is stored: type, body and envelope as JSON. */

const metaSchema = z.object({
  id: z.string(),
  key: z.string(),
  correlationId: z.string(),
  attempt: z.number(),
  causationId: z.string().optional(),
  tenant: z.string().optional(),
  /** Null for what a stranger's header had for a number and JSON has not: NaN, or infinity. */
  atMs: z.number().nullish(),
  traceparent: z.string().optional(),
  replyTo: z.string().optional(),
  callAttempt: z.number().optional(),
})
const stored = z.object({ type: z.string(), data: z.record(z.string(), z.unknown()), meta: metaSchema })

export const toText = ({ type, data, meta }: Event): string => JSON.stringify({ type, data, meta })

/** The event again. Throws when the text was changed into something else. */
export function eventOf(text: string): Event {
  const { type, data, meta } = stored.parse(JSON.parse(text))
  if (!isEventType(type)) throw new Error(`An event was kept whose type is not in the catalogue: ${type}.`)
  const body = rowOf(type).body.parse(data)
  // The row of this very type has just checked the body, as where events are read.
  return { type, data: { type, ...body }, meta: complete(meta) } as Event
}

const complete = (meta: z.infer<typeof metaSchema>): Meta => ({
  ...meta,
  causationId: meta.causationId,
  tenant: meta.tenant,
  atMs: meta.atMs ?? undefined,
  traceparent: meta.traceparent,
  replyTo: meta.replyTo,
  callAttempt: meta.callAttempt,
  // Nobody brings back what waits here: its own message is settled.
  waits: 0,
  released: [],
  replay: undefined,
})
