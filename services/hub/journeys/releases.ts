import { setImmediate } from 'node:timers/promises'
import type { Bus } from '../../../shared/bus/bus.ts'
import { toMessage } from '../../../shared/bus/envelope.ts'
import { newId } from '../../../shared/bus/ids.ts'
import { toOutboxRow } from '../../../shared/bus/outbox-message.ts'
import type { Conversation } from '../../../shared/store/conversations.ts'
import type { HubStore } from '../../../shared/store/hub-store.ts'
import { JOURNEY } from '../operations.ts'

export type ReleaseOptions = {
  readonly bus: Pick<Bus, 'clock' | 'service'>
  readonly store: Pick<HubStore, 'reader' | 'write'>
  /** Aborted when the service is told to stop: what is left is released at the next start. */
  readonly stopping: AbortSignal
}

/** A journey that waits for its type. */
const WAITING = 'ACCEPTED'
/** Read, and released in one transaction: each comes with its payload, and deliveries must hardly wait for it. */
const PAGE = 100

type Waiting = Pick<Conversation, 'key' | 'correlationId' | 'tenant' | 'traceparent'>

/**
 * Tells the journeys of this type that wait for it that it is registered, straight through the hub's queue: whichever hub decides
 * conversations hears it. One that hears it twice begins once. A page is told before the next one is read: a million may wait. Gives their
 * number.
 */
export async function releaseWaiting({ bus, store, stopping }: ReleaseOptions, label: string): Promise<number> {
  let count = 0
  let cursor: string | undefined
  do {
    const page = await store.reader.listConversations(
      { kind: JOURNEY, label, status: WAITING, isOpen: true },
      { limit: PAGE, cursor },
    )
    // Of a page, those that have waited longest first.
    const rows = page.items.toReversed().map((one) => toOutboxRow(released(bus, one)))
    if (rows.length > 0) await store.write((tx) => tx.enqueue(rows))
    count += rows.length
    cursor = page.next
    // Reading may be synchronous, and deliveries must not wait for all of it.
    await setImmediate()
  } while (cursor !== undefined && !stopping.aborted)
  return count
}

/** Whether any journey waits for this type. */
export async function isWaitedFor({ reader }: Pick<HubStore, 'reader'>, label: string): Promise<boolean> {
  const which = { kind: JOURNEY, label, status: WAITING, isOpen: true }
  return (await reader.listConversations(which, { limit: 1 })).items.length > 0
}

function released({ clock, service }: ReleaseOptions['bus'], { key, ...thread }: Waiting) {
  const atMs = clock.now()
  const message = toMessage(
    { type: 'JOURNEY_RELEASED', sagaId: key },
    {
      ...{ id: newId(atMs), service, atMs, correlationId: thread.correlationId },
      ...{ tenant: thread.tenant ?? undefined, traceparent: thread.traceparent ?? undefined },
    },
  )
  return { ...message, exchange: '', key: 'hub_consume' }
}
