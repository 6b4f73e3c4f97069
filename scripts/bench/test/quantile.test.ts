import { expect, test } from 'vitest'
import { median, quantile, spreadOf } from '../quantile.ts'

const hundred = Array.from({ length: 100 }, (_, i) => 100 - i)

test.each([
  { values: [], q: 0.5, expected: Number.NaN },
  { values: [7], q: 0, expected: 7 },
  { values: [7], q: 1, expected: 7 },
  { values: hundred, q: 0.5, expected: 50 },
  { values: hundred, q: 0.99, expected: 99 },
  { values: hundred, q: 1, expected: 100 },
])('the $q quantile of $values.length values is $expected', ({ values, q, expected }) => {
  expect(quantile(values, q)).toBe(expected)
})

test.each([
  { values: [3, 1, 2], expected: 2 },
  { values: [4, 1, 2, 3], expected: 2.5 },
])('the median of $values is $expected', ({ values, expected }) => {
  expect(median(values)).toBe(expected)
})

test('a spread names the middle, the tail and the greatest', () => {
  expect(spreadOf(hundred)).toEqual({ p50: 50, p95: 95, p99: 99, max: 100 })
})
