import { expect, test } from 'vitest'
import { failureOf } from '../report.ts'
import { storyOf } from '../story.ts'
import { tell } from '../tell.ts'

/** Some sixteen seconds of a processor; `npm run sim` plays as many as it is told. */
const SEEDS_MAX = 40
/** A machine that is busy plays fewer. */
const PLAYING_MS_MAX = 25_000
/** One that began within its time may take long where eight others want the same processor. */
const TEST_MS_MAX = 120_000

test('whatever fails, nothing that was accepted is lost, doubled, early, leaked or left behind', {
  timeout: TEST_MS_MAX,
}, async () => {
  const untilMs = performance.now() + PLAYING_MS_MAX
  const failures: string[] = []

  let seed = 1
  for (; seed <= SEEDS_MAX && performance.now() < untilMs; seed++) {
    const told = await tell(seed)
    if (told.broken.length > 0) failures.push(failureOf(told))
  }
  console.log(`simulation: ${seed - 1} seeds in ${Math.round(PLAYING_MS_MAX / 1_000)} s at most`)

  expect(failures).toEqual([])
})

test('a seed is the same story every time, whatever was told before it', { timeout: TEST_MS_MAX }, async () => {
  const first = await tell(7)
  const other = await tell(8)
  const second = await tell(7)

  expect(second.digest).toBe(first.digest)
  expect(other.digest).not.toBe(first.digest)
})

test.each([
  ...['crash', 'kill', 'lost confirm', 'cut', 'broker restart', 'broker away', 'memory alarm'],
  ...['duplicates', 'delays', 'store out', 'timers late', 'wake-ups lost'],
])('%s is planned in one of twenty stories, or more', (what) => {
  const stories = Array.from({ length: 200 }, (_, n) => storyOf(n + 1))

  const struck = stories.filter(({ faults }) => faults.some((fault) => fault.what === what))

  expect(struck.length).toBeGreaterThanOrEqual(10)
})
