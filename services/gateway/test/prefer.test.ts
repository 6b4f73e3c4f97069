import { expect, test } from 'vitest'
import { waitSecondsOf } from '../prefer.ts'

test.each([
  [undefined, 0],
  ['', 0],
  ['wait=15', 15],
  ['wait=0', 0],
  ['wait=007', 7],
  ['WAIT=3', 3],
  ['wait = 3', 3],
  ['  wait=3\t', 3],
  ['wait="3"', 3],
  ['wait="\\3"', 3],
  ['wait=99999999999999999999', 1e20],
  ['respond-async, wait=10', 10],
  ['wait=10,respond-async', 10],
  [',, ,wait=10,', 10],
  ['return=representation; foo="a, wait=1; b", wait=2', 2],
  ['note="say \\"wait=1\\", please", wait=2', 2],
  ['wait=10; exactly', 10],
  ['wait=10;', 10],
])('%j waits %d s', (header, seconds) => {
  expect(waitSecondsOf(header)).toBe(seconds)
})

test.each([
  'wait',
  'wait=',
  'wait=""',
  'wait=soon',
  'wait=-1',
  'wait=1.5',
  'wait=1e3',
  'wait=0x10',
  'wait=5 seconds',
  'wait="5',
  'wait==5',
  'await=5',
  'respond-async; wait=5',
  `wait=5, ${'x'.repeat(1_024)}`,
])('%j is ignored', (header) => {
  expect(waitSecondsOf(header)).toBe(0)
})

test('of several the first counts, also when it says nothing', () => {
  expect(waitSecondsOf('wait=1, wait=2')).toBe(1)
  expect(waitSecondsOf('wait=soon, wait=2')).toBe(0)
})

test('a header made to be slow is read in no time', () => {
  const startMs = performance.now()
  for (const part of ['"', '"\\', ',', '=', 'wait=" ', ';"', ' \t']) waitSecondsOf(part.repeat(1_024 / part.length))

  expect(performance.now() - startMs).toBeLessThan(100)
})
