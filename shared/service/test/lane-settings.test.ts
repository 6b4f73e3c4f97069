import { expect, test } from 'vitest'
import { lanePolicy } from '../lane-settings.ts'

test.each([
  { text: 'round-robin', policy: { kind: 'round-robin' } },
  { text: 'fifo', policy: { kind: 'fifo' } },
  { text: 'ratio:1:1', policy: { kind: 'ratio', live: 1, replay: 1 } },
  { text: 'ratio:1000:1', policy: { kind: 'ratio', live: 1_000, replay: 1 } },
])('EBS_LANES=$text is taken', ({ text, policy }) => {
  expect(lanePolicy.parse(text)).toEqual(policy)
})

test.each([
  '',
  'lifo',
  'ratio',
  'ratio:9',
  'ratio:0:1',
  'ratio:1:0',
  'ratio:1001:1',
  'ratio:-1:1',
  'ratio:1.5:1',
  'ratio:1:1:1',
  'Fifo',
])("EBS_LANES='%s' is refused with what is accepted", (text) => {
  const [issue] = lanePolicy.safeParse(text).error?.issues ?? []
  expect(issue?.message).toContain('ratio:<live>:<replay>')
})
