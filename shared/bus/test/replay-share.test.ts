import { expect, test } from 'vitest'
import { QUIET_MS, ReplayShare } from '../replay-share.ts'

const PLACES = 100
/** Ten milliseconds apart. */
const RATE_PER_S = 100

/** A consumer on a machine: how long a live message takes, ms, while so many that come back are under way. */
type Plant = { readonly delayMs: (replays: number, n: number) => number; readonly skewMs?: number }

/** Live messages for some seconds, beside a replay that takes all that it may have; what it had at the end of each. */
function run(
  { delayMs, skewMs = 0 }: Plant,
  seconds: number,
  { share = new ReplayShare(), sinceMs = 0, replaying = true } = {},
) {
  const had: number[] = []
  let nowMs = sinceMs
  for (let n = 1; n <= seconds * RATE_PER_S; n++) {
    nowMs += 1_000 / RATE_PER_S
    share.arrived(nowMs)
    const replays = replaying ? share.allowed(PLACES, nowMs) : 0
    const tookMs = delayMs(replays, n)
    share.handled({ delayMs: tookMs + skewMs, tookMs, replays }, nowMs)
    if (n % RATE_PER_S === 0) had.push(replays)
  }
  return { share, had, nowMs }
}
const maxOf = (had: readonly number[]) => Math.max(...had)

test('S7: without live messages the replay has every place, at once; the first live one ends that', () => {
  const share = new ReplayShare()
  expect(share.allowed(PLACES, 0)).toBe(PLACES)

  share.arrived(5_000)
  expect(share.allowed(PLACES, 5_000)).toBe(0)
  expect(share.allowed(PLACES, 5_000 + QUIET_MS)).toBe(0)
  expect(share.allowed(PLACES, 5_001 + QUIET_MS)).toBe(PLACES)
})

test('S7: handlers that wait for others are no reason to give way', () => {
  const { had } = run({ delayMs: () => 50 }, 20)

  expect(had.at(-1)).toBe(PLACES)
})

test.each([
  { what: 'quick handlers', undisturbedMs: 3, eachMs: 0.5 },
  { what: 'slow handlers that compute', undisturbedMs: 40, eachMs: 40 },
])('S7: $what: live messages take less than twice as long', ({ undisturbedMs, eachMs }) => {
  const delayMs = (replays: number) => undisturbedMs + replays * eachMs * 0.9
  const { share, nowMs } = run({ delayMs }, 5, { replaying: false })

  const { had } = run({ delayMs }, 60, { share, sinceMs: nowMs })
  for (const replays of had) expect(delayMs(replays)).toBeLessThan(2 * undisturbedMs)
  expect(had.filter((replays) => replays > 0).length).toBeGreaterThan(45)
})

test('S7: it is never without a place for long', () => {
  const { share, nowMs } = run({ delayMs: (replays) => (replays === 0 ? 1 : 1_000) }, 1)

  let without = 0
  for (let ms = 0; ms < 60_000; ms += 10) {
    share.arrived(nowMs + ms)
    if (share.allowed(PLACES, nowMs + ms) === 0) without += 10
  }
  expect(without).toBeLessThanOrEqual(2_000)
})

test('S7: a replay that was there first learns what live messages take undisturbed', () => {
  const delayMs = (replays: number) => 4 + Math.max(0, replays - 4)
  const { had } = run({ delayMs }, 60)

  expect(maxOf(had)).toBeGreaterThan(1)
  expect(delayMs(maxOf(had))).toBeLessThanOrEqual(8)
})

test.each([{ skewMs: -60_000 }, { skewMs: 60_000 }])(
  'clocks that differ by $skewMs ms change nothing',
  ({ skewMs }) => {
    const delayMs = (replays: number) => 4 + Math.max(0, replays - 4)

    expect(run({ delayMs, skewMs }, 60).had).toEqual(run({ delayMs }, 60).had)
  },
)

test('live messages that take longer for other reasons do not keep the replay down', () => {
  const before = run({ delayMs: () => 5 }, 20)
  const { had } = run({ delayMs: () => 50 }, 60, { share: before.share, sinceMs: before.nowMs })

  expect(Math.min(...had)).toBeLessThan(PLACES)
  expect(had.at(-1)).toBe(PLACES)
})

test('chance is no reason: handlers that take now 50 and now 500 ms', () => {
  const { had } = run({ delayMs: (_, n) => 50 + ((n * 7_919) % 450) }, 60)

  expect(maxOf(had.slice(-20))).toBeGreaterThan(PLACES / 2)
})

test('a place that was not made use of shows nothing', () => {
  const share = new ReplayShare()
  for (let n = 0; n < 1_000; n++) {
    share.arrived(n * 10)
    share.handled({ delayMs: 5, tookMs: 5, replays: 1 }, n * 10)
  }

  expect(share.allowed(PLACES, 10_000)).toBeLessThanOrEqual(2)
})
