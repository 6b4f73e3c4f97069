import { z } from 'zod'
import { depthOf, JSON_DEPTH_MAX } from '../../shared/bus/envelope.ts'
import type { Held, HeldState } from '../../shared/store/held-messages.ts'
import type { Content } from './held-operations.ts'
import { isoOf, isoOrNull } from './operations.ts'

/** Of a body that is no event, because it is larger than any may be, so much is shown. */
const BODY_SHOWN_BYTES_MAX = 1_048_576

export const heldStates = [
  'held',
  'chosen',
  'released',
  'handled',
  'dead',
  'parked',
  'discarded',
  'archived',
  'gone',
] as const satisfies readonly HeldState[]

/** A row of the catalogue. */
export const heldSchema = z.object({
  id: z.string(),
  /** The queue that holds or held it. */
  place: z.string(),
  /** The work queue that it was taken from; null for what no queue wanted. */
  queue: z.string().nullable(),
  state: z.string(),
  messageId: z.string(),
  type: z.string().nullable(),
  /** Original routing key. */
  key: z.string().nullable(),
  tenant: z.string().nullable(),
  correlationId: z.string().nullable(),
  reason: z.string(),
  error: z.string().nullable(),
  rule: z.string().nullable(),
  attempts: z.int().nullable(),
  fingerprint: z.string().nullable(),
  firstFailedAt: z.string().nullable(),
  heldAt: z.string(),
  /** The job that moves or moved it. */
  replay: z.string().nullable(),
  changedAt: z.string(),
})

export const heldItem = ({
  firstFailedAtMs,
  heldAtMs,
  changedAtMs,
  job,
  ...held
}: Held): z.infer<typeof heldSchema> => ({
  ...held,
  firstFailedAt: isoOrNull(firstFailedAtMs),
  heldAt: isoOf(heldAtMs),
  replay: job,
  changedAt: isoOf(changedAtMs),
})

export const contentSchema = z.object({
  /** JSON when it is; else text, or base64. Null when the message is in its place no more. */
  body: z.unknown(),
  bodyIs: z.enum(['json', 'text', 'base64']).nullable(),
  bodyBytes: z.int().nullable(),
  properties: z.record(z.string(), z.unknown()).nullable(),
  /** By whom and why the body differs from what the queue holds. */
  edited: z.string().nullable(),
})

/** What a person can read of a message's content. */
export function contentItem(content: Content | undefined): z.infer<typeof contentSchema> {
  if (!content) return { body: null, bodyIs: null, bodyBytes: null, properties: null, edited: null }
  const { body, properties, edited } = content
  return { ...readable(body), bodyBytes: body.length, properties: { ...properties }, edited }
}

function readable(body: Buffer): Pick<z.infer<typeof contentSchema>, 'body' | 'bodyIs'> {
  const shown = body.subarray(0, BODY_SHOWN_BYTES_MAX)
  if (shown.length === body.length && depthOf(body) <= JSON_DEPTH_MAX) {
    const json = findJson(body)
    if (json !== undefined) return { body: json, bodyIs: 'json' }
  }
  const text = findText(shown)
  return text === undefined ? { body: shown.toString('base64'), bodyIs: 'base64' } : { body: text, bodyIs: 'text' }
}

function findJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString())
  } catch {
    // Poison often is no JSON: then it is shown as it is.
    return undefined
  }
}

function findText(bytes: Buffer): string | undefined {
  try {
    // As a stream: a character that is cut at the end is left out.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true })
  } catch {
    return undefined
  }
}
