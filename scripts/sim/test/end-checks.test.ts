import { expect, test } from 'vitest'
import { parseEvent, toMessage } from '../../../shared/bus/envelope.ts'
import type { Body, EventType } from '../../../shared/events.ts'
import { wrongEnds } from '../end-checks.ts'
import { Outages } from '../outages.ts'
import { bodiesIn } from '../witness.ts'

const START_MS = Date.UTC(2026, 0, 1)
const iso = (ms: number) => new Date(START_MS + ms).toISOString()

type Said = readonly [atMs: number, body: Body]

/** What is wrong with a story in which this was heard. */
function wrongIn(said: readonly Said[], outages = new Outages()) {
  const events = said.flatMap(([atMs, body], n) => {
    const { properties, ...message } = toMessage(body, {
      ...{ id: `m${n}`, service: 'x', correlationId: 'c', atMs: START_MS + atMs },
    })
    const parsed = parseEvent({ ...message, properties: { ...properties, headers: properties.headers ?? {} } })
    return 'data' in parsed ? [parsed] : []
  })
  expect(events).toHaveLength(said.length)
  const of = <T extends EventType>(type: T) => bodiesIn(events, type)
  return wrongEnds({ witness: { of }, system: { outages } })
}

const outage = (fromMs: number, forMs: number) => {
  const outages = new Outages()
  outages.add(START_MS + fromMs, forMs)
  return outages
}

const create: Said = [0, { type: 'EventGroupCollectorCreate', id: 'g', expected: ['a', 'b'], ttl: 20 }]
const done = (atMs: number): Said => [atMs, { type: 'EventGroupCollectorEntityDone', id: 'a', group: 'g', result: 1 }]
const end = { id: 'g', created: iso(0), resolved: iso(20_000) }
const timedOut = (results: Record<string, number>): Said => [
  20_000,
  { type: 'EventGroupCollectorFailure', ...end, results, endedBy: 'timeout', entity: 'g', error: 'late' },
]
const succeeded = (endedBy: 'all' | 'quorum', results: Record<string, number>): Said => [
  20_000,
  { type: 'EventGroupCollectorSuccess', ...end, results, endedBy },
]

test.each([
  { says: 'in time, and nobody was away', doneMs: 18_900, wrong: 1 },
  { says: 'at the last moment', doneMs: 19_100, wrong: 0 },
  {
    says: 'in time, while somebody was away who was back long before the end',
    doneMs: 10,
    outages: outage(0, 3_000),
    wrong: 1,
  },
  { says: 'in time, and somebody was away until the end', doneMs: 16_000, outages: outage(15_000, 1_500), wrong: 0 },
  { says: 'in time, and somebody was away before', doneMs: 10_000, outages: outage(0, 3_000), wrong: 1 },
])('a group that timed out without a member that was done $says', ({ doneMs, outages, wrong }) => {
  expect(wrongIn([create, done(doneMs), timedOut({})], outages)).toHaveLength(wrong)
  expect(wrongIn([create, done(doneMs), timedOut({ a: 1 })], outages)).toEqual([])
})

test('an object that failed for want of a task that had finished in time, though somebody was away for a while', () => {
  const finished: Said = [
    100,
    { type: 'TASK_FINISHED', taskId: 'o.1', objectId: 'o', processor: 'p', attempt: 1, durationMs: 1 },
  ]
  const failed = (atMs: number): Said => [
    atMs,
    { type: 'OBJECT_FAILED', objectId: 'o', tenant: 't', durationMs: 1, tasks: 1, error: 'late', missing: ['o.1'] },
  ]

  expect(wrongIn([finished, failed(12_000)], outage(50, 3_000))).toEqual([expect.stringContaining('o.1')])
  expect(wrongIn([finished, failed(8_000)], outage(50, 3_000))).toEqual([])
})

test.each([
  { endedBy: 'all', results: { a: 1 }, wrong: 1 },
  { endedBy: 'all', results: { a: 1, b: 1 }, wrong: 0 },
  { endedBy: 'quorum', results: { a: 1 }, wrong: 1 },
  { endedBy: 'quorum', results: { a: 1, b: 1 }, wrong: 0 },
] as const)('a group that succeeded by $endedBy with the results $results', ({ endedBy, results, wrong }) => {
  const [, body] = create
  const three: Said = [0, { ...body, type: 'EventGroupCollectorCreate', id: 'g', expected: ['a', 'b', 'c'], quorum: 2 }]

  expect(wrongIn([endedBy === 'all' ? create : three, succeeded(endedBy, results)])).toHaveLength(wrong)
})

test('two outages at once are counted once', () => {
  const outages = outage(0, 1_000)
  outages.add(START_MS + 1_000, 0)

  expect(outages.between(START_MS - 5_000, START_MS + 60_000)).toBe(4_000)
  expect(outages.between(START_MS + 3_000, START_MS + 3_500)).toBe(500)
})
