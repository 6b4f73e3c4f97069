import { expect, test } from 'vitest'
import { delayAfter, restartBackoff } from '../backoff.ts'

test.each([
  [0, 500],
  [1, 500],
  [2, 1_000],
  [3, 2_000],
  [4, 4_000],
  [5, 8_000],
  [6, 15_000],
  [7, 15_000],
  [10_000, 15_000],
])('after %i deaths in a row it waits %i ms', (deaths, expectedMs) => {
  expect(delayAfter(deaths, restartBackoff)).toBe(expectedMs)
})
