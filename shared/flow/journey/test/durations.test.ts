import { expect, test } from 'vitest'
import { durationText, findDurationMs } from '../durations.ts'

test.each([
  { duration: '500ms', ms: 500 },
  { duration: '5s', ms: 5_000 },
  { duration: '10m', ms: 600_000 },
  { duration: '2h', ms: 7_200_000 },
  { duration: '1d', ms: 86_400_000 },
  { duration: '0s', ms: 0 },
  { duration: 1_500, ms: 1_500 },
  { duration: 0, ms: 0 },
  ...['', '5', 's', '5 s', '1.5s', '-5s', '5S', '1h30m', '1000000000s', ' 5s', '5s\n'].map((duration) => ({
    duration,
    ms: undefined,
  })),
  ...[-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53].map((duration) => ({ duration, ms: undefined })),
])('$duration is $ms ms', ({ duration, ms }) => {
  expect(findDurationMs(duration)).toBe(ms)
})

test.each([
  { ms: 0, text: '0ms' },
  { ms: 999, text: '999ms' },
  { ms: 1_000, text: '1s' },
  { ms: 90_000, text: '90s' },
  { ms: 3_600_000, text: '1h' },
  { ms: 172_800_000, text: '2d' },
])('$ms ms are $text', ({ ms, text }) => {
  expect(durationText(ms)).toBe(text)
  expect(findDurationMs(text)).toBe(ms)
})
