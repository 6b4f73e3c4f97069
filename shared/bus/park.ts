import { type Body, subjectOf } from '../events.ts'
import type { Rule } from '../operation-events.ts'
import { parkingQueueOf } from '../topology.ts'
import { noteOn } from '../tracing/spans.ts'
import { type Message, type Received, ReturnedError } from './broker.ts'
import { type Bus, messageFor, publish } from './bus.ts'
import type { Event } from './envelope.ts'
import { deriveId } from './ids.ts'
import { logSome } from './log-limit.ts'
import { replayHeader } from './replay-headers.ts'
import { useOf } from './rule-chain.ts'
import { heldProperties } from './stay-headers.ts'

export type Parked = {
  readonly queue: string
  readonly message: Received
  readonly event: Event
  readonly rule: Rule
}

/** What a reason may have in an event; it is longer only in the rule. */
const REASON_CHARS_MAX = 256
const NAME_CHARS_MAX = 255

/**
 * Sets a message aside for a rule; resolves when both the message in its parking queue and the event that says so are confirmed, and
 * the delivery can be acked. Whoever dies before that parks it twice, under one held id. Rejects when it cannot be published, or when the
 * parking queue is gone and cannot be made anew: then judge again, because the rule may be gone as well.
 */
export async function park(bus: Bus, parked: Parked): Promise<void> {
  const { queue, rule, event } = parked
  noteOn(event.meta, 'park', () => ({ 'ebs.rule': useOf(rule) }))
  const news = parkedNews(bus, parked)
  const aside = parkedMessage(bus, parked, news)
  try {
    await publish(bus, aside)
  } catch (error) {
    if (!(error instanceof ReturnedError)) throw error
    logSome(
      bus,
      { level: 'warn', queue, text: 'the parking queue of a rule is gone; it is made anew' },
      { rule: rule.id },
    )
    await bus.rules.restore(rule.id, queue)
    await publish(bus, aside)
  }
  // Afterwards: what is said to lie there lies there.
  await publish(bus, news)
  bus.recorder.parked(queue, rule.id)
}

const parkedMessage = (bus: Bus, { queue, message, event, rule }: Parked, news: Message): Message => ({
  exchange: '',
  key: parkingQueueOf(rule.id, queue),
  mandatory: true,
  body: message.body,
  properties: heldProperties(message, event.type, {
    'x-ebs-queue': queue,
    'x-ebs-reason': 'sideline',
    'x-ebs-rule': useOf(rule),
    'x-ebs-parked-at': new Date(bus.clock.now()).toISOString(),
    'x-ebs-held': news.properties.messageId ?? '',
    ...(event.meta.traceparent !== undefined && { traceparent: event.meta.traceparent }),
    // Attempts that were made in this consumer count when it comes back.
    ...(event.meta.attempt > 1 && { 'x-ebs-attempt': event.meta.attempt }),
  }),
})

function parkedNews(bus: Bus, { queue, event, rule }: Parked): Message {
  const { meta, type } = event
  const subject = subjectOf(event.data)
  const body: Body<'MESSAGE_PARKED'> = {
    type: 'MESSAGE_PARKED',
    queue,
    messageId: meta.id.slice(0, NAME_CHARS_MAX),
    reason: rule.reason.slice(0, REASON_CHARS_MAX),
    rule: useOf(rule),
    parkedType: type,
    parkedKey: meta.key.slice(0, NAME_CHARS_MAX),
    ...(meta.replay && { replay: meta.replay }),
    ...(subject && { subject }),
  }
  const news = messageFor(bus, { meta, queue }, body, 0)
  // Set aside by two rules, one after the other, it is held twice.
  const stay = [meta.attempt, meta.replay ? replayHeader(meta.replay) : '', useOf(rule)].join(' ')
  const messageId = deriveId({ cause: meta.id, queue, type: body.type, position: 0, attempt: stay })
  return { ...news, properties: { ...news.properties, messageId } }
}
