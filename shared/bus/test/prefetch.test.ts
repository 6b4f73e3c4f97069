import { describe, expect, test } from 'vitest'
import { nextPrefetch, PREFETCH_MAX, PREFETCH_MIN, PREFETCH_START } from '../prefetch.ts'

/** Prefetches over a number of rounds, when the work takes this long at that prefetch. */
function rounds(start: number, timeMsAt: (prefetch: number) => number, count = 20): number[] {
  const path = [start]
  for (let i = 0; i < count; i++) path.push(nextPrefetch(path.at(-1) ?? start, timeMsAt(path.at(-1) ?? start)))
  return path
}
const endOf = (path: readonly number[]) => path.at(-1) ?? Number.NaN
/** How often the direction changes: none means that nothing swings. */
const turnsOf = (path: readonly number[]) => {
  const steps = path.slice(1).map((at, i) => Math.sign(at - (path[i] ?? at)))
  const moves = steps.filter((step) => step !== 0)
  return moves.slice(1).filter((step, i) => step !== moves[i]).length
}

describe('D7: prefetch follows how long the work takes', () => {
  test.each([1_000, 10_000, 3_600_000])('work of %d ms: few at once, so that others find something to do', (ms) => {
    expect(endOf(rounds(PREFETCH_START, () => ms))).toBe(PREFETCH_MIN)
    expect(endOf(rounds(PREFETCH_MAX, () => ms))).toBe(PREFETCH_MIN)
  })

  test.each([0, 0.000_1, 0.05, 1])('work of %d ms: many at once', (ms) => {
    expect(endOf(rounds(PREFETCH_START, () => ms))).toBeGreaterThanOrEqual(200)
    expect(endOf(rounds(PREFETCH_MIN, () => ms))).toBeGreaterThanOrEqual(200)
  })

  test.each([0, 0.01, 1, 20, 100, 1_000, 1e9])('work of %d ms: settles without swinging, within bounds', (ms) => {
    for (const start of [1, PREFETCH_MIN, PREFETCH_START, PREFETCH_MAX]) {
      const path = rounds(start, () => ms)

      expect(turnsOf(path)).toBe(0)
      expect(path.at(-1)).toBe(path.at(-5))
      for (const at of path.slice(1)) expect(at).toBeLessThanOrEqual(PREFETCH_MAX)
      expect(endOf(path)).toBeGreaterThanOrEqual(PREFETCH_MIN)
    }
  })

  test.each([0.1, 0.5, 1, 5, 20, 50, 100, 500])(
    'a processor that is busy, %d ms each: time grows with the number at once, and nothing swings',
    (ms) => {
      for (const start of [PREFETCH_MIN, PREFETCH_START, PREFETCH_MAX]) {
        const path = rounds(start, (prefetch) => prefetch * ms)

        expect(turnsOf(path)).toBeLessThanOrEqual(1)
        expect(path.at(-1)).toBe(path.at(-5))
      }
    },
  )

  test('small differences change nothing', () => {
    expect(nextPrefetch(100, 20)).toBe(100)
    expect(nextPrefetch(100, 19)).toBe(100)
    expect(nextPrefetch(100, 21)).toBe(100)
  })
})
