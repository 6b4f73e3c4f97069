import { expect, test } from 'vitest'
import { addOutcome, type BreakerWindow } from '../breaker-window.ts'

const policy = { share: 0.5, min: 4, windowMs: 1_000 }

/** Outcomes such as `+0 -100`: a success at 0 ms, a failure at 100 ms. Gives back at which of them it trips, with the sums. */
function tripsOf(outcomes: string, change: Partial<typeof policy> = {}): readonly string[] {
  let window: BreakerWindow = []
  const trips: string[] = []
  for (const outcome of outcomes.split(' ').filter(Boolean)) {
    const added = addOutcome(
      window,
      { atMs: Number(outcome.slice(1)), hasFailed: outcome.startsWith('-') },
      { ...policy, ...change },
    )
    window = added.window
    if (added.trip) trips.push(`${outcome.slice(1)}: ${added.trip.failed}/${added.trip.attempts}`)
  }
  return trips
}

test.each([
  { what: 'nothing', outcomes: '', trips: [] },
  { what: 'one less than the least', outcomes: '-0 -1 -2', trips: [] },
  { what: 'the least', outcomes: '-0 -1 -2 -3', trips: ['3: 4/4'] },
  { what: 'exactly the share', outcomes: '+0 +1 -2 -3', trips: ['3: 2/4'] },
  { what: 'less than the share', outcomes: '+0 +1 +2 -3 -4', trips: [] },
  { what: 'successes only', outcomes: '+0 +1 +2 +3 +4', trips: [] },
  { what: 'a success after failures', outcomes: '-0 -1 -2 +3', trips: [] },
  { what: 'the next failure after that', outcomes: '-0 -1 -2 +3 -4', trips: ['4: 4/5'] },
  { what: 'failures that are too far apart', outcomes: '-0 -400 -800 -1200 -1600', trips: [] },
  { what: 'failures within the window', outcomes: '-0 -300 -600 -900', trips: ['900: 4/4'] },
  {
    what: 'old successes that count no more',
    outcomes: '+0 +1 +2 +3 +4 +5 -1100 -1101 -1102 -1103',
    trips: ['1103: 4/4'],
  },
  {
    what: 'a trip, after which the window begins anew',
    outcomes: '-0 -1 -2 -3 -4 -5 -6 -7',
    trips: ['3: 4/4', '7: 4/4'],
  },
])('$what: $trips', ({ outcomes, trips }) => {
  expect(tripsOf(outcomes)).toEqual(trips)
})

test.each([
  { change: { share: 1 }, outcomes: '-0 -1 -2 +3 -4', trips: [] },
  { change: { share: 1 }, outcomes: '-0 -1 -2 -3', trips: ['3: 4/4'] },
  { change: { min: 1 }, outcomes: '-0', trips: ['0: 1/1'] },
  { change: { windowMs: 10_000 }, outcomes: '-0 -3000 -6000 -9000', trips: ['9000: 4/4'] },
])('with $change: $trips', ({ change, outcomes, trips }) => {
  expect(tripsOf(outcomes, change)).toEqual(trips)
})

test('a window holds no more than ten slots', () => {
  let window: BreakerWindow = []

  for (let atMs = 0; atMs < 50_000; atMs += 7) window = addOutcome(window, { atMs, hasFailed: false }, policy).window

  expect(window.length).toBe(10)
})
