import { expect, test } from 'vitest'
import { type Clock, VirtualClock } from '../../clock.ts'
import { createLog } from '../../service/log.ts'
import { Pace } from '../pace.ts'
import { PREFETCH_MAX, PREFETCH_START } from '../prefetch.ts'

/** A pace that is followed, with what it applied and how many timers it has set. */
function followed() {
  const clock = new VirtualClock()
  const applied: number[] = []
  let timers = 0
  const counting: Clock = {
    now: () => clock.now(),
    after(delayMs, run) {
      timers++
      return clock.after(delayMs, run)
    },
  }
  const bus = { clock: counting, log: createLog({ service: 'test', level: 'silent' }) }
  const pace = new Pace(bus, PREFETCH_START, async (prefetch) => void applied.push(prefetch))
  pace.follow()
  const handle = (count: number, tookMs: number) => {
    for (let n = 0; n < count; n++) pace.took(tookMs)
  }
  return { clock, pace, applied, handle, timers: () => timers }
}

test('a consumer that has handled too few to tell sets no timer', async () => {
  const { clock, applied, handle, timers } = followed()

  handle(7, 0)
  await clock.advance(60_000)

  expect([timers(), applied]).toEqual([0, []])
})

test('D7: the prefetch follows again and again as long as there is work, and then the timers end', async () => {
  const { clock, applied, handle, timers } = followed()

  for (let round = 0; round < 3; round++) {
    handle(8, 0)
    await clock.advance(1_000)
  }
  await clock.advance(60_000)

  // The third time it is as deep as it gets.
  expect(applied).toEqual([128, PREFETCH_MAX])
  expect(timers()).toBe(3)
})

test('one that is stopped changes nothing more', async () => {
  const { clock, pace, applied, handle } = followed()

  handle(8, 0)
  pace.stop()
  handle(8, 0)
  await clock.advance(60_000)

  expect(applied).toEqual([])
})
