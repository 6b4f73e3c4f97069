import type { Browsed, Message, Received } from '../../../shared/bus/broker.ts'
import { type Bus, messageFor, Outgoing, publish } from '../../../shared/bus/bus.ts'
import { againProperties, type Meta, metaOf, type Parsed, parseEvent } from '../../../shared/bus/envelope.ts'
import { deriveId } from '../../../shared/bus/ids.ts'
import { type Body, subjectOf } from '../../../shared/events.ts'

/** Said of a message that its consumers never lived to say anything about. */
const ERROR =
  'the broker dead-lettered it: its consumers were lost while they held it, more often than the queue allows'
/** Of a TASK_FAILED: there was none who could say it. */
const PROCESSOR = 'none'

/** A message in a dead queue without the headers that its consumer would have given it, and the id that it is held under from now on. */
export type Orphan = {
  readonly id: string
  readonly message: Received
  readonly browsed: Browsed
  readonly queue: string
}

/**
 * An orphan, when the message is one. Its id is the same at each look: of this message, and of this death, whose time the broker has
 * noted in whole seconds.
 */
export function findOrphan(queue: string, browsed: Browsed): Orphan | undefined {
  const { message } = browsed
  const { headers } = message.properties
  if (typeof headers['x-ebs-held'] === 'string') return undefined
  const { id, attempt } = metaOf(message)
  const died = `adopted ${attempt} ${JSON.stringify(headers['x-death'] ?? headers['x-ebs-last-failed-at'] ?? '')}`
  return {
    id: deriveId({ cause: id, queue, type: 'MESSAGE_DEAD', position: 0, attempt: died }),
    message,
    browsed,
    queue,
  }
}

/**
 * Gives an orphan its headers, by publishing it again to the queue that it lies in, and says what its consumer would have said; resolves
 * with it when all is confirmed. The caller removes the original.
 */
export async function adopt(bus: Bus, place: string, orphan: Orphan): Promise<Received> {
  const outgoing = new Outgoing()
  const adopted = adoptedMessage(bus, place, orphan)
  for (const message of [adopted, ...newsOf(bus, orphan)]) outgoing.add(publish(bus, message))
  await outgoing.confirmed()
  return { ...adopted, properties: { ...adopted.properties, headers: adopted.properties.headers ?? {} } }
}

function adoptedMessage(bus: Bus, place: string, { id, message, queue }: Orphan): Message {
  const at = new Date(bus.clock.now()).toISOString()
  const parsed = parseEvent(message)
  const told = isTold(message)
    ? {}
    : {
        'x-ebs-queue': queue,
        'x-ebs-reason': 'crashed',
        'x-ebs-error': ERROR,
        'x-ebs-attempts': metaOf(message).attempt,
        'x-ebs-first-failed-at': at,
        'x-ebs-last-failed-at': at,
      }
  return {
    exchange: '',
    key: place,
    mandatory: true,
    body: message.body,
    properties: againProperties(message, typeOf(parsed), { ...told, 'x-ebs-held': id }),
  }
}

/** One that an older version has dead-lettered says why; only its id is missing. */
const isTold = ({ properties }: Received) => typeof properties.headers['x-ebs-reason'] === 'string'
const typeOf = (parsed: Parsed) => ('type' in parsed ? parsed.type : parsed.stranger)

/** The death of what tells of messages is told nowhere: that would have no end. */
function newsOf(bus: Bus, { id, message, queue }: Orphan): readonly Message[] {
  const parsed = parseEvent(message)
  const meta = 'data' in parsed ? parsed.meta : metaOf(message)
  if (isTold(message) || meta.key.startsWith('messages.')) return []
  return [deathNews(bus, { id, queue, meta, parsed }), ...taskNews(bus, { queue, meta, parsed })]
}

type Told = { readonly queue: string; readonly meta: Meta; readonly parsed: Parsed }

/** The event's id is the one that the message is held under. */
function deathNews(bus: Bus, { id, queue, meta, parsed }: Told & { readonly id: string }) {
  const type = typeOf(parsed)
  const subject = 'data' in parsed ? subjectOf(parsed.data) : undefined
  const body: Body<'MESSAGE_DEAD'> = {
    type: 'MESSAGE_DEAD',
    queue,
    messageId: meta.id.slice(0, 255),
    reason: 'crashed',
    error: ERROR,
    attempts: meta.attempt,
    ...(type && { deadType: type.slice(0, 255) }),
    deadKey: meta.key.slice(0, 255),
    ...(meta.replay && { replay: meta.replay }),
    ...(subject && { subject }),
  }
  const news = messageFor(bus, { meta, queue }, body, 0)
  return { ...news, properties: { ...news.properties, messageId: id } }
}

/** An object would wait for this task until its deadline. */
function taskNews(bus: Bus, { queue, meta, parsed }: Told) {
  if (!('data' in parsed) || parsed.type !== 'TASK_CREATED') return []
  const { id: taskId, objectId } = parsed.data.task
  const { attempt } = meta
  const body = {
    type: 'TASK_FAILED',
    taskId,
    objectId,
    processor: PROCESSOR,
    attempt,
    durationMs: 0,
    error: ERROR,
    final: true,
  } as const
  return [messageFor(bus, { meta, queue }, body, -1)]
}
