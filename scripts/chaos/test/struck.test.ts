import { expect, test } from 'vitest'
import { faultRows, longestGapMs, type Seen, type Struck } from '../struck.ts'

const strike = (fault: Struck['step']['fault'], atMs: number, more: Partial<Struck> = {}): Struck => ({
  step: { fault, gapMs: 0, holdMs: 0 },
  atMs,
  healedAtMs: atMs,
  ...more,
})
const seen = (struck: readonly Struck[], more: Partial<Seen> = {}): Seen => ({
  struck,
  completedAtMs: [],
  deaths: [],
  attempt: { refusedAtMs: [] },
  redeliveredBetween: () => 0,
  endMs: 100,
  ...more,
})

test.each([
  { says: 'one that began before', completedAtMs: [5, 30], gap: 25 },
  { says: 'one that ended after', completedAtMs: [12, 60], gap: 48 },
  { says: 'the longest of several', completedAtMs: [9, 11, 18, 19, 21], gap: 7 },
  { says: 'none when nothing was completed at all', completedAtMs: [], gap: 0 },
])('the longest gap: $says', ({ completedAtMs, gap }) => {
  expect(longestGapMs(completedAtMs, 10, 20)).toBe(gap)
})

test('a strike answers for what is seen until the next one', () => {
  const [kill, cut] = faultRows(
    ['kill-service', 'cut-connections'],
    seen([strike('kill-service', 10), strike('cut-connections', 20), strike('kill-service', 30)], {
      completedAtMs: [12, 23, 37, 90],
      deaths: [10, 35, 99].map((atMs) => ({ name: 'hub', atMs, how: '', isMeant: true })),
      attempt: { refusedAtMs: [11, 20, 21, 30] },
      redeliveredBetween: (fromMs, toMs) => toMs - fromMs,
    }),
  )

  expect(kill).toMatchObject({ struck: 2, restarts: 3, refused: 2, redelivered: 80, recoveredMs: 7, longestGapMs: 53 })
  expect(cut).toMatchObject({ struck: 1, restarts: 0, refused: 2, redelivered: 10, recoveredMs: 3, longestGapMs: 14 })
})

test.each([
  {
    says: 'survived, when an object was completed behind each',
    struck: [strike('kill-broker', 10)],
    outcome: 'survived',
  },
  {
    says: 'not survived, when none was',
    struck: [strike('kill-broker', 10), strike('kill-broker', 80)],
    outcome: 'not survived',
  },
  {
    says: 'not possible',
    struck: [strike('kill-broker', 10, { missed: 'not possible here', note: 'why' })],
    outcome: 'not possible here',
  },
  {
    says: 'did not strike, when nobody felt any',
    struck: [strike('kill-broker', 10, { missed: 'did not strike' })],
    outcome: 'did not strike',
  },
  {
    says: 'survived, when one was felt',
    struck: [strike('kill-broker', 10, { missed: 'did not strike' }), strike('kill-broker', 20)],
    outcome: 'survived',
  },
  { says: 'no time for it', struck: [], outcome: 'did not fit' },
])('the outcome: $says', ({ struck, outcome }) => {
  const [row] = faultRows(['kill-broker'], seen(struck, { completedAtMs: [50] }))

  expect(row).toMatchObject({ outcome })
})
