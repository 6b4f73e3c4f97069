import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { VirtualClock } from '../../../shared/clock.ts'
import { deferred } from '../../../shared/flow/activity.ts'
import { scratch } from '../../../shared/store/test/scratch.ts'
import { mockActivities, mockActivity } from '../mock-activities.ts'
import { run } from './activity-run.ts'

const faultsOf = (text: string) => mockActivities.safeParse(text).error?.issues.map(({ message }) => message) ?? []

const mocked = (outcomes: unknown, clock = new VirtualClock(0)) => {
  const script = mockActivities.parse(JSON.stringify({ charge: outcomes }))
  return mockActivity('charge', script.charge ?? [], clock)
}

test('the n-th attempt takes the n-th outcome, and the last one repeats', async () => {
  const charge = mocked([{ status: 503, error: 'down' }, { status: 404 }, { output: { id: 1 } }])

  await expect(run(charge, {}, { attempt: 1 })).rejects.toMatchObject({ status: 503, message: 'down' })
  await expect(run(charge, {}, { attempt: 2 })).rejects.toMatchObject({ status: 404, message: /mock of charge/ })
  for (const attempt of [3, 4, 99]) expect(await run(charge, {}, { attempt })).toEqual({ id: 1 })
})

test('calls do not count for one another, and any process gives the same', async () => {
  const outcomes = [{ status: 503 }, { output: 1 }]

  for (const callId of ['s1:charge', 's2:charge'])
    await expect(run(mocked(outcomes), {}, { callId })).rejects.toMatchObject({ status: 503 })
})

test('an outcome without anything is a success that gives null; one that defers gives no answer', async () => {
  expect(await run(mocked([{}]), {})).toBeNull()
  expect(await run(mocked([{ defer: true }]), {})).toBe(deferred)
})

test('a delay comes before the outcome, and ends with the deadline', async () => {
  const clock = new VirtualClock(0)
  const charge = mocked([{ delayMs: 100, output: 1 }], clock)
  const controller = new AbortController()
  const ends: unknown[] = []
  const note = (end: unknown) => void ends.push(end)

  run(charge, {}).then(note, note)
  run(charge, {}, { signal: controller.signal }).then(note, note)
  await clock.advance(99)
  expect(ends).toEqual([])

  controller.abort('too late')
  await clock.advance(1)
  expect(ends).toEqual(['too late', 1])
})

test('a path names a file that holds the same', () => {
  const path = join(scratch(), 'mocks.json')
  writeFileSync(path, '{"charge.v2": [{"output": 1}]}')

  expect(mockActivities.parse(path)).toMatchObject({ 'charge.v2': [{ output: 1 }] })
})

test('every mistake is listed at once, with its place', () => {
  const faults = faultsOf(
    JSON.stringify({
      charge: [{ status: 99 }, { statsu: 500 }, { status: 500, output: 1 }, { error: 'x' }, { defer: true, output: 1 }],
      ship: [],
      'not a name': [{}],
      reserve: [{ delayMs: -1 }, { output: 'x'.repeat(70_000) }],
    }),
  )

  expect(faults).toHaveLength(1)
  for (const fault of [
    /charge\[0\]\.status: /,
    /charge\[1\]: .*statsu/,
    /charge\[2\]\.output: a failure \(status 500\) gives none/,
    /charge\[3\]\.error: /,
    /charge\[4\]\.defer: /,
    /ship: /,
    /not a name: expected letters/,
    /reserve\[0\]\.delayMs: /,
    /reserve\[1\]\.output: .*70002 bytes/,
  ])
    expect(faults[0]).toMatch(fault)
})

test.each([
  { text: '{"charge": ', says: /no JSON/ },
  { text: '{"charge": [{"output": {"cents": 1e400}}]}', says: /number at cents is beyond/ },
  { text: '/nowhere/mocks.json', says: /cannot be read/ },
])('$text: says what is wrong and what it is to look like', ({ text, says }) => {
  expect(faultsOf(text)).toEqual([expect.stringMatching(says)])
  expect(faultsOf(text)[0]).toContain('{"charge": [{"status": 503')
})
