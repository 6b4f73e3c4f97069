import { describe, expect, test } from 'vitest'
import { type Claim, compare, LADDER, type Lot, lasting } from '../ledger/comparison.ts'
import { LookWindow } from '../ledger/window.ts'

const PARKING = 'ebs.sideline.r1.process_consume'
const task = (state: Claim['state'], count: number, by = ''): Claim => ({
  ...{ kind: 'task', queue: 'process_consume', state, by, count },
})
const parked = (count: number, rule = 'r1') => task('parked', count, rule)
const object = (count: number, state: Claim['state'] = 'inFlight'): Claim => ({
  ...{ kind: 'object', queue: 'distributor_consume', state, by: '', count },
})
const unknown = (count: number): Claim => ({ kind: 'group', queue: 'hub_consume', state: 'inFlight', by: '', count })
const exactly = (count: number): Lot => ({ count, isAtLeast: false })
const atLeast = (count: number): Lot => ({ count, isAtLeast: true })

/** What is missing, and what cannot be said, of these claims. */
function outcome(claims: readonly Claim[], seen: Readonly<Record<string, number | Lot>>) {
  const lots = Object.entries(seen).map(
    ([place, lot]) => [place, typeof lot === 'number' ? exactly(lot) : lot] as const,
  )
  const { missing, unobserved } = compare(claims, new Map(lots))
  return {
    missing: Object.fromEntries(missing.map(({ place, count }) => [place, count])),
    unobserved: unobserved.map(({ place }) => place),
  }
}

describe('what was accepted and what is there', () => {
  test.each([
    ['nothing at all', [], {}, {}],
    ['a consumer stopped, its queue full', [task('inFlight', 5)], { process_consume: 5 }, {}],
    ['more messages than entries', [task('inFlight', 5)], { process_consume: 9 }, {}],
    ['a purged queue', [task('inFlight', 5)], {}, { process_consume: 5 }],
    ['a queue that lost one', [task('inFlight', 5)], { process_consume: 4 }, { process_consume: 1 }],
    [
      'a dead queue from which one was taken',
      [task('dead', 3)],
      { 'process_consume.dead': 2 },
      { 'process_consume.dead': 1 },
    ],
    [
      'dead messages on their way back',
      [task('dead', 3)],
      { 'process_consume.dead': 1, 'process_consume.replay': 2 },
      {},
    ],
    [
      'dead messages hidden by what is on the ladder',
      [task('dead', 3)],
      { [LADDER]: 3 },
      { 'process_consume.dead': 3 },
    ],
    ['a replay under way', [parked(10)], { [PARKING]: 6, 'process_consume.replay': 3, process_consume: 1 }, {}],
    ['a replay that lost two', [parked(10)], { [PARKING]: 5, 'process_consume.replay': 3 }, { [PARKING]: 2 }],
    [
      'two rules, one queue gone',
      [parked(2), parked(3, 'r2')],
      { [PARKING]: 2 },
      { 'ebs.sideline.r2.process_consume': 3 },
    ],
    ['messages of another rule', [parked(2)], { 'ebs.sideline.r2.process_consume': 2 }, { [PARKING]: 2 }],
    ['tasks that wait for their next attempt', [task('waiting', 4)], { [LADDER]: 4 }, {}],
    ['tasks that have waited', [task('waiting', 4)], { [LADDER]: 1, process_consume: 3 }, {}],
    ['a ladder that lost one', [task('waiting', 4)], { [LADDER]: 3 }, { process_consume: 1 }],
    ['tasks that do not wait are not on the ladder', [task('inFlight', 2)], { [LADDER]: 9 }, { process_consume: 2 }],
    [
      'one message is not two entries',
      [task('inFlight', 2), task('dead', 2)],
      { process_consume: 2 },
      { 'process_consume.dead': 2 },
    ],
    ['objects lost, wake-ups on the ladder', [object(2)], { [LADDER]: 9 }, { distributor_consume: 2 }],
    ['objects that wait for their next attempt', [object(2, 'waiting')], { [LADDER]: 2 }, {}],
    ['one of them lost', [object(2, 'waiting')], { [LADDER]: 1 }, { distributor_consume: 1 }],
    ['the hub has lost what it held, wake-ups on the ladder', [unknown(3)], { [LADDER]: 99 }, { hub: 3 }],
    ['objects that are nowhere', [object(2)], { process_consume: 2 }, { distributor_consume: 2 }],
    ['a hub that has not come to it', [unknown(3)], { hub_consume: 3 }, {}],
    ['hub.db lost', [unknown(3)], {}, { hub: 3 }],
    ['each queue by itself', [task('inFlight', 1), object(1)], { process_consume: 1 }, { distributor_consume: 1 }],
  ])('%s', (_, claims, seen, missing) => {
    expect(outcome(claims, seen)).toEqual({ missing, unobserved: [] })
  })

  test.each([
    [
      'what a consumer holds is not counted',
      [task('inFlight', 5)],
      { process_consume: atLeast(2) },
      ['process_consume'],
    ],
    ['it would not matter', [task('inFlight', 5)], { process_consume: atLeast(5) }, []],
    ['a browsed dead queue', [task('dead', 2)], { 'process_consume.dead': atLeast(0) }, ['process_consume.dead']],
    ['the hub is busy', [unknown(2)], { hub_consume: atLeast(1) }, ['hub']],
    ['a queue that holds no entry', [task('dead', 1)], { 'process_consume.dead': 1, hub_consume: atLeast(0) }, []],
  ])('is unobserved, and no difference: %s', (_, claims, seen, unobserved) => {
    expect(outcome(claims, seen)).toEqual({ missing: {}, unobserved })
  })
})

