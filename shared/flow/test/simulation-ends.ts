import type { Received } from '../../bus/broker.ts'
import { parseEvent } from '../../bus/envelope.ts'
import type { Body } from '../../events.ts'
import type { ConversationId } from '../../store/conversations.ts'

/** The end of a conversation, as it is heard. */
export type End = { readonly id: ConversationId; readonly body: Body }

/** The end that a message says; undefined when it says something else. */
export function endOf(message: Received): End | undefined {
  const event = parseEvent(message)
  if (!('data' in event)) return undefined
  const { data: body } = event
  switch (body.type) {
    case 'EventGroupCollectorSuccess':
    case 'EventGroupCollectorFailure':
      return { id: { kind: 'group', key: body.id }, body }
    case 'OBJECT_COMPLETED':
    case 'OBJECT_FAILED':
      return { id: { kind: 'group', key: body.objectId }, body }
    case 'FLOW_SUCCEEDED':
    case 'FLOW_FAILED':
      return { id: { kind: 'flow', key: body.flowId }, body }
    default:
      return undefined
  }
}

/** How a conversation ended, in a word. */
export function nameEnd({ id, body }: End): string {
  if ('endedBy' in body) return `${id.kind}: ${body.endedBy}`
  return 'kind' in body ? `${id.kind}: ${body.kind}` : body.type
}
