import { describe, expect, test } from 'vitest'
import { DURATION_MS_MAX } from '../histogram.ts'
import {
  completedMs,
  countersOfObject,
  countersOfTask,
  evolveObject,
  evolveTask,
  type ObjectBody,
  type ObjectRow,
  type TaskBody,
  type TaskRow,
} from '../tally.ts'
import { completed, failed, finished, objectCreated, objectFailed, START_MS, started, taskCreated } from './history.ts'

/** The task after these events, one millisecond apart. */
function evolvedTask(...events: TaskBody[]): TaskRow | undefined {
  let task: TaskRow | undefined
  for (const [i, body] of events.entries()) task = evolveTask(task, body, { atMs: START_MS + i, tenant: 'acme' })
  return task
}

/** The object after these events, one millisecond apart. */
function evolvedObject(...events: ObjectBody[]): ObjectRow | undefined {
  let object: ObjectRow | undefined
  for (const [i, body] of events.entries()) object = evolveObject(object, body, { atMs: START_MS + i })
  return object
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
    [
      'failed, replayed, running',
      [created, failed(id, true, 26), started(id, 1), failed(id, false, 1), started(id, 2)],
      { ...CREATED, ...STARTED, ...FAILED },
    ],
    [
      'failed, replayed, failed again',
      [created, failed(id, true, 26), started(id, 1), failed(id, true, 1)],
      { ...CREATED, ...STARTED, ...FAILED },
    ],
    [
      'failed, replayed twice, finished, first failure told again',
      [created, failed(id, true, 26), failed(id, true, 1), finished(id, 10, 1), failed(id, true, 26)],
      { ...CREATED, ...STARTED, ...FINISHED },
    ],
    ['failed, replayed, finished', [created, failed(id, true), finished(id)], { ...CREATED, ...STARTED, ...FINISHED }],
    [
      'finished, failure told later',
      [created, finished(id), failed(id, true)],
      { ...CREATED, ...STARTED, ...FINISHED },
    ],
  ])('%s', (_, events, counters) => {
    expect(countersOfTask(evolvedTask(...events))).toEqual({ ...none, ...counters })
  })

  test('says when, by whom, at which attempt and how long', () => {
    const task = evolvedTask(created, started(id, 1), failed(id, false, 1), started(id, 2), finished(id, 12.5, 2))

    expect(task).toMatchObject({
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

  test('failed when it failed first, and was done by whoever did the replay, whose attempts begin at 1 again', () => {
    const failedTwice = evolvedTask(created, failed(id, true, 3), started(id, 1), failed(id, true, 1))
    const done = evolvedTask(created, failed(id, true, 3), started(id, 1), finished(id, 7, 1))

    expect(failedTwice).toMatchObject({ failedAtMs: START_MS + 1, attempts: 3, processor: 'processor 3' })
    expect(done).toMatchObject({ failedAtMs: null, finishedAtMs: START_MS + 3, attempts: 3, processor: 'processor 1' })
  })

  test('keeps the processor that finished it when an older start is told later', () => {
    expect(evolvedTask(finished(id, 10, 2), started(id, 1), started(id, 3))?.processor).toBe('processor 2')
  })

  test('bounds a duration that is nonsense', () => {
    expect(evolvedTask(finished(id, 1e300))?.durationMs).toBeLessThan(1.1e11)
  })
})

describe('an object', () => {
  const here = objectCreated('o')
  const CREATED = { objects_created: 1 }
  const COMPLETED = { objects_completed: 1 }
  const FAILED = { objects_failed: 1 }

  test.each([
    ['nothing', [], {}],
    ['created', [here], CREATED],
    ['created twice', [here, here], CREATED],
    ['completed', [here, completed('o')], { ...CREATED, ...COMPLETED }],
    ['completed, not yet created', [completed('o')], COMPLETED],
    ['completed, then created', [completed('o'), here], { ...CREATED, ...COMPLETED }],
    ['completed twice', [here, completed('o'), completed('o')], { ...CREATED, ...COMPLETED }],
    ['failed', [here, objectFailed('o')], { ...CREATED, ...FAILED }],
    ['failed, not yet created', [objectFailed('o')], FAILED],
    ['failed, then created', [objectFailed('o'), here], { ...CREATED, ...FAILED }],
    ['failed twice', [here, objectFailed('o'), objectFailed('o')], { ...CREATED, ...FAILED }],
    ['failed, then told to be completed', [here, objectFailed('o'), completed('o')], { ...CREATED, ...COMPLETED }],
    ['completed, failure told later', [here, completed('o'), objectFailed('o')], { ...CREATED, ...COMPLETED }],
  ])('%s', (_, events, counters) => {
    const none = { objects_created: 0, objects_completed: 0, objects_failed: 0 }

    expect(countersOfObject(evolvedObject(...events))).toEqual({ ...none, ...counters })
  })

  test('says whose it is, when it was created and completed, and how long that took by the event', () => {
    expect(evolvedObject(here, completed('o', 40))).toMatchObject({
      id: 'o',
      tenant: 'acme',
      createdAtMs: START_MS,
      completedAtMs: START_MS + 1,
      failedAtMs: null,
      durationMs: 40,
    })
  })

  test('says when it failed first, and after how long', () => {
    const row = { tenant: 'acme', completedAtMs: null, failedAtMs: START_MS, durationMs: 60 }
    const late = evolveObject(undefined, objectFailed('o', 80), { atMs: START_MS + 100 })

    expect(evolvedObject(objectFailed('o', 60), objectFailed('o', 80))).toMatchObject(row)
    expect(evolveObject(late, objectFailed('o', 60), { atMs: START_MS })).toMatchObject(row)
  })

  test('that is told to be completed after a failure is as if it had never failed', () => {
    const [both, plain] = [
      evolvedObject(here, objectFailed('o', 60), completed('o', 90)),
      evolvedObject(here, here, completed('o', 90)),
    ]

    expect(both).toEqual(plain)
  })

  test('is timed only when it was completed', () => {
    expect(completedMs(undefined)).toBeNull()
    expect(completedMs(evolvedObject(here))).toBeNull()
    expect(completedMs(evolvedObject(here, objectFailed('o', 60)))).toBeNull()
    expect(completedMs(evolvedObject(here, objectFailed('o', 60), completed('o', 90)))).toBe(90)
  })

  test('has the tenant that its creation names, until then the one that its end names', () => {
    const ended = evolvedObject({ ...completed('o'), tenant: 'elsewhere' })

    expect(ended?.tenant).toBe('elsewhere')
    expect(evolveObject(ended, here, { atMs: START_MS }).tenant).toBe('acme')
  })

  test('bounds a duration that is nonsense', () => {
    expect(evolvedObject(completed('o', 1e300))?.durationMs).toBe(DURATION_MS_MAX)
  })
})
