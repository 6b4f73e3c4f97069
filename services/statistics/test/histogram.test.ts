import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bucketOf, countedMs, DURATION_MS_MAX, msOf, quantileOf } from '../histogram.ts'

const duration = fc.oneof(fc.double({ min: 0, max: 100, noNaN: true }), fc.double({ min: 0, max: 1e10, noNaN: true }))

describe('the histogram of durations', () => {
  test.each([0, 0.1, 1, 6.4, 12.7])('is exact to 0.1 ms at %d ms', (ms) => {
    expect(msOf(bucketOf(ms))).toBe(ms)
  })

  test.each([
    [-5, 0],
    [0, 0],
    [DURATION_MS_MAX, DURATION_MS_MAX],
    [1e300, DURATION_MS_MAX],
    [Number.POSITIVE_INFINITY, DURATION_MS_MAX],
  ])('counts %d ms as %d ms', (ms, counted) => {
    expect(countedMs(ms)).toBe(counted)
    expect(Number.isFinite(msOf(bucketOf(ms)))).toBe(true)
  })

  test('is within 1 % or 0.05 ms of any duration', () => {
    fc.assert(
      fc.property(duration, (ms) => {
        expect(Math.abs(msOf(bucketOf(ms)) - ms)).toBeLessThanOrEqual(Math.max(0.0501, ms * 0.01))
      }),
    )
  })

  test('has every bucket once, in the order of durations', () => {
    const all = Array.from({ length: 64 * 35 }, (_, bucket) => bucket)

    expect(all.map((bucket) => bucketOf(msOf(bucket)))).toEqual(all)
  })

  test('gives quantiles within 2 % of the exact ones', () => {
    const quantile = fc.constantFrom(0.5, 0.9, 0.95, 0.99, 1)
    fc.assert(
      fc.property(fc.array(duration, { minLength: 1, maxLength: 200 }), quantile, (all, q) => {
        const exact = all.toSorted((a, b) => a - b)[Math.ceil(q * all.length - 1e-9) - 1] ?? 0
        const found = quantileOf(countsOf(all), q) ?? Number.NaN
        expect(Math.abs(found - exact)).toBeLessThanOrEqual(Math.max(0.0501, exact * 0.02))
      }),
    )
  })

  test('has no quantile of nothing', () => {
    expect(quantileOf(new Map(), 0.5)).toBeUndefined()
  })
})

function countsOf(all: readonly number[]): Map<number, number> {
  const counts = new Map<number, number>()
  for (const ms of all) counts.set(bucketOf(ms), (counts.get(bucketOf(ms)) ?? 0) + 1)
  return counts
}
