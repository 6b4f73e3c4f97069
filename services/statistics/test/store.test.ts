import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { bucketOf, quantileOf } from '../histogram.ts'
import {
  openStatistics,
  type RecordedEvent,
  readEventsByType,
  readStatistics,
  readThroughput,
  readUnheard,
} from '../store.ts'
import { EVENT_KINDS_MAX } from '../sums.ts'
import {
  completed,
  dead,
  failed,
  finished,
  flow,
  objectCreated,
  objectFailed,
  parked,
  replayed,
  START_MS,
  started,
  taskCreated,
  told,
} from './history.ts'
import { count, open, rowsOf } from './scratch.ts'

describe('the view `statistics`', () => {
  test('has exactly the metrics of the contract, zero before the first event', async () => {
    const { store } = await open()

    const { updated_at, ...metrics } = readStatistics(store.read)

    expect(Object.keys(metrics)).toEqual([
      ...['objects_created', 'objects_completed', 'objects_failed'],
      ...['tasks_created', 'tasks_started', 'tasks_finished', 'tasks_failed', 'tasks_in_progress'],
      ...['messages_dead', 'messages_parked'],
      ...['object_ms_avg', 'object_ms_p50', 'object_ms_p95', 'object_ms_max'],
      ...['task_ms_avg', 'task_ms_p50', 'task_ms_p95', 'task_ms_max'],
    ])
    expect(new Set(Object.values(metrics))).toEqual(new Set([0]))
    expect(updated_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  })

  test('counts objects, tasks, and messages that died or were set aside, and times them', async () => {
    const { store } = await open()

    await count(
      store,
      [
        ...flow('a', 3),
        told(objectCreated('b')),
        told(taskCreated('b', 1, 2)),
        told(taskCreated('b', 2, 2)),
        told(started('b-1')),
        told(failed('b-1', false)),
        told(started('b-2')),
        told(failed('b-2', true)),
        told(objectFailed('b', 1_000)),
        told(dead('m1')),
        // Set aside, brought back, set aside by another rule, and handled at last.
        ...[parked('m2'), parked('m2'), replayed('m2')].map((body) => told(body)),
      ],
      START_MS + 123,
    )

    expect(readStatistics(store.read)).toEqual({
      objects_created: 2,
      objects_completed: 1,
      objects_failed: 1,
      tasks_created: 5,
      tasks_started: 5,
      tasks_finished: 3,
      tasks_failed: 1,
      tasks_in_progress: 1,
      messages_dead: 1,
      messages_parked: 2,
      object_ms_avg: 32,
      object_ms_p50: 32,
      object_ms_p95: 32,
      object_ms_max: 32,
      task_ms_avg: 21,
      task_ms_p50: 21,
      task_ms_p95: 22,
      task_ms_max: 22,
      updated_at: '2024-01-01T00:00:00.123Z',
    })
  })

  test('takes percentiles as the histogram has them', async () => {
    const { store } = await open()
    const all = Array.from({ length: 500 }, (_, i) => (i * 7919) % 3_001)
    await count(
      store,
      all.map((ms, i) => told(finished(`o-${i}`, ms))),
    )
    const counts = new Map<number, number>()
    for (const ms of all) counts.set(bucketOf(ms), (counts.get(bucketOf(ms)) ?? 0) + 1)

    const { task_ms_p50, task_ms_p95, task_ms_max } = readStatistics(store.read)

    expect(task_ms_p50).toBe(quantileOf(counts, 0.5))
    expect(task_ms_p95).toBe(quantileOf(counts, 0.95))
    expect(task_ms_max).toBe(Math.max(...all))
  })

  test('D3: comes out the same for any order, any copies and any batches of the same history', async () => {
    const history = (objects: number, tasks: number) => [
      ...Array.from({ length: objects }, (_, i) => flow(`good${i}`, tasks)).flat(),
      // One object fails; of another two ends are told, and its task is brought back by a replay.
      ...['bad', 'back'].flatMap((id) => [
        told(objectCreated(id)),
        told(taskCreated(id, 1, 1)),
        told(started(`${id}-1`)),
        told(failed(`${id}-1`, false)),
        told(failed(`${id}-1`, true, 2)),
        told(objectFailed(id, 20), 20),
      ]),
      told(finished('back-1', 7, 3), 50),
      told(completed('back', 51), 51),
    ]
    const total = async (batches: readonly RecordedEvent[][]) => {
      const { store } = await open()
      for (const batch of batches) {
        await count(store, batch)
        expect(readStatistics(store.read).tasks_in_progress).toBeGreaterThanOrEqual(0)
      }
      return readStatistics(store.read)
    }
    const scenario = fc
      .record({ objects: fc.integer({ min: 1, max: 3 }), tasks: fc.integer({ min: 1, max: 4 }) })
      .chain(({ objects, tasks }) => {
        const events = history(objects, tasks)
        const copies = fc.array(fc.constantFrom(...events), { maxLength: 20 })
        const shuffled = copies.chain((more) =>
          fc.shuffledSubarray([...events, ...more], { minLength: events.length + more.length }),
        )
        return fc.record({ events: fc.constant(events), shuffled, size: fc.integer({ min: 1, max: 30 }) })
      })

    await fc.assert(
      fc.asyncProperty(scenario, async ({ events, shuffled, size }) => {
        expect(await total(slices(shuffled, size))).toEqual(await total([events]))
      }),
      { numRuns: 25 },
    )
  })

  test('is read through another connection while it grows', async () => {
    const { store, path } = await open()
    await count(store, flow('a', 3))

    const again = await openStatistics(path)
    onTestFinished(() => again.close())

    expect(readStatistics(again.read).tasks_finished).toBe(3)
    await count(store, flow('b', 3))
    expect(readStatistics(again.read).tasks_finished).toBe(6)
  })
})

describe('the other views', () => {
  test('show objects and tasks with times as text and durations in ms', async () => {
    const { store } = await open()
    await count(store, flow('a', 1))
    await count(store, [told(objectFailed('b', 60), 60)])

    expect(rowsOf(store, 'select * from objects')).toEqual([
      {
        id: 'a',
        tenant: 'acme',
        created_at: '2024-01-01T00:00:00.000Z',
        completed_at: '2024-01-01T00:00:00.030Z',
        failed_at: null,
        duration_ms: 32,
      },
      {
        id: 'b',
        tenant: 'acme',
        created_at: null,
        completed_at: null,
        failed_at: '2024-01-01T00:00:00.060Z',
        duration_ms: 60,
      },
    ])
    expect(rowsOf(store, 'select * from tasks')).toEqual([
      {
        id: 'a-1',
        object_id: 'a',
        tenant: 'acme',
        created_at: '2024-01-01T00:00:00.005Z',
        started_at: '2024-01-01T00:00:00.010Z',
        finished_at: '2024-01-01T00:00:00.030Z',
        failed_at: null,
        processor: 'processor 1',
        attempts: 1,
        duration_ms: 20,
      },
    ])
  })

  test('D5: count events of types that nobody knows, and list what nobody heard', async () => {
    const { store } = await open()
    const stranger = { type: 'HELLO', key: 'hi.there', tenant: null, body: undefined, unheard: true }

    await count(store, [{ ...stranger, atMs: START_MS + 1_000 }, told(objectCreated('a'))])
    await count(store, [
      { ...stranger, atMs: START_MS },
      { ...stranger, unheard: false, atMs: START_MS + 2_000 },
    ])
    await count(store, [
      { ...stranger, type: 'x'.repeat(1_000_000), atMs: Number.NaN },
      { ...stranger, atMs: -1, type: 'OLD' },
    ])

    expect(readEventsByType(store.read, 2)).toMatchObject([
      {
        type: 'HELLO',
        key: 'hi.there',
        count: 3,
        first_at: '2024-01-01T00:00:00.000Z',
        last_at: '2024-01-01T00:00:02.000Z',
      },
      { count: 1 },
    ])
    expect(readUnheard(store.read, 10)[0]).toEqual({
      key: 'hi.there',
      type: 'HELLO',
      count: 2,
      last: '2024-01-01T00:00:01.000Z',
    })
    expect(readUnheard(store.read, 10).map(({ type }) => type.length)).toEqual([5, 3, 255])
    expect(readStatistics(store.read).objects_created).toBe(1)
  })

  test('put types and keys beyond the limit together', async () => {
    const { store } = await open()
    const batch = Array.from({ length: EVENT_KINDS_MAX + 2 }, (_, i) => ({
      ...{ type: `T${i}`, key: 'k', tenant: null, body: undefined, unheard: true },
      atMs: START_MS,
    }))

    await count(store, batch)

    expect(rowsOf(store, `select count, key from events_by_type where type = '(other)'`)).toEqual([
      { count: 2, key: '(other)' },
    ])
  })

  test('show what happened per minute', async () => {
    const { store } = await open()
    await count(store, flow('a', 1), START_MS)
    await count(store, [told(started('b-1'))], START_MS + 59_999)
    await count(store, [told(failed('b-1', true))], START_MS + 60_000)
    await count(store, [told(finished('b-1')), told(parked('m'))], START_MS + 60_001)

    expect(readThroughput(store.read, 10)).toMatchObject([
      {
        minute: '2024-01-01T00:01Z',
        events: 3,
        tasks_failed: 1,
        tasks_finished: 1,
        tasks_started: 0,
        messages_parked: 1,
      },
      { minute: '2024-01-01T00:00Z', events: 6, objects_created: 1, objects_completed: 1, tasks_started: 2 },
    ])
  })

  test.each(['statistics', 'objects', 'tasks', 'events_by_type', 'unheard', 'throughput'])(
    '%s is read-only',
    async (view) => {
      const { store } = await open()

      await expect(store.write((tx) => tx.run(`delete from ${view}`))).rejects.toThrow('view')
    },
  )
})

function slices<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size))
}

test.each([
  ['half a pair', 'a\ud800b'],
  ['a pair that the cut would halve', `${'x'.repeat(254)}\ud83d\ude00`],
])('a stranger whose type has %s is listed once, under a name that can be read', async (_, type) => {
  const { store } = await open()
  const stranger: RecordedEvent = { type, key: 'k', atMs: START_MS, tenant: null, body: undefined, unheard: false }

  await count(store, [stranger])

  const listed = readEventsByType(store.read, 10).map((kind) => [kind.type, kind.count])
  expect(listed).toEqual([[Buffer.from(type.slice(0, 255)).toString(), 1]])
})
