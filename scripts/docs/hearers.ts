import { topicMatches } from '../../shared/bus/topic-match.ts'
import { type EventType, rowOf } from '../../shared/events.ts'
import { activityQueueOf, queues } from '../../shared/topology.ts'

/** A queue that hears the exchange; `*` in its name stands for the name of an activity. */
export type Hearing = { readonly queue: string; readonly hears: readonly string[] }

/** Declared when a definition names the activity: its queue hears what it is called. */
const ofActivities: Hearing = { queue: activityQueueOf('*'), hears: [activityQueueOf('*')] }

export const hearing: readonly Hearing[] = [
  ...Object.entries(queues).map(([queue, { hears }]) => ({ queue, hears })),
  ofActivities,
]

/** Queues that get an event over the exchange; none for one that travels straight to a queue. */
export function hearersOf(type: EventType): readonly string[] {
  const { key, direct } = rowOf(type)
  if (direct) return []
  return hearing.filter(({ hears }) => hears.some((pattern) => topicMatches(pattern, key))).map(({ queue }) => queue)
}
