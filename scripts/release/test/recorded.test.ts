import { expect, test } from 'vitest'
import { moveTimes } from '../recorded.ts'

const aroundMs = Date.parse('2026-11-22T02:00:00.500Z')
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

test.each([
  { what: 'a number', text: `{"at":${aroundMs}}`, moved: `{"at":${aroundMs + HOUR_MS + 7}}` },
  { what: 'a deadline to come', text: `(${aroundMs + DAY_MS})`, moved: `(${aroundMs + DAY_MS + HOUR_MS + 7})` },
  { what: 'ISO 8601', text: `'2026-11-22T01:59:59.900Z'`, moved: `'2026-11-22T02:59:59.907Z'` },
  { what: 'the beginning of a minute stays one', text: `${aroundMs - 500}`, moved: `${aroundMs - 500 + HOUR_MS}` },
])('$what is moved', ({ text, moved }) => {
  expect(moveTimes(text, { byMs: HOUR_MS + 7, aroundMs })).toBe(moved)
})

test.each([
  { what: 'a time of long ago', text: String(aroundMs - 2 * DAY_MS) },
  { what: 'what is far away', text: String(aroundMs + 41 * DAY_MS) },
  { what: 'a part of an id', text: `0198-${aroundMs}-a ${aroundMs}_b x${aroundMs}` },
  { what: 'more digits, or fewer', text: `${aroundMs}1 ${String(aroundMs).slice(1)}` },
  { what: 'a date', text: '2026-11-22' },
])('$what is left alone', ({ text }) => {
  expect(moveTimes(text, { byMs: HOUR_MS, aroundMs })).toBe(text)
})
