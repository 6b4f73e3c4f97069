import type { Received } from '../../../shared/bus/broker.ts'
import { type Event, metaOf, parseEvent } from '../../../shared/bus/envelope.ts'
import { deriveId } from '../../../shared/bus/ids.ts'
import { subjectOf } from '../../../shared/events.ts'
import { idOfUse } from '../../../shared/flow/sideline-state.ts'
import { fingerprintOf } from '../../../shared/store/fingerprint.ts'
import type { Held } from '../../../shared/store/held-messages.ts'
import { deadQueueOf, levels, parkingQueueOf, unroutedQueue } from '../../../shared/topology.ts'

/** The two events that say that a message is held from now on. */
export type HeldNews = Event<'MESSAGE_DEAD'> | Event<'MESSAGE_PARKED'>

/** The row for what a consumer has said. Its id is the event's, which the message carries as `x-ebs-held`. */
export function heldByNews({ type, data, meta }: HeldNews, nowMs: number): Held {
  const { queue, messageId, reason, rule } = data
  const place = type === 'MESSAGE_PARKED' && rule ? parkingQueueOf(idOfUse(rule), queue) : deadQueueOf(queue)
  const death = type === 'MESSAGE_DEAD' ? data : undefined
  const messageType = (type === 'MESSAGE_DEAD' ? data.deadType : data.parkedType) ?? null
  return heldRow({
    id: meta.id,
    place,
    queue,
    messageId,
    type: messageType,
    key: (type === 'MESSAGE_DEAD' ? data.deadKey : data.parkedKey) ?? null,
    tenant: meta.tenant ?? null,
    correlationId: meta.correlationId,
    reason,
    error: death?.error ?? null,
    rule: rule ?? null,
    attempts: death?.attempts ?? null,
    firstFailedAtMs: timeOf(death?.firstFailedAt),
    heldAtMs: meta.atMs ?? nowMs,
    changedAtMs: nowMs,
    subject: data.subject?.id,
  })
}

/** The id under which a message in this queue is known: what its consumer has given it, or one that is the same at each look. */
export function heldIdOf(place: string, message: Received): string {
  const given = textOf(message.properties.headers['x-ebs-held'])
  if (given !== undefined) return given
  const { id, key } = metaOf(message)
  // Who was brought back and comes here again stays another time.
  const replay = textOf(message.properties.headers['x-ebs-replay'])
  const attempt = [originOf(message).exchange, key, ...(replay === undefined ? [] : [replay])].join(' ')
  return deriveId({ cause: id, queue: place, type: 'held', position: 0, attempt })
}

/** The row for a message that was found in a queue and that nobody has told of: its headers say what happened. */
export function heldByMessage(place: string, message: Received, nowMs: number): Held {
  const { headers, type } = message.properties
  const meta = metaOf(message)
  const parsed = parseEvent(message)
  const tenant = 'data' in parsed ? parsed.meta.tenant : meta.tenant
  const isUnrouted = place === unroutedQueue
  return heldRow({
    id: heldIdOf(place, message),
    place,
    queue: isUnrouted ? null : (textOf(headers['x-ebs-queue']) ?? place.replace(/\.dead$/, '')),
    messageId: meta.id,
    type: type ?? ('type' in parsed ? (parsed.type ?? null) : parsed.stranger),
    key: meta.key,
    tenant: tenant ?? null,
    correlationId: meta.correlationId,
    reason: isUnrouted ? 'unrouted' : (textOf(headers['x-ebs-reason']) ?? 'unknown'),
    error: textOf(headers['x-ebs-error']) ?? null,
    rule: textOf(headers['x-ebs-rule']) ?? null,
    attempts: numberOf(headers['x-ebs-attempts']),
    firstFailedAtMs: timeOf(headers['x-ebs-first-failed-at']),
    heldAtMs: timeOf(headers['x-ebs-parked-at']) ?? timeOf(headers['x-ebs-last-failed-at']) ?? meta.atMs ?? nowMs,
    changedAtMs: nowMs,
    subject: 'data' in parsed ? subjectOf(parsed.data)?.id : undefined,
  })
}

/** It lies in its place, as far as the catalogue knows. */
export const isInPlace = (state: Held['state']): boolean => state === 'held' || state === 'chosen' || state === 'gone'

/** Where an unrouted message wanted to go: into a queue, off the end of the ladder; or nowhere in particular. */
export function findLadderQueue(message: Received): string | undefined {
  const { exchange, key } = originOf(message)
  const words = key.split('.')
  const isOfLadder =
    exchange.startsWith('ebs.delay.') && words.slice(0, levels.length).every((word) => /^\d$/.test(word))
  return isOfLadder && words.length > levels.length ? words.slice(levels.length).join('.') : undefined
}

/** Where a message came from to the place where it lies; also when it was moved while that queue was made anew (`bus/amqp-move.ts`). */
function originOf({ exchange, key, properties }: Received): Pick<Received, 'exchange' | 'key'> {
  const [movedFrom, movedKey] = textOf(properties.headers['x-ebs-origin'])?.split(' ', 2) ?? []
  return movedFrom !== undefined && movedKey !== undefined ? { exchange: movedFrom, key: movedKey } : { exchange, key }
}

type Described = Omit<Held, 'state' | 'job' | 'fingerprint'>

const heldRow = (described: Described): Held => ({
  ...described,
  // What was set aside has no error that it could share with others.
  fingerprint: described.rule === null ? fingerprintOf(described) : null,
  state: 'held',
  job: null,
})

const textOf = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined)
const numberOf = (value: unknown) => (typeof value === 'number' ? value : null)

function timeOf(value: unknown): number | null {
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN
  return Number.isNaN(ms) ? null : ms
}
