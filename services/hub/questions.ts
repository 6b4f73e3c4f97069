import { answerQuestions } from '../../shared/bus/answer.ts'
import type { Bus } from '../../shared/bus/bus.ts'
import { BODY_BYTES_MAX, depthOf, JSON_DEPTH_MAX } from '../../shared/bus/envelope.ts'
import type { Body, Json } from '../../shared/events.ts'
import type { ConversationReader } from '../../shared/store/conversations.ts'
import { findView, outlineSchema, type View } from './conversation-view.ts'
import type { Operations } from './operations.ts'

/** Room in the answer for what surrounds the view: bytes, and levels of nesting. */
const AROUND_BYTES_MAX = 4_096
const AROUND_LEVELS = 1

/** Answers whoever asks over the bus how a conversation stands. */
export const answerAsked = (bus: Bus, operations: Operations) =>
  answerQuestions(bus, {
    queue: 'hub_ask',
    answer: ({ data }) => {
      if (data.type === 'CONVERSATION_ASKED') return tell(data, operations)
      return data.type === 'STANDING_ASKED' ? tellStanding(data, operations) : undefined
    },
  })

/** How a conversation stands; without a view when there is none. */
export async function tell(asked: Body<'CONVERSATION_ASKED'>, operations: Operations): Promise<Body> {
  const { kind: name, id } = asked
  const kind = operations.kinds.find((one) => one.name === name)
  const view = kind && (await findView(operations, kind, id))
  return { type: 'CONVERSATION_TOLD', kind: name, id, ...(view && { view: fitting(view) }) }
}

/**
 * Which of these conversations go on, and which are over. Rejects when some may lie in a store that is out of reach: then nobody is told
 * that they are not known.
 */
export async function tellStanding(
  { kind, ids }: Body<'STANDING_ASKED'>,
  { store }: { readonly store: { readonly reader: Pick<ConversationReader, 'standingOf'> } },
): Promise<Body> {
  const standings = await store.reader.standingOf(kind, ids)
  const keysOf = (isOpen: boolean) => standings.filter((one) => one.isOpen === isOpen).map(({ key }) => key)
  return { type: 'STANDING_TOLD', kind, open: keysOf(true), ended: keysOf(false) }
}

/** As JSON; of one that nobody would take, because it is too large or too deep, only what every conversation has. */
function fitting(view: View): Record<string, Json> {
  const text = JSON.stringify(view)
  const tooMuch = findTooMuch(Buffer.from(text))
  if (tooMuch === undefined) return JSON.parse(text)
  const leftOut = `${tooMuch} for a message: ask the hub's own API`
  return JSON.parse(JSON.stringify({ ...outlineSchema.parse(view), leftOut }))
}

function findTooMuch(view: Buffer): string | undefined {
  if (view.length > BODY_BYTES_MAX - AROUND_BYTES_MAX) return `${view.length} bytes are too many`
  const depth = depthOf(view)
  return depth > JSON_DEPTH_MAX - AROUND_LEVELS ? `${depth} levels are too deep` : undefined
}
