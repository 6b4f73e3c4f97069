import { hash } from 'node:crypto'
import type { Message } from '../../../shared/bus/broker.ts'
import type { Bus } from '../../../shared/bus/bus.ts'
import { parseEvent, toMessage } from '../../../shared/bus/envelope.ts'
import { deriveId } from '../../../shared/bus/ids.ts'
import { type Body, subjectOf } from '../../../shared/events.ts'
import { DISCARDED_MAX } from '../../../shared/operation-events.ts'
import type { Errand, Job } from './mover.ts'
import type { Selected } from './selection.ts'

type Dropped = Body<'MESSAGES_DISCARDED'>['messages'][number]

const TEXT_CHARS_MAX = 255
/** Half of what a body may have: names of strangers' messages may be long, and take six bytes a character as JSON. */
const BYTES_MAX = 524_288

/**
 * What is to be published of messages that are about to be dropped or archived; nothing of a replay. An id follows from the job and
 * the messages named: an errand that is run again says the same under the same id, and another set of messages under another.
 */
export function discardNews(
  bus: Pick<Bus, 'service' | 'clock'>,
  { errand, job, selected }: { readonly errand: Errand; readonly job: Job; readonly selected: readonly Selected[] },
): readonly Message[] {
  const { act, from, to: queue = from } = errand
  const rule = errand.rule ?? selected[0]?.row.rule ?? undefined
  if (act === 'replay') return []
  const { actor, reason } = job
  const common = {
    type: 'MESSAGES_DISCARDED',
    queue,
    job: errand.job,
    act,
    ...(rule && { rule }),
    actor,
    reason,
  } as const
  const atMs = bus.clock.now()
  return slicesOf(selected.map(droppedOf)).map((messages) => {
    const id = deriveId({
      cause: messages[0]?.held ?? '',
      queue: from,
      type: common.type,
      position: 0,
      attempt: `${errand.job} ${hash('sha256', JSON.stringify(messages.map(({ held }) => held)))}`,
    })
    return toMessage({ ...common, messages }, { id, service: bus.service, correlationId: errand.job, atMs })
  })
}

/** Of what nobody could read, as of its death, no subject is told: it may only look like what it names. */
function droppedOf({ id, browsed: { message }, row }: Selected): Dropped {
  const parsed = row.reason === 'poison' ? undefined : parseEvent(message)
  const subject = parsed && 'data' in parsed ? subjectOf(parsed.data) : undefined
  return {
    messageId: row.messageId.slice(0, TEXT_CHARS_MAX),
    ...(row.type !== null && { type: row.type.slice(0, TEXT_CHARS_MAX) }),
    held: id.slice(0, TEXT_CHARS_MAX),
    ...(subject && { subject }),
  }
}

/** In order, each short enough for an event. */
function slicesOf(messages: Dropped[]): Dropped[][] {
  if (messages.length === 0) return []
  const isShort = messages.length <= DISCARDED_MAX && Buffer.byteLength(JSON.stringify(messages)) <= BYTES_MAX
  if (isShort || messages.length === 1) return [messages]
  const middle = Math.min(DISCARDED_MAX, Math.ceil(messages.length / 2))
  return [...slicesOf(messages.slice(0, middle)), ...slicesOf(messages.slice(middle))]
}
