import { z } from 'zod'
import type { OutboxRow } from '../store/store.ts'
import type { Message } from './broker.ts'

const header = z.union([z.string(), z.number(), z.boolean()])
/** Properties at rest, as JSON. */
export const storedProperties = z.object({
  messageId: z.string().exactOptional(),
  type: z.string().exactOptional(),
  correlationId: z.string().exactOptional(),
  replyTo: z.string().exactOptional(),
  timestamp: z.number().exactOptional(),
  appId: z.string().exactOptional(),
  contentType: z.string().exactOptional(),
  contentEncoding: z.string().exactOptional(),
  headers: z.record(z.string(), header).exactOptional(),
})

/** A message at rest in the outbox. */
export const toOutboxRow = ({ exchange, key, body, properties }: Message): OutboxRow => ({
  exchange,
  key,
  body: body.toString(),
  properties: JSON.stringify(properties),
})

/** A row of the outbox as a message again. Throws ZodError when the row was changed by hand into something else. */
export const fromOutboxRow = ({ exchange, key, body, properties }: OutboxRow): Message => ({
  exchange,
  key,
  body: Buffer.from(body),
  properties: storedProperties.parse(JSON.parse(properties)),
})
