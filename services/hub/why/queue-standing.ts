import type { Standing } from './answer.ts'
import type { Facts } from './facts.ts'

/** How a message stands that should be in this queue, or in the hands of one of its consumers. */
export function standingInQueue(queue: string, { queues }: Pick<Facts, 'queues'>): Standing {
  const found = queues.get(queue)
  const commands = [{ command: 'ebs status', does: 'shows which services run, and what waits' }]
  if (!found)
    return {
      state: 'in-flight',
      says: `is in the queue ${queue} or being handled; how much is in the queue, and who consumes it, is not known`,
      where: { queue },
      commands,
    }
  const { messages, consumers, isThere } = found
  if (consumers === 0)
    return {
      state: 'waiting',
      says: isThere
        ? `waits in the queue ${queue}, which nobody consumes (${counted(messages)} ready)`
        : `belongs into the queue ${queue}, which is not there`,
      where: { queue, ahead: messages },
      waitsFor: { what: `a consumer of ${queue}: start the service that handles it` },
      commands,
    }
  const of = `${consumers} ${consumers === 1 ? 'consumer' : 'consumers'}`
  return {
    state: 'in-flight',
    says:
      messages === 0
        ? `is in the hands of the ${of} of ${queue}, or on its way there`
        : `is in the queue ${queue} (${counted(messages)} ready, ${of}) or being handled`,
    where: { queue, ahead: messages },
    next: { what: `a consumer of ${queue} handles it` },
    commands: [],
  }
}

const counted = (messages: number) => `${messages} ${messages === 1 ? 'message' : 'messages'}`
