import { toMessage } from '../../shared/bus/envelope.ts'
import { deriveId, newId } from '../../shared/bus/ids.ts'
import { toOutboxRow } from '../../shared/bus/outbox-message.ts'
import type { EbsObject } from '../../shared/events.ts'
import type { OutboxRow } from '../../shared/store/store.ts'

/** What a client may say about an object; the rest is made up. */
export type ObjectWish = {
  readonly tenant?: string | undefined
  readonly name?: string | undefined
  readonly content?: string | undefined
}

/** Makes an object with a new id. */
export function makeObject(wish: ObjectWish, nowMs: number): EbsObject {
  const id = newId(nowMs)
  return {
    id,
    tenant: wish.tenant ?? 'default',
    name: wish.name ?? `object-${id.slice(-12)}`,
    content: wish.content ?? `made by datagen at ${new Date(nowMs).toISOString()}`,
    createdAt: new Date(nowMs).toISOString(),
  }
}

/** The announcement of an object. Its conversation is called after the object. */
export function announce(object: EbsObject, nowMs: number, traceparent?: string): OutboxRow {
  const type = 'OBJECT_CREATED'
  const message = toMessage(
    { type, object },
    {
      id: deriveId({ cause: object.id, queue: 'datagen', type, position: 0 }),
      service: 'datagen',
      correlationId: object.id,
      tenant: object.tenant,
      atMs: nowMs,
      traceparent,
    },
  )
  return toOutboxRow(message)
}
