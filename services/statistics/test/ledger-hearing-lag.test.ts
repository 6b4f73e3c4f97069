import { expect, test } from 'vitest'
import { heldBack, progressIn, whyBehind } from '../ledger/hearing-lag.ts'

const at = (ready: number, unsettled: number, countedAtMs: number) => ({ ready, unsettled, countedAtMs })

test.each([
  ['nothing waits', at(0, 0, 5), at(0, 0, 5), undefined],
  ['events wait', at(3, 0, 9), at(0, 0, 5), /^3 events are not counted yet/],
  ['some are being counted', at(0, 500, 9), at(0, 500, 5), undefined],
  ['some have just come', at(0, 2, 5), at(0, 0, 5), undefined],
  ['a process took some and counts nothing', at(0, 2, 5), at(0, 2, 5), /^2 events were delivered .* end it/],
  ['it is the first look', at(0, 2, 5), undefined, undefined],
])('entries are compared only while events are counted: %s', (_, now, before, why) => {
  const said = whyBehind(now, before)
  if (why) expect(said).toMatch(why)
  else expect(said).toBeUndefined()
})

test('its queue and that of replays are events to count; dead ones and those that a rule set aside are held back', () => {
  const counts = new Map([
    ['statistics', { ready: 1, unsettled: null }],
    ['statistics.replay', { ready: 2, unsettled: 4 }],
    ['statistics.dead', { ready: 8, unsettled: 0 }],
    ['ebs.sideline.r.statistics', { ready: 16, unsettled: 32 }],
    ['ebs.sideline.r.process_consume', { ready: 64, unsettled: 0 }],
  ])

  expect(progressIn(counts, 7)).toEqual(at(3, 4, 7))
  expect(heldBack(counts)).toBe(56)
})
