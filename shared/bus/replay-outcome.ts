import { type Body, type EventType, subjectOf } from '../events.ts'
import type { QueueName } from '../topology.ts'
import type { Message } from './broker.ts'
import { type Bus, type Cause, messageFor, publish } from './bus.ts'

/** What became of a message that was brought back, when nothing is left to do about it. */
export type ReplayOutcome = 'handled' | 'duplicate' | 'ignored'

/** A message that came back; without `data` when nobody could read it. */
type CameBack = Cause & { readonly data?: Body | undefined }

const NAME_CHARS_MAX = 255

/**
 * What was accepted lies in these messages, and nowhere else, until they are handled: on the ladder it could not be told from a loss if nobody
 * said that it is there. A task's retries are told by TASK_FAILED.
 */
const carriers: Partial<Record<EventType, QueueName>> = {
  OBJECT_CREATED: 'distributor_consume',
  EventGroupCollectorCreate: 'hub_consume',
  FLOW_REQUESTED: 'hub_consume',
  INITIATE_WORKFLOW: 'hub_consume',
  INITIATE_JOURNEY: 'hub_consume',
}

function about({ meta, queue, data }: CameBack) {
  const subject = data && subjectOf(data)
  return {
    queue,
    messageId: meta.id.slice(0, NAME_CHARS_MAX),
    ...(data && { messageType: data.type }),
    ...(meta.replay && { replay: meta.replay }),
    ...(subject && { subject }),
  }
}

/** Tells the job that brought a message back that it is done; resolves when that is confirmed. */
export async function tellReplayed(bus: Bus, cause: CameBack, reason: ReplayOutcome): Promise<void> {
  if (!cause.meta.replay) return
  const body: Body<'MESSAGE_REPLAYED'> = { type: 'MESSAGE_REPLAYED', ...about(cause), reason }
  await publish(bus, messageFor(bus, cause, body, 0))
}

/**
 * Tells the job that brought a message back, and of what was accepted the ledger, that it failed and that another attempt follows; nothing
 * about any other message.
 */
export function failingNews(bus: Bus, cause: CameBack, error: string): readonly Message[] {
  const isCarrier = cause.data !== undefined && carriers[cause.data.type] === cause.queue
  if (!cause.meta.replay && !isCarrier) return []
  const body: Body<'MESSAGE_FAILING'> = { type: 'MESSAGE_FAILING', ...about(cause), reason: 'failed', error }
  return [messageFor(bus, cause, body, 0)]
}
