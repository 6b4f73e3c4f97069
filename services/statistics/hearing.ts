import { topicMatches } from '../../shared/bus/topic-match.ts'
import { isEventType, rowOf } from '../../shared/events.ts'
import { type QueueName, queues } from '../../shared/topology.ts'

const OBSERVER: QueueName = 'statistics'

/** Patterns that somebody besides the observer has bound. */
const patterns = Object.entries(queues).flatMap(([name, { hears }]) => (name === OBSERVER ? [] : [...hears]))

/** Keys and types repeat; strangers may invent any number of them, so the memory is bounded. */
const REMEMBERED_MAX = 1_000
const remembered = new Map<string, boolean>()

/**
 * Whether an event reached nobody but the observer, though it was meant for someone. Events that are only told to observers are not
 * missed, nor are those that travel straight to a queue and have no business here, nor requests for activities, whose queues are
 * declared before they are asked for. Other queues that others have bound by hand are not
 * known here: what they hear is listed too.
 */
export function isUnheard(key: string, type: string): boolean {
  const name = `${type} ${key}`
  const known = remembered.get(name)
  if (known !== undefined) return known
  const isMissed = !patterns.some((pattern) => topicMatches(pattern, key)) && !isMeantForNobody(key, type)
  if (remembered.size < REMEMBERED_MAX) remembered.set(name, isMissed)
  return isMissed
}

function isMeantForNobody(key: string, type: string): boolean {
  if (!isEventType(type)) return false
  const { key: own, lastWord, observed = false, direct = false } = rowOf(type)
  // The last word may have dots in it, as an activity `charge.v2` has.
  const isOwn = lastWord === undefined ? key === own : key.startsWith(own.slice(0, -1))
  return isOwn && (observed || direct)
}
