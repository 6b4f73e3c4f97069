import type { Body } from '../events.ts'
import type { Message } from './broker.ts'
import { type Bus, type Cause, messageFor, publish } from './bus.ts'

/** What became of a message that was brought back, when nothing is left to do about it. */
export type ReplayOutcome = 'handled' | 'duplicate' | 'ignored'

const about = ({ meta, queue }: Cause) => ({
  queue,
  messageId: meta.id.slice(0, 255),
  ...(meta.replay && { replay: meta.replay }),
})

/** Tells the job that brought a message back that it is done; resolves when that is confirmed. */
export async function tellReplayed(bus: Bus, cause: Cause, reason: ReplayOutcome): Promise<void> {
  if (!cause.meta.replay) return
  const body: Body<'MESSAGE_REPLAYED'> = { type: 'MESSAGE_REPLAYED', ...about(cause), reason }
  await publish(bus, messageFor(bus, cause, body, 0))
}

/** Tells the job that brought a message back that it failed again, and that another attempt follows; nothing about any other message. */
export function failingNews(bus: Bus, cause: Cause, error: string): readonly Message[] {
  if (!cause.meta.replay) return []
  const body: Body<'MESSAGE_FAILING'> = { type: 'MESSAGE_FAILING', ...about(cause), reason: 'failed', error }
  return [messageFor(bus, cause, body, 0)]
}
