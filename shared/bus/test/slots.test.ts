import { expect, test } from 'vitest'
import { VirtualClock } from '../../clock.ts'
import type { LanePolicy } from '../../service/lane-settings.ts'
import type { Lane } from '../lanes.ts'
import { QUIET_MS } from '../replay-share.ts'
import { Slots } from '../slots.ts'

type Item = { readonly lane: Lane; readonly isFresh: boolean; readonly name: string }
const item = (name: string): Item => ({
  lane: name.startsWith('r') ? 'replay' : 'live',
  isFresh: name.startsWith('l'),
  name,
})

/** Places of which each start is noted; `offer` and `leave` take names such as `l1` (live) and `r1` (replay). */
function desk(limit: number, policy: LanePolicy = { kind: 'round-robin' }) {
  const clock = new VirtualClock()
  const started: string[] = []
  const slots = new Slots<Item>({ policy, limit, clock, start: ({ name }) => void started.push(name) })
  return {
    clock,
    slots,
    /** Those that were started since the last look. */
    started: () => started.splice(0).join(' '),
    offer: (...names: readonly string[]) => {
      for (const name of names) slots.offer(item(name))
    },
    leave: (...names: readonly string[]) => {
      for (const name of names) slots.leave(item(name).lane)
    },
  }
}

test('live messages alone start at once, and no more of them than there are places', () => {
  const { offer, leave, started } = desk(2)
  offer('l1', 'l2', 'l3', 'l4')
  expect(started()).toBe('l1 l2')

  leave('l1')
  expect(started()).toBe('l3')
})

test('S7: an idle system gives a replay every place, and no more than there are', () => {
  const { offer, leave, started } = desk(3)
  offer('r1', 'r2', 'r3', 'r4', 'r5')
  expect(started()).toBe('r1 r2 r3')

  leave('r2')
  expect(started()).toBe('r4')
})

test('both lanes share the places, and who comes to a full house waits for the next that is free', () => {
  const { offer, leave, started } = desk(2)
  offer('r1', 'r2', 'r3', 'l1', 'l2')
  expect(started()).toBe('r1 r2')

  leave('r1')
  expect(started()).toBe('l1')
  leave('r2')
  expect(started()).toBe('l2')
})

test('S7: while live messages come the replay waits, and it goes on with every place when none has come for a while', async () => {
  const { clock, offer, leave, started } = desk(3)
  offer('l1', 'r1', 'r2', 'r3', 'r4')
  leave('l1')
  expect(started()).toBe('l1')

  await clock.advance(QUIET_MS)
  expect(started()).toBe('')
  await clock.advance(1)
  expect(started()).toBe('r1 r2 r3')
})

test.each<{ policy: LanePolicy; order: readonly string[] }>([
  { policy: { kind: 'fifo' }, order: ['r1', 'r2', 'r3', 'l1', 'l2'] },
  { policy: { kind: 'ratio', live: 1, replay: 1 }, order: ['r1', 'l1', 'r2', 'l2', 'r3'] },
])('S9: $policy.kind serves those that wait in its own order, and keeps no place free', ({ policy, order }) => {
  const { offer, leave, started } = desk(1, policy)
  offer('r1', 'r2', 'r3', 'l1', 'l2')

  for (const name of order) {
    expect(started()).toBe(name)
    leave(name)
  }
})

test('S7: what is tried again is no reason to make way', () => {
  const { slots, started } = desk(3)
  slots.offer({ lane: 'live', isFresh: false, name: 'again' })
  slots.offer(item('r1'))

  expect(started()).toBe('again r1')
})

test('who waits for something that takes long gives up its place, and goes on without asking for one', () => {
  const { slots, offer, leave, started } = desk(1)
  offer('r1', 'r2')
  leave('r1')
  expect(started()).toBe('r1 r2')

  slots.reenter('replay')
  offer('r3')
  leave('r1')
  expect(started()).toBe('')
  leave('r2')
  expect(started()).toBe('r3')
})

test('who had its turn before comes before those that wait, in the same order', () => {
  const { slots, offer, leave, started } = desk(2)
  offer('r1', 'r2', 'l3', 'l4')
  slots.putBack([item('l1'), item('l2')])
  leave('r1', 'r2')
  leave('l1', 'l2')

  expect(started()).toBe('r1 r2 l1 l2 l3 l4')
})

test('more places are used at once, and fewer as soon as some are free', () => {
  const { slots, offer, leave, started } = desk(1)
  offer('r1', 'r2', 'r3', 'r4')
  slots.limit = 3
  expect(started()).toBe('r1 r2 r3')

  slots.limit = 1
  leave('r1', 'r2')
  expect(started()).toBe('')
  leave('r3')
  expect(started()).toBe('r4')
})

test('a closed house starts nobody, and gives back those that wait', async () => {
  const { clock, slots, offer, leave, started } = desk(1)
  offer('r1', 'l1', 'r2')
  const left = slots.close().map(({ name }) => name)
  leave('r1')
  offer('l2')
  await clock.advance(2 * QUIET_MS)

  expect(left.toSorted()).toEqual(['l1', 'r2'])
  expect(started()).toBe('r1')
})
