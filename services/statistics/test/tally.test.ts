import { describe, expect, test } from 'vitest'
import {
  countersOfObject,
  countersOfTask,
  evolveObject,
  evolveObjectByTask,
  evolveTask,
  type ObjectRow,
  type TaskBody,
  type TaskRow,
} from '../tally.ts'
import { failed, finished, objectCreated, START_MS, started, taskCreated } from './history.ts'

/** The task and its object after these events, one millisecond apart. */
function evolved(...events: TaskBody[]) {
  let task: TaskRow | undefined
  let object: ObjectRow | undefined
  for (const [i, body] of events.entries()) {
    const before = task
    task = evolveTask(before, body, { atMs: START_MS + i, tenant: 'acme' })
    object = evolveObjectByTask(object, { before, after: task, of: body.type === 'TASK_CREATED' ? body.task.of : null })
  }
  return { task, object }
}

const created = taskCreated('o', 1, 1)
const id = created.task.id
const none = { tasks_created: 0, tasks_started: 0, tasks_finished: 0, tasks_failed: 0, tasks_in_progress: 0 }
const [CREATED, STARTED, FINISHED, FAILED, RUNNING] = [
  { tasks_created: 1 },
  { tasks_started: 1 },
  { tasks_finished: 1 },
  { tasks_failed: 1 },
  { tasks_in_progress: 1 },
]

describe('a task', () => {
  test.each([
    ['nothing', [], {}],
    ['created', [created], CREATED],
    ['created twice', [created, created], CREATED],
    ['started', [created, started(id)], { ...CREATED, ...STARTED, ...RUNNING }],
    ['started, not yet created', [started(id)], { ...STARTED, ...RUNNING }],
    ['finished', [created, started(id), finished(id)], { ...CREATED, ...STARTED, ...FINISHED }],
    ['finished, then started', [created, finished(id), started(id)], { ...CREATED, ...STARTED, ...FINISHED }],
    ['finished first of all', [finished(id), started(id), created], { ...CREATED, ...STARTED, ...FINISHED }],
    ['finished twice', [created, finished(id), finished(id)], { ...CREATED, ...STARTED, ...FINISHED }],
    ['failed once, not for good', [created, failed(id, false)], { ...CREATED, ...STARTED, ...RUNNING }],
    ['failed for good', [created, started(id), failed(id, true)], { ...CREATED, ...STARTED, ...FAILED }],
    ['failed for good twice', [created, failed(id, true), failed(id, true)], { ...CREATED, ...STARTED, ...FAILED }],
    ['failed, replayed, finished', [created, failed(id, true), finished(id)], { ...CREATED, ...STARTED, ...FINISHED }],
    [
      'finished, failure told later',
      [created, finished(id), failed(id, true)],
      { ...CREATED, ...STARTED, ...FINISHED },
    ],
  ])('%s', (_, events, counters) => {
    expect(countersOfTask(evolved(...events).task)).toEqual({ ...none, ...counters })
  })

  test('says when, by whom, at which attempt and how long', () => {
    const { task } = evolved(created, started(id, 1), failed(id, false, 1), started(id, 2), finished(id, 12.5, 2))

    expect(task).toEqual({
      id: 'o-1',
      objectId: 'o',
      tenant: 'acme',
      createdAtMs: START_MS,
      startedAtMs: START_MS + 1,
      finishedAtMs: START_MS + 4,
      failedAtMs: null,
      processor: 'processor 2',
      attempts: 2,
      durationMs: 12.5,
    })
  })

  test('keeps the processor that finished it when an older start is told later', () => {
    expect(evolved(finished(id, 10, 2), started(id, 1), started(id, 3)).task?.processor).toBe('processor 2')
  })

  test('bounds a duration that is nonsense', () => {
    expect(evolved(finished(id, 1e300)).task?.durationMs).toBeLessThan(1.1e11)
  })
})

describe('an object', () => {
  test('is created, completed with the last of its tasks, and timed from its creation', () => {
    const task = (index: number) =>
      evolveTask(undefined, finished(`o-${index}`), { atMs: START_MS + index * 100, tenant: null })
    let object = evolveObject(undefined, objectCreated('o'))
    expect(countersOfObject(object)).toEqual({ objects_created: 1, objects_completed: 0, objects_failed: 0 })

    for (const index of [3, 1]) object = evolveObjectByTask(object, { before: undefined, after: task(index), of: 3 })
    expect(object.completedAtMs).toBeNull()
    object = evolveObjectByTask(object, { before: undefined, after: task(2), of: 3 })

    expect(object).toMatchObject({ completedAtMs: START_MS + 300, durationMs: 300 })
    expect(countersOfObject(object)).toEqual({ objects_created: 1, objects_completed: 1, objects_failed: 0 })
  })

  test.each([
    ['no task is told of', [started(id)], 0, 0],
    ['its task failed for good', [created, failed(id, true)], 0, 1],
    ['its task failed and was finished by a replay', [created, failed(id, true), finished(id)], 1, 0],
    ['its task was finished before it was created', [finished(id), created], 1, 0],
    ['the failure of a finished task is told later', [created, finished(id), failed(id, true)], 1, 0],
    ['its task is finished twice', [created, finished(id), finished(id)], 1, 0],
  ])('when %s', (_, events, objects_completed, objects_failed) => {
    expect(countersOfObject(evolved(...events).object)).toEqual({
      objects_created: 0,
      objects_completed,
      objects_failed,
    })
  })

  test('that is told of last is timed all the same', () => {
    const { object } = evolved(created, finished(id))

    expect(object?.durationMs).toBeNull()
    expect(evolveObject(object, objectCreated('o')).durationMs).toBe(1)
  })

  test('is never timed below zero when clocks disagree', () => {
    const early = evolveTask(undefined, finished(id), { atMs: START_MS - 50, tenant: null })

    const object = evolveObjectByTask(evolveObject(undefined, objectCreated('o')), {
      before: undefined,
      after: early,
      of: 1,
    })

    expect(object.durationMs).toBe(0)
  })
})
