import type { Headers, Received } from './broker.ts'
import { againProperties } from './envelope.ts'

/** What tells a person why a message lies where it lies. It holds for one stay and would mislead in the next one. */
const OF_A_STAY = [
  'x-ebs-queue',
  'x-ebs-reason',
  'x-ebs-error',
  'x-ebs-attempts',
  'x-ebs-last-failed-at',
  'x-ebs-rule',
  'x-ebs-parked-at',
  'x-ebs-held',
] as const
const REPLAY = 'x-ebs-replay'

/** The properties of a message that is tried again later: an earlier stay is over, but it is still what a replay brought back. */
export const retryProperties = (message: Received, type: string | undefined, headers: Headers) =>
  againProperties(without(message, OF_A_STAY), type, headers)

/** The properties of a message that is set aside, or dead: whoever brought it back is done with it. */
export const heldProperties = (message: Received, type: string | undefined, headers: Headers) =>
  againProperties(without(message, [...OF_A_STAY, REPLAY]), type, headers)

function without(message: Received, names: readonly string[]): Received {
  const headers = Object.fromEntries(
    Object.entries(message.properties.headers).filter(([name]) => !names.includes(name)),
  )
  return { ...message, properties: { ...message.properties, headers } }
}
