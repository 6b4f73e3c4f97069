import type { Message } from '../bus/broker.ts'
import { answering, type Bus, delayed } from '../bus/bus.ts'
import { type Parsed, parseEvent, toMessage, verbatim } from '../bus/envelope.ts'
import { deriveId } from '../bus/ids.ts'
import { DELAY_MS_MAX } from '../bus/ladder.ts'
import { fromOutboxRow } from '../bus/outbox-message.ts'
import { type Body, catalogue } from '../events.ts'
import type { OutboxRow } from '../store/store.ts'
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
    callAttempt: 'body' in sent && isCall(sent.body) ? sent.body.attempt : undefined,
  }
  if ('topic' in sent) return verbatim(sent.topic, sent.verbatim, sending)
  const message = toMessage(sent.body, sending)
  if ('queue' in sent) return { ...message, exchange: '', key: sent.queue }
  return 'to' in sent ? answering(message, sent.to) : message
}

/** Whether it is for somebody who answers it. */
const isCall = (body: Body): body is Body<'FLOW_CALLED' | 'ACTIVITY_REQUESTED'> =>
  body.type === 'FLOW_CALLED' || body.type === 'ACTIVITY_REQUESTED'

/** A message as it would be read from a queue. */
export const readBack = ({ exchange, key, body, properties }: Message): Parsed =>
  parseEvent({ exchange, key, body, properties: { ...properties, headers: properties.headers ?? {} } })

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
  const delayMs = slotMs > nowMs ? Math.min(slotMs - nowMs + EARLY_MS_MAX, DELAY_MS_MAX) : 0
  return delayed(message, delayMs, queue)
}

/**
 * What a row of the outbox says, to be sent now. A wake-up gets the delay that is left: the hub may have been killed, or the broker away,
 * since the row was written, and the wake-up would be late by as much. Throws ZodError when the row was changed by hand.
 */
export function messageOfRow(bus: Bus, row: OutboxRow, queue: string): Message {
  const message = fromOutboxRow(row)
  const { type, messageId: id } = message.properties
  if (type !== 'TIMERS_DUE' || id === undefined) return message
  const { slotMs } = catalogue.TIMERS_DUE.body.parse(JSON.parse(row.body))
  return wakeUp(bus, { id, slotMs, queue })
}
