import { z } from 'zod'
import type { Received } from '../../../shared/bus/broker.ts'

const stored = z.object({
  messageId: z.string().exactOptional(),
  type: z.string().exactOptional(),
  correlationId: z.string().exactOptional(),
  replyTo: z.string().exactOptional(),
  timestamp: z.number().exactOptional(),
  appId: z.string().exactOptional(),
  contentType: z.string().exactOptional(),
  contentEncoding: z.string().exactOptional(),
  headers: z.record(z.string(), z.unknown()),
})

/** The properties of a held message as the catalogue keeps them. Throws ZodError when the row was changed by hand. */
export const parseProperties = (json: string): Received['properties'] => stored.parse(JSON.parse(json))
