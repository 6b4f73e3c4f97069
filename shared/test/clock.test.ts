import { afterEach, describe, expect, test, vi } from 'vitest'
import { systemClock, VirtualClock } from '../clock.ts'

describe('virtual clock', () => {
  test('runs what falls due in order of time, then of insertion, and no earlier', async () => {
    const clock = new VirtualClock(1_000)
    const ran: string[] = []
    for (const [name, delayMs] of [
      ['b', 20],
      ['a', 10],
      ['c', 20],
      ['late', 31],
      ['now', 0],
      ['past', -5],
    ] as const)
      clock.after(delayMs, () => ran.push(`${name}@${clock.now()}`))

    await clock.advance(30)
    expect(ran).toEqual(['now@1000', 'past@1000', 'a@1010', 'b@1020', 'c@1020'])
    expect(clock.now()).toBe(1_030)

    await clock.advance(1)
    expect(ran.at(-1)).toBe('late@1031')
  })

  test('runs what a timer or the promises behind it schedule within the window', async () => {
    const clock = new VirtualClock()
    const ran: number[] = []
    const again = async () => {
      ran.push(clock.now())
      await Promise.resolve()
      clock.after(10, again)
    }
    clock.after(10, again)

    await clock.advance(35)

    expect(ran).toEqual([10, 20, 30])
  })

  test('what was cancelled does not run, and cancelling twice is harmless', async () => {
    const clock = new VirtualClock()
    const run = vi.fn()
    const cancel = clock.after(10, run)
    clock.after(5, cancel)

    await clock.advance(20)
    cancel()

    expect(run).not.toHaveBeenCalled()
  })
})

describe('system clock', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  test('waits for longer than a timer of Node can', () => {
    vi.useFakeTimers()
    const thirtyDaysMs = 30 * 24 * 3_600_000
    const run = vi.fn()
    systemClock.after(thirtyDaysMs, run)

    vi.advanceTimersByTime(thirtyDaysMs - 1)
    expect(run).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)

    expect(run).toHaveBeenCalledOnce()
  })

  test('a long wait can be cancelled in any of its pieces', () => {
    vi.useFakeTimers()
    const run = vi.fn()
    const cancel = systemClock.after(2 ** 32, run)
    vi.advanceTimersByTime(2 ** 31)
    cancel()
    vi.advanceTimersByTime(2 ** 33)

    expect(run).not.toHaveBeenCalled()
    expect(vi.getTimerCount()).toBe(0)
  })
})
