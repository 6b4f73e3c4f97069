import { expect, test } from 'vitest'
import { parkingQueue, parkingQueueOf } from '../../../../shared/topology.ts'
import { heldSite, idsOf, isoAgo, memory, QUEUE, REPLAY_LANE, row, task } from './held-fixture.ts'

const PARKING = parkingQueueOf('r1', QUEUE)
const HOUR_MS = 3_600_000

test('S5: what was parked once more by a consumer that died before its ack is one message, also when the first was handled', async () => {
  await using site = await heldSite(memory)
  await site.bus.broker.declare(parkingQueue('r1', QUEUE, 'quorum'))
  // The message came back to its queue with its consumer, long after it had been parked.
  await site.publish(PARKING, task('a'), { 'x-ebs-held': 'a', 'x-ebs-parked-at': isoAgo(0) })
  await site.store.write(async ({ held }) => {
    await held.addHeld([row({ id: 'a', place: PARKING, rule: 'r1#1', heldAtMs: Date.now() - HOUR_MS })])
    await held.moved('j0', ['a'], 'released', Date.now())
    await held.settle('a', 'handled', Date.now())
  })

  const moved = await site.mover.run({
    type: 'REPLAY_ERRAND',
    job: 'j1',
    act: 'replay',
    from: PARKING,
    to: QUEUE,
    which: 'front',
    upTo: 1,
  })

  expect(moved).toMatchObject({ moved: 0, exhausted: true })
  expect(idsOf(await site.drain(REPLAY_LANE))).toEqual([])
  expect(await site.depth(PARKING)).toBe(0)
})
