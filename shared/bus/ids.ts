import { hash, randomBytes } from 'node:crypto'

/**
 * Message ids are UUIDs that sort by time: an inbox of time-ordered ids takes several times the rows per second of a random one.
 * Layouts: RFC 9562, version 7 (time and random) and version 8 (ours: the cause's first 48 bits, then a hash).
 */

const TIME_DIGITS = 12

/** A new id for something that nothing on the bus caused. */
export function newId(nowMs: number): string {
  return uuid(timeDigits(nowMs), '7', randomBytes(10).toString('hex'))
}

/** What makes an emitted event the same event when its handler runs again. */
export type Origin = {
  /** Message id of the cause. */
  readonly cause: string
  /** Queue whose handler emits; two handlers may answer one cause with the same type. */
  readonly queue: string
  readonly type: string
  /** Place among what the handler emitted, from 0; what is said about a failed attempt counts down from -1. */
  readonly position: number
  /** Only for events that belong to one attempt: its number, and for a message that was replayed what tells the replay from others. */
  readonly attempt?: number | string
}

/** The id of an emitted event: the same whenever the handler runs again, and in time order with its cause. */
export function deriveId({ cause, queue, type, position, attempt }: Origin): string {
  // The cause last: it may be a stranger's, with line breaks in it, and everything before it is ours.
  const digest = hash('sha256', `${queue}\n${type}\n${position}\n${attempt ?? ''}\n${cause}`)
  const prefix = UUID.test(cause)
    ? cause.replace('-', '').slice(0, TIME_DIGITS)
    : hash('sha256', cause).slice(0, TIME_DIGITS)
  return uuid(prefix, '8', digest)
}

/** What tells one firing of a timer from every other. `token` counts how often it was armed. */
export type Firing = {
  readonly kind: string
  readonly key: string
  readonly name: string
  readonly token: number
  readonly dueMs: number
}

/** The id of a firing timer: the same however often it is tried, and in time order by when it was due, as is what follows from it. */
export function timerId({ kind, key, name, token, dueMs }: Firing): string {
  const digest = hash('sha256', JSON.stringify([kind, key, name, token, dueMs]))
  return uuid(timeDigits(dueMs), '8', digest)
}

/**
 * The id of a message that came without one: the same key and body are the same event. Answers without an id to two attempts at one
 * call are two.
 */
export function contentId(key: string, body: Buffer, callAttempt?: number): string {
  const answered = callAttempt === undefined ? '' : `call attempt ${callAttempt}\n`
  const digest = hash('sha256', Buffer.concat([Buffer.from(`${answered}${key}\n`), body]))
  return uuid(digest.slice(0, TIME_DIGITS), '8', digest.slice(TIME_DIGITS))
}

const timeDigits = (ms: number) => ms.toString(16).padStart(TIME_DIGITS, '0')
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** 12 digits of time, the version, 3 digits, the variant (binary 10), 15 digits. */
function uuid(time: string, version: string, rest: string): string {
  const variant = ((Number.parseInt(rest.charAt(3), 16) & 0b0011) | 0b1000).toString(16)
  return `${time.slice(0, 8)}-${time.slice(8)}-${version}${rest.slice(0, 3)}-${variant}${rest.slice(4, 7)}-${rest.slice(7, 19)}`
}
