import { expect, test } from 'vitest'
import { parseDurationMs, parsePast, parseTime } from '../duration.ts'

test.each([
  ['0s', 0],
  ['500ms', 500],
  ['90s', 90_000],
  ['1.5h', 5_400_000],
  [' 10m ', 600_000],
  ['1d', 86_400_000],
])('%j is %i ms', (text, ms) => {
  expect(parseDurationMs(text)).toBe(ms)
})

test.each(['', '10', 'm', '-5m', '5 m', '5x', '1e3s', '9999999999s', 'toString'])('%j is no length of time', (text) => {
  expect(() => parseDurationMs(text)).toThrow(/no length of time/)
})

test('a time that has been is ISO 8601, or a span until now', () => {
  const now = Date.parse('2026-03-01T12:00:00Z')

  expect(parsePast('30m', now)).toBe('2026-03-01T11:30:00.000Z')
  expect(parsePast('2026-01-31T12:00:00+02:00', now)).toBe('2026-01-31T10:00:00.000Z')
  expect(() => parsePast('yesterday', now)).toThrow(/no length of time/)
})

test('a time is ISO 8601, or a span from now', () => {
  const now = Date.parse('2026-03-01T12:00:00Z')

  expect(parseTime('30m', now)).toBe('2026-03-01T12:30:00.000Z')
  expect(parseTime('2030-01-31T12:00:00+02:00', now)).toBe('2030-01-31T10:00:00.000Z')
  expect(() => parseTime('2030-13-31T12:00:00Z', now)).toThrow(/is no time/)
  expect(() => parseTime('tomorrow', now)).toThrow(/no length of time/)
})
