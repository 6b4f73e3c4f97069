import { expect, test } from 'vitest'
import { countHeld } from '../../held-counts.ts'
import { emptyHeld } from '../../test/fake-held.ts'
import { findWorkQueue } from '../work-queue.ts'

const parked = (place: string, queue: string, rule: string) => ({ place: `ebs.sideline.${place}`, queue, rule })

test.each([
  ['a dead queue', { place: 'process_consume.dead', queue: null, rule: null }, 'process_consume'],
  ['one of an activity', { place: 'activity.charge.v2.dead', queue: null, rule: null }, 'activity.charge.v2'],
  ['a parking queue', parked('acme.process_consume', 'process_consume', 'acme#1'), 'process_consume'],
  ['one of a rule with dots', parked('a.b.process_consume', 'process_consume', 'a.b#1'), 'process_consume'],
  ['one of an activity with dots', parked('acme.activity.a.b', 'activity.a.b', 'acme#1'), 'activity.a.b'],
  [
    'an activity named as a queue',
    parked('r.activity.statistics', 'activity.statistics', 'r#1'),
    'activity.statistics',
  ],
  ['a message that says otherwise', parked('acme.process_consume', 'activity.charge', 'acme#1'), 'process_consume'],
  ['a queue of nobody', { place: 'somewhere', queue: 'somewhere', rule: null }, undefined],
])('messages of %s go back to where they were taken from', (_, row, queue) => {
  expect(findWorkQueue(row)).toBe(queue)
})

test('held messages are counted by the queue that they were taken from, whatever dots are in names', async () => {
  const places = [
    'ebs.sideline.acme.process_consume',
    'ebs.sideline.a.b.process_consume',
    'ebs.sideline.acme.activity.charge.v2',
    'ebs.sideline.a.b.activity.charge.v2',
    'activity.charge.v2.dead',
    'ebs.unrouted',
  ]
  const held = emptyHeld()
  held.countByPlace.mockReturnValue(places.map((place) => ({ place, count: 1 })))

  const { parked, dead, unrouted } = await countHeld(held)

  expect([...parked]).toEqual([
    ['process_consume', 2],
    ['activity.charge.v2', 2],
  ])
  expect([[...dead], unrouted]).toEqual([[['activity.charge.v2', 1]], 1])
})
