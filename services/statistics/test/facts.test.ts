import { describe, expect, test } from 'vitest'
import { factsOf } from '../facts.ts'
import { pruneFailures } from '../failures.ts'
import type { RecordedEvent } from '../store.ts'
import { recordedAt, START_MS } from './facts-history.ts'
import { count, open } from './scratch.ts'

const at = (ms: number) => new Date(START_MS + ms).toISOString()
const object = { id: 'o', tenant: 'acme', name: 'n', content: '', createdAt: at(0) }
const created = (index: number): RecordedEvent =>
  recordedAt(index, {
    type: 'TASK_CREATED',
    object,
    task: { id: `o.${index}`, objectId: 'o', index, of: 3, tenant: 'acme' },
  })
const run = (index: number, attempt = 1) => ({ taskId: `o.${index}`, objectId: 'o', processor: 'p1', attempt })
const failed = (ms: number, attempt: number, retryMs?: number): RecordedEvent =>
  recordedAt(ms, {
    ...{ type: 'TASK_FAILED', ...run(1, attempt), durationMs: 1, error: `no ${attempt}`, final: retryMs === undefined },
    ...(retryMs !== undefined && { retryAt: at(retryMs) }),
  })

describe('what statistics tells of an id', () => {
  test('of one that it has not heard of: nothing', async () => {
    const { store } = await open()

    expect(factsOf(store.read, 'o')).toEqual({})
  })

  test('of a task that waits: why it failed, and when it is tried again', async () => {
    const { store } = await open()
    await count(store, [created(1), recordedAt(10, { type: 'TASK_STARTED', ...run(1) }), failed(20, 1, 1_020)])

    expect(factsOf(store.read, 'o.1')).toEqual({
      task: {
        ...{ id: 'o.1', objectId: 'o', tenant: 'acme', attempts: 1, processor: 'p1' },
        ...{
          createdAt: at(1),
          startedAt: at(10),
          error: 'no 1',
          failedAttempt: 1,
          errorAt: at(20),
          retryAt: at(1_020),
        },
        mark: { state: 'waiting', at: at(20) },
      },
    })
  })

  test('of several failures the newest, whatever order they come in', async () => {
    const { store } = await open()
    await count(store, [failed(50, 2, 2_000), failed(20, 1, 1_000)])
    await count(store, [failed(30, 1, 1_000)])

    expect(factsOf(store.read, 'o.1')).toMatchObject({ task: { error: 'no 2', failedAttempt: 2, retryAt: at(2_000) } })
  })

  test('of a final failure there is no next attempt', async () => {
    const { store } = await open()
    await count(store, [failed(20, 1, 1_000)])
    await count(store, [failed(1_000, 2)])

    const { task } = factsOf(store.read, 'o.1')
    expect(task).toMatchObject({ error: 'no 2', failedAt: at(1_000) })
    expect(task).not.toHaveProperty('retryAt')
  })

  test('of an object: how many of its tasks are done, and those that are not; none of another object', async () => {
    const { store } = await open()
    await count(store, [
      recordedAt(0, { type: 'OBJECT_CREATED', object }),
      ...[1, 2, 3].map(created),
      recordedAt(5, { type: 'TASK_FINISHED', ...run(2), durationMs: 1 }),
      recordedAt(6, { type: 'TASK_STARTED', ...run(1), taskId: 'o2.1', objectId: 'o2' }),
    ])

    expect(factsOf(store.read, 'o')).toMatchObject({
      object: { id: 'o', createdAt: at(0) },
      tasks: { total: 3, finished: 1, unfinished: [{ id: 'o.1' }, { id: 'o.3' }] },
    })
  })

  test('of the tasks of an object the first by their numbers, of many', async () => {
    const { store } = await open()
    const numbers = Array.from({ length: 30 }, (_, n) => n + 1)
    await count(store, [recordedAt(0, { type: 'OBJECT_CREATED', object }), ...numbers.map(created)])

    const { tasks } = factsOf(store.read, 'o')

    expect(tasks).toMatchObject({ unfinished: numbers.slice(0, 20).map((n) => ({ id: `o.${n}` })) })
  })

  test('of a group: whether it was accepted, and is over', async () => {
    const { store } = await open()
    await count(store, [recordedAt(0, { type: 'EventGroupCollectorCreate', id: 'g', expected: [] })])

    expect(factsOf(store.read, 'g')).toEqual({
      entries: [{ kind: 'group', acceptedAt: at(0), mark: { state: 'inFlight' } }],
    })
  })

  test('failures from long ago are forgotten, slice by slice', async () => {
    const { store } = await open()
    const many = Array.from({ length: 2_500 }, (_, n) => ({ ...failed(n, 1), id: n }))
    await count(
      store,
      many.map(({ id, ...event }) => ({ ...event, body: { ...bodyOf(event), taskId: `t${id}` } })),
    )

    await pruneFailures(store, START_MS + 2_499)

    expect(factsOf(store.read, 't2498')).not.toHaveProperty('task.error')
    expect(factsOf(store.read, 't2499')).toMatchObject({ task: { error: 'no 1' } })
  })
})

function bodyOf({ body }: RecordedEvent) {
  if (body?.type !== 'TASK_FAILED') throw new Error('a failure was expected')
  return body
}
