import { z } from 'zod'
import type { Activity } from '../../shared/flow/activity.ts'
import { activityPlan, type Plan, type QueueType } from '../../shared/topology.ts'
import type { Systems } from './activities/systems.ts'
import { type ActivityName, activityNames, isActivityName, table } from './activities/table.ts'
import { mockActivity, type Script } from './mock-activities.ts'

/** The value of EBS_ACTIVITIES: `all`, `none`, or the names of those that this process does. */
export const wantedActivities = z.string().transform((text, context): readonly ActivityName[] => {
  if (text === 'all') return activityNames
  if (text === 'none') return []
  const names = text.split(',').map((name) => name.trim())
  const wanted = names.filter(isActivityName)
  if (wanted.length === names.length) return [...new Set(wanted)]
  const strange = names.filter((name) => !isActivityName(name)).map((name) => `'${name}'`)
  const message = `all, none, or names out of ${activityNames.join(',')}; not ${strange.join(', ')}`
  context.addIssue({ code: 'custom', message })
  return z.NEVER
})

/** What a process serves: the activities that it is to do, and all that are mocked. */
export const servedNames = (wanted: readonly ActivityName[], mocks: Script): readonly string[] => [
  ...new Set([...wanted, ...Object.keys(mocks)]),
]

/** The same as activities. A mock comes before the function. */
export function servedActivities(
  wanted: readonly ActivityName[],
  mocks: Script,
  systems: Systems,
): readonly Activity[] {
  const isMocked = (name: string) => Object.hasOwn(mocks, name)
  return [
    ...wanted.filter((name) => !isMocked(name)).map((name) => table[name](systems)),
    ...Object.entries(mocks).map(([name, outcomes]) => mockActivity(name, outcomes, systems.clock)),
  ]
}

/** What the broker needs for them, at once: a declaration for each would take as long again. */
export function activitiesPlan(served: readonly Activity[], queueType: QueueType): Plan {
  const plans = served.map(({ name }) => activityPlan(name, queueType))
  return {
    exchanges: [],
    queues: plans.flatMap(({ queues }) => queues),
    bindings: plans.flatMap(({ bindings }) => bindings),
  }
}
