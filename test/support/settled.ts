import { expect } from 'vitest'
import { deadQueueOf, queues, unroutedQueue } from '../../shared/topology.ts'
import type { System } from './system.ts'
import { waitUntil } from './wait-until.ts'

/** As the distributor is configured when nobody says otherwise. */
export const TASKS_PER_OBJECT = 3

export type Expected = {
  /** All of them completed. */
  readonly objects: number
  /** Messages in each `<queue>.dead` that is not empty, by the name of the queue. */
  readonly dead?: Readonly<Record<string, number>>
  /** Attempts at tasks failed and were tried again, so that there are more events than tasks. */
  readonly hasRetries?: boolean
  readonly withinMs?: number
}

/**
 * The promise of every story: objects x tasks = finished, nothing twice, nothing in progress, nothing waiting anywhere, the dead
 * where they are expected. Waits until it is so.
 */
export async function expectAllDone(system: System, { objects, dead = {}, ...how }: Expected): Promise<void> {
  const tasks = objects * TASKS_PER_OBJECT
  const totals = {
    objects_created: objects,
    objects_completed: objects,
    objects_failed: 0,
    tasks_created: tasks,
    tasks_started: tasks,
    tasks_finished: tasks,
    tasks_failed: 0,
    tasks_in_progress: 0,
    messages_dead: Object.values(dead).reduce((sum, count) => sum + count, 0),
  }
  await waitUntil(async () => expect(await system.statistics()).toMatchObject(totals), how.withinMs)
  await expectQueues(system, dead)
  // Once more: nothing came behind.
  expect(await system.statistics()).toMatchObject(totals)
  const once = {
    OBJECT_CREATED: objects,
    EventGroupCollectorCreate: objects,
    TASK_CREATED: tasks,
    TASK_FINISHED: tasks,
    OBJECT_COMPLETED: objects,
  }
  expect(await system.events()).toMatchObject(how.hasRetries ? once : { ...once, TASK_STARTED: tasks })
}

/** Waits until no work queue holds a message, and those who died are where they are expected and nowhere else. */
export async function expectQueues({ vhost }: System, dead: Readonly<Record<string, number>>): Promise<void> {
  const names = Object.keys(queues)
  // A queue with a single active consumer cannot be looked into; the totals say that `statistics` and `hub_consume` have been read
  // to the end, as far as objects go.
  const open = Object.entries(queues).flatMap(([name, row]) => ('singleActive' in row ? [] : [name]))
  const wanted = Object.fromEntries([
    [unroutedQueue, 0],
    ...open.map((name) => [name, 0] as const),
    ...names.map((name) => [deadQueueOf(name), dead[deadQueueOf(name)] ?? 0] as const),
  ])
  await waitUntil(async () => {
    const depths = Object.keys(wanted).map(async (name) => [name, await vhost.depth(name)] as const)
    expect(Object.fromEntries(await Promise.all(depths))).toEqual(wanted)
  })
}
