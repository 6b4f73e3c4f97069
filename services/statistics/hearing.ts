import { topicMatches } from '../../shared/bus/topic-match.ts'
import { isEventType, rowOf } from '../../shared/events.ts'
import { type QueueName, queues } from '../../shared/topology.ts'

const OBSERVER: QueueName = 'statistics'

/** Patterns that somebody besides the observer has bound. */
const patterns = Object.entries(queues).flatMap(([name, { hears }]) => (name === OBSERVER ? [] : [...hears]))

/**
 * Whether an event reached nobody but the observer, though it was meant for someone. Events that are only told to observers
 * are not missed. Queues that others have bound by hand are not known here: what they hear is listed too.
 */
export const isUnheard = (key: string, type: string): boolean =>
  !patterns.some((pattern) => topicMatches(pattern, key)) &&
  !(isEventType(type) && rowOf(type).observed && rowOf(type).key === key)
