import type { Message, Properties, Received } from '../../../shared/bus/broker.ts'
import { metaOf } from '../../../shared/bus/envelope.ts'
import { releasedHeader, replayHeader } from '../../../shared/bus/replay-headers.ts'
import { retryProperties } from '../../../shared/bus/stay-headers.ts'
import type { Body } from '../../../shared/events.ts'
import type { HeldContent } from '../../../shared/store/held-messages.ts'
import { exchanges, replayQueueOf } from '../../../shared/topology.ts'
import { findLadderQueue } from './held-row.ts'
import { parseProperties } from './stored-properties.ts'

type Errand = Pick<Body<'REPLAY_ERRAND'>, 'job' | 'to' | 'rule'>

/** A held message on its way back to its queue, with the job in its headers; with another body, when somebody has edited it. */
export function movedMessage(
  message: Received,
  held: string,
  { errand, edited }: { readonly errand: Errand; readonly edited: HeldContent | undefined },
): Message {
  const properties = propertiesOf(message, held, errand)
  const sent = edited
    ? { body: Buffer.from(edited.body), properties: { ...properties, ...editedProperties(edited) } }
    : { body: message.body, properties }
  return { ...sent, ...destinationOf(message, errand) }
}

const propertiesOf = (message: Received, held: string, { job, rule }: Errand): Properties =>
  retryProperties(message, message.properties.type, {
    'x-ebs-replay': replayHeader({ job, held }),
    'x-ebs-attempt': 1,
    ...(rule && { 'x-ebs-released': releasedHeader(metaOf(message).released, rule) }),
  })

/** What speaks of the body: headers, ids and times stay those of the message. */
function editedProperties({ properties }: HeldContent): Properties {
  const { type, contentType } = parseProperties(properties)
  return {
    ...(type !== undefined && { type }),
    ...(contentType !== undefined && { contentType }),
    contentEncoding: 'utf-8',
  }
}

/** To its queue alone, through the lane for replays. What no queue wanted goes the way that it was to go at first. */
function destinationOf(message: Received, { to }: Errand): Pick<Message, 'exchange' | 'key' | 'mandatory'> {
  if (to !== undefined) return { exchange: '', key: replayQueueOf(to), mandatory: true }
  const queue = findLadderQueue(message)
  if (queue !== undefined) return { exchange: '', key: queue, mandatory: true }
  return { exchange: exchanges.events, key: metaOf(message).key }
}
