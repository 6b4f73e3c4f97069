import { expect, test } from 'vitest'
import { BrowseWindow } from '../browse-window.ts'

const KIB = 1_024
const MIB = 1_024 * KIB

/** Windows as they follow each other, while all bodies have this size. */
function windows(bodyBytes: number, window = new BrowseWindow()): number[] {
  const sizes = [window.messages]
  for (let n = 0; n < 5; n++) {
    for (let message = 0; message < 100; message++) window.saw(bodyBytes)
    sizes.push(window.renew())
  }
  return sizes
}

test.each([
  { bodyBytes: 0, sizes: [16, 128, 1_000, 1_000, 1_000, 1_000] },
  { bodyBytes: KIB, sizes: [16, 128, 1_000, 1_000, 1_000, 1_000] },
  { bodyBytes: 64 * KIB, sizes: [16, 128, 512, 512, 512, 512] },
  { bodyBytes: MIB, sizes: [16, 32, 32, 32, 32, 32] },
  { bodyBytes: 16 * MIB, sizes: [16, 2, 2, 2, 2, 2] },
  { bodyBytes: 100 * MIB, sizes: [16, 1, 1, 1, 1, 1] },
])('of bodies with $bodyBytes bytes so many are asked for at once: $sizes', ({ bodyBytes, sizes }) => {
  expect(windows(bodyBytes)).toEqual(sizes)
})

test('begins narrow, and is neither narrow nor wide as long as nothing is known', () => {
  const window = new BrowseWindow()
  expect([window.isNarrow, window.isWide, window.renew()]).toEqual([false, false, 16])

  window.saw(KIB)
  expect([window.isNarrow, window.isWide]).toEqual([true, false])
})

test('bodies that become large are noticed within twenty of them, and small ones again', () => {
  const window = new BrowseWindow()
  windows(KIB, window)
  expect([window.messages, window.isNarrow, window.isWide]).toEqual([1_000, false, false])

  for (let message = 0; message < 20; message++) window.saw(16 * MIB)
  expect(window.isWide).toBe(true)
  expect(window.renew()).toBeLessThanOrEqual(3)

  for (let message = 0; message < 200; message++) window.saw(KIB)
  expect(window.isNarrow).toBe(true)
})
