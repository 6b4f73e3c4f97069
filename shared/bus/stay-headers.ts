import type { Headers, Received } from './broker.ts'
import { againProperties } from './envelope.ts'

/** What tells why a message lies where it lies, and how often it has waited there. It holds for one stay and would mislead in the next one. */
const OF_A_STAY: ReadonlySet<string> = new Set([
  'x-ebs-queue',
  'x-ebs-reason',
  'x-ebs-error',
  'x-ebs-attempts',
  'x-ebs-last-failed-at',
  'x-ebs-rule',
  'x-ebs-parked-at',
  'x-ebs-held',
  'x-ebs-origin',
  'x-ebs-waits',
])
const OF_A_STAY_OR_REPLAY = new Set([...OF_A_STAY, 'x-ebs-replay'])

/** The properties of a message that is tried again later: an earlier stay is over, but it is still what a replay brought back. */
export const retryProperties = (message: Received, type: string | undefined, headers: Headers) =>
  againProperties(message, type, headers, OF_A_STAY)

/** The properties of a message that is set aside, or dead: whoever brought it back is done with it. */
export const heldProperties = (message: Received, type: string | undefined, headers: Headers) =>
  againProperties(message, type, headers, OF_A_STAY_OR_REPLAY)
