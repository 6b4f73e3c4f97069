import { z } from 'zod'
import { parseEvent } from '../../shared/bus/envelope.ts'
import type { Held, HeldGroup } from '../../shared/store/held-messages.ts'
import type { Content } from './held-operations.ts'
import { isoOf, type Operations, usersKinds } from './operations.ts'

/** What dead letters have in common. */
export const deadGroupSchema = z.object({
  fingerprint: z.string(),
  queue: z.string().nullable(),
  type: z.string().nullable(),
  reason: z.string(),
  /** With ids and numbers masked. */
  error: z.string(),
  count: z.int(),
  firstAt: z.string(),
  lastAt: z.string(),
  /** Id of its newest message. */
  example: z.string(),
})

export const deadGroupItem = ({ firstAtMs, lastAtMs, ...group }: HeldGroup): z.infer<typeof deadGroupSchema> => ({
  ...group,
  firstAt: isoOf(firstAtMs),
  lastAt: isoOf(lastAtMs),
})

/** Urls of the conversations that a message belongs to: what its event is for, and what bears the name of its thread. */
export async function conversationUrls(operations: Operations, row: Held, content: Content | undefined) {
  const parsed =
    content && parseEvent({ exchange: '', key: row.key ?? '', body: content.body, properties: content.properties })
  const event = parsed && 'data' in parsed ? parsed : undefined
  const ids = usersKinds(operations).flatMap(({ name, keyOf }) => {
    const keys = new Set([event && keyOf(event), row.correlationId])
    return [...keys].flatMap((key) => (key ? [{ kind: name, key }] : []))
  })
  const urls: string[] = []
  for (const id of ids)
    if (await operations.store.reader.findConversation(id)) urls.push(`/api/${id.kind}s/${encodeURIComponent(id.key)}`)
  return urls
}
