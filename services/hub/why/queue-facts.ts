import { splitCallId } from '../../../shared/flow/journey/call-names.ts'
import { activityQueueOf } from '../../../shared/topology.ts'
import type { View } from '../conversation-view.ts'
import type { Operations } from '../operations.ts'
import { HUB_QUEUE } from './carried-tale.ts'
import { type Facts, heldAbout, type QueueFact } from './facts.ts'
import { CALL_QUEUE } from './flow-tale.ts'
import { activityNow, journeyOf, queuesOfJourney } from './journey-view.ts'
import { OBJECT_QUEUE } from './object-tale.ts'
import { TASK_QUEUE } from './task-tale.ts'

/** Each is one question to the broker. */
const QUEUES_MAX = 20
/** A broker that is there counts a queue at once. */
const INSPECT_MS_MAX = 1_000

type Known = Pick<Facts, 'id' | 'conversations' | 'parents' | 'statistics' | 'datagen' | 'held'>

/** Queues that something about this id may be in, those first that are looked at first. */
export function queuesFor({ id, conversations, parents, statistics, datagen, held }: Known): readonly string[] {
  const all = [...conversations, ...parents]
  const isOpen = (kind: string) => all.some((one) => one.kind === kind && one.view.endedAt === null)
  const isOfTasks =
    statistics?.task !== undefined ||
    statistics?.object !== undefined ||
    all.some(({ kind }) => kind === 'group') ||
    heldAbout({ held }, id).some(({ type }) => type?.startsWith('TASK_'))
  const names = [
    ...(isOfTasks || datagen?.object ? [TASK_QUEUE, OBJECT_QUEUE] : []),
    ...(isOfTasks || all.length === 0 ? [HUB_QUEUE] : []),
    ...(isOpen('flow') ? [CALL_QUEUE] : []),
    ...parents.flatMap(({ kind, view }) => (kind === 'journey' ? queueOfStep(view, id) : [])),
    ...all.flatMap(({ kind, view }) => (kind === 'journey' ? queuesOfJourney(view) : [])),
  ]
  return [...new Set(names)]
}

/** Of the step that was asked for, whichever others there are. */
function queueOfStep(view: View, id: string): readonly string[] {
  const journey = journeyOf(view)
  const step = journey.activities[splitCallId(id)?.step ?? '']
  const activity = step && activityNow(journey, step)
  return activity === undefined ? [] : [activityQueueOf(activity)]
}

/** What the broker says of these queues; what it does not say in time is missing. */
export async function queuesOf(
  hub: Operations,
  names: readonly string[],
  missing: string[],
): Promise<ReadonlyMap<string, QueueFact>> {
  if (names.length === 0) return new Map()
  if (hub.broker.state !== 'up' && hub.broker.state !== 'blocked') {
    missing.push('the broker is away: how much is in the queues, and who consumes them, is not known')
    return new Map()
  }
  const found = await Promise.all(
    names.slice(0, QUEUES_MAX).map(async (name) => {
      const queue = await inspected(hub, name)
      return 'trouble' in queue ? [] : [[name, queue] as const]
    }),
  )
  if (found.some((one) => one.length === 0)) missing.push('the broker did not count all queues in time')
  if (names.length > QUEUES_MAX) missing.push(`of ${names.length} queues the first ${QUEUES_MAX} were looked at`)
  return new Map(found.flat())
}

async function inspected(
  { broker, clock }: Operations,
  name: string,
): Promise<QueueFact | { readonly trouble: unknown }> {
  let cancel = () => {}
  const late = new Promise<{ trouble: string }>((resolve) => {
    cancel = clock.after(INSPECT_MS_MAX, () => resolve({ trouble: 'late' }))
  })
  const looked = broker.inspect(name).then(
    (queue) => ({ isThere: queue !== undefined, messages: queue?.messages ?? 0, consumers: queue?.consumers ?? 0 }),
    // Its connection was lost meanwhile: the answer says that the count is missing.
    (trouble: unknown) => ({ trouble }),
  )
  return Promise.race([looked, late]).finally(cancel)
}
