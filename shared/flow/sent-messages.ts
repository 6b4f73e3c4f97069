import type { Message } from '../bus/broker.ts'
import { answering, type Bus, delayed } from '../bus/bus.ts'
import { toMessage, verbatim } from '../bus/envelope.ts'
import { deriveId } from '../bus/ids.ts'
import { DELAY_MS_MAX } from '../bus/ladder.ts'
import type { Origin, Sent } from './decision.ts'

/** What a message follows from: its id, and a count of what followed already. */
export type Following = { readonly id: string; position: number }

/** The message for what a decision sends. It belongs to the conversation, whoever caused it. */
export function messageOf(bus: Bus, sent: Sent, about: { origin: Origin; cause: Following; queue: string }): Message {
  const { origin, cause, queue } = about
  const type = 'body' in sent ? sent.body.type : sent.topic
  const sending = {
    id: deriveId({ cause: cause.id, queue, type, position: cause.position++ }),
    service: bus.service,
    correlationId: origin.correlationId,
    causationId: cause.id,
    tenant: origin.tenant,
    traceparent: origin.traceparent,
    atMs: bus.clock.now(),
    // A foreign worker may echo headers instead of reading the body.
    callAttempt: 'body' in sent && sent.body.type === 'FLOW_CALLED' ? sent.body.attempt : undefined,
  }
  if ('topic' in sent) return verbatim(sent.topic, sent.verbatim, sending)
  const message = toMessage(sent.body, sending)
  return 'to' in sent ? answering(message, sent.to) : message
}

/** Wake-ups come at these times only: many timers share one, and a hundred a second is all that the ladder ever carries. */
const SLOT_MS = 10
/** The ladder may deliver a fraction of a millisecond early, and the message on its way to it counts nothing against that for sure. */
const EARLY_MS_MAX = 1

/** The wake-up that a timer due at this time waits for. */
export const slotOf = (dueMs: number) => Math.ceil(dueMs / SLOT_MS) * SLOT_MS

/** The message that comes out of the ladder at `slotMs`, no earlier. */
export function wakeUp(bus: Bus, { id, slotMs, queue }: { id: string; slotMs: number; queue: string }): Message {
  const nowMs = bus.clock.now()
  const message = toMessage(
    { type: 'TIMERS_DUE', slotMs },
    { id, service: bus.service, correlationId: id, atMs: nowMs },
  )
  const delayMs = Math.min(Math.max(0, slotMs - nowMs) + EARLY_MS_MAX, DELAY_MS_MAX)
  return delayed(message, delayMs, queue)
}