test.each([
  ['for the first time', {}, {}],
  ['as before', { hub: 5 }, { hub: 5 }],
  ['less was before', { hub: 2 }, { hub: 2 }],
  ['more was before', { hub: 9 }, { hub: 5 }],
  ['something else was before', { process_consume: 5 }, {}],
])('five are lacking at the hub, %s', (_, before, expected) => {
  const lots = lasting(compare([unknown(5)], new Map()).missing, new Map(Object.entries(before)))
  expect(Object.fromEntries(lots.map(({ place, count }) => [place, count]))).toEqual(expected)
})

describe('the window of looks', () => {
  const options = { settleMs: 30_000, everyMs: 5_000, ageMs: 0 }
  const look = (atMs: number, counts: Readonly<Record<string, number>>) => ({
    atMs,
    seen: new Map(Object.entries(counts).map(([place, count]) => [place, exactly(count)])),
  })

  test('says nothing before a settling time is over, and only of what is older than it', () => {
    const window = new LookWindow({ ...options, ageMs: 6_000 })
    for (let at = 0; at < 30_000; at += 5_000) window.add(look(at, {}))
    expect(window.settled()).toBeUndefined()

    window.add(look(30_000, {}))
    expect(window.settled()).toMatchObject({ beforeMs: -6_000 })
    window.add(look(35_000, {}))
    window.add(look(40_000, {}))
    expect(window.settled()).toMatchObject({ beforeMs: 5_000 - 6_000 })

    window.forget()
    expect(window.settled()).toBeUndefined()
  })

  test('takes the greatest of each place, so that what moves from one to another is in one of them', () => {
    const window = new LookWindow(options)
    for (let i = 0; i <= 8; i++) window.add(look(i * 5_000, { parking: 80 - i * 10, replay: i === 3 ? 40 : 0 }))

    // The looks at 5, 10, ... 35 s: the newest does not count yet, the first is too old.
    expect(Object.fromEntries(window.settled()?.seen ?? [])).toEqual({ parking: exactly(70), replay: exactly(40) })
  })

  test('asks for two looks, however far they are apart', () => {
    const window = new LookWindow({ settleMs: 100, everyMs: 60_000, ageMs: 0 })
    window.add(look(0, { a: 1 }))
    window.add(look(60_000, {}))
    expect(window.settled()).toBeUndefined()

    window.add(look(120_000, {}))
    expect(window.settled()?.seen.get('a')).toEqual(exactly(1))
    window.add(look(180_000, {}))
    expect(window.settled()?.seen.get('a')).toBeUndefined()
  })
})
